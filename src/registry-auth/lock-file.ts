import { randomBytes } from 'node:crypto'
import { link, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { EngineError } from '../errors/index.js'

/** A lock that is held. */
export interface HeldLock extends AsyncDisposable {
  /** @throws EngineError `conflict` where somebody has taken it away, because it was held for too long */
  check(): Promise<void>
}

/** How long a lock is respected whose holder cannot be asked whether it lives: on another machine. In milliseconds. */
const respectedMs = 30_000
const patienceMs = 60_000
const pauseMs = 20

/**
 * Take a lock that is a file: whoever makes it holds it. The lock of a process that is gone is taken away.
 *
 * ```
 * <process id> <host name> <random digits>
 * ```
 *
 * @throws EngineError `deadline_exceeded` where its holder does not let go within a minute; the signal's reason on abort
 */
export async function lockFile(path: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<HeldLock> {
  const mine = `${process.pid} ${hostname()} ${randomBytes(8).toString('hex')}\n`
  const until = Date.now() + patienceMs
  while (!(await tryLock(path, mine))) {
    signal?.throwIfAborted()
    if (Date.now() > until) {
      throw new EngineError('deadline_exceeded', `${path} is held by another process. If none writes there, remove the file`, {
        details: { path }
      })
    }
    await removeAbandoned(path)
    await sleep(pauseMs * (0.5 + Math.random()))
  }
  const isMine = async (): Promise<boolean> => (await readOwner(path)) === mine
  return {
    async check() {
      if (!(await isMine())) throw new EngineError('conflict', `${path} was taken away meanwhile; try again`, { details: { path } })
    },
    async [Symbol.asyncDispose]() {
      if (await isMine()) await rm(path, { force: true })
    }
  }
}

async function tryLock(path: string, mine: string): Promise<boolean> {
  // Written elsewhere and linked to its name: nobody ever sees it without its owner.
  const draft = `${path}.${randomBytes(8).toString('hex')}`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(mine)
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false // of node:fs
    throw error
  } finally {
    await file.close()
    await rm(draft, { force: true })
  }
}

async function removeAbandoned(path: string): Promise<void> {
  const owner = await readOwner(path)
  if (owner === undefined || !(await isAbandoned(path, owner))) return
  const aside = `${path}.${randomBytes(8).toString('hex')}`
  // Of several that found it abandoned one gets it.
  if (!(await succeeds(rename(path, aside)))) return
  // Another one was as quick: that was no longer the lock that was looked at.
  if ((await readOwner(aside)) !== owner) await succeeds(link(aside, path))
  await rm(aside, { force: true })
}

async function isAbandoned(path: string, owner: string): Promise<boolean> {
  const [pid, host] = owner.trim().split(' ')
  if (host === hostname() && /^\d+$/.test(pid ?? '')) return !isAlive(Number(pid))
  const made = await stat(path).catch(() => undefined)
  return made !== undefined && Date.now() - made.mtimeMs > respectedMs
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH' // of process.kill
  }
}

function readOwner(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}

function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false
  )
}
