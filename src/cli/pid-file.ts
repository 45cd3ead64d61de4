import { readFileSync, rmSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EngineError } from '../errors/index.js'

/** A file that says which process serves, while it does. */
export interface PidFile {
  /** Remove it, where it is still ours. Synchronous: the last thing a process does. Idempotent. */
  remove(): void
}

/**
 * Write this process's number into a file, in the place of one whose process is gone. As dockerd's.
 *
 * @throws EngineError `conflict` where that process lives; `failed` where the file cannot be written
 */
export async function writePidFile(path: string): Promise<PidFile> {
  const owner = Number((await readFile(path, 'utf8').catch(() => '')).trim())
  // The first process of a container often has the number that it had last time.
  if (Number.isInteger(owner) && owner > 0 && owner !== process.pid && isAlive(owner)) throw taken(path, owner)
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 })
    await rm(path, { force: true })
    // Not over that of somebody who starts at the same moment.
    await writeFile(path, String(process.pid), { mode: 0o644, flag: 'wx' })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw taken(path, undefined)
    throw new EngineError('failed', `cannot write the pid file: ${(cause as Error).message}`, { details: { path }, cause })
  }
  return { remove: () => removeOwn(path) }
}

function removeOwn(path: string): void {
  try {
    if (readFileSync(path, 'utf8') === String(process.pid)) rmSync(path, { force: true })
  } catch {
    // Somebody has removed it already.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function taken(path: string, owner: number | undefined): EngineError {
  const who = owner === undefined ? 'another process' : `process ${owner}`
  return new EngineError('conflict', `pid file found, ensure that no daemon is running or delete ${path}: ${who} wrote it, and lives`, {
    details: { path, ...(owner !== undefined && { pid: owner }) }
  })
}
