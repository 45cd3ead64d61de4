import { randomBytes } from 'node:crypto'
import { chown, lstat, mkdir, open, readFile, readlink, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { EngineError } from '../errors/index.js'
import { parseObject } from './config-file.js'
import { lockFile } from './lock-file.js'

type JsonObject = Readonly<Record<string, unknown>>

/**
 * Change the docker CLI's file. What `change` leaves alone stays, known here or not; the file is whole at every instant, only its owner can read
 * it, and a link to it stays a link. Two that write at once do so one after the other.
 *
 * @param change - gives the whole new content; undefined for no change
 * @throws EngineError `invalid_argument` for a file that holds something else, `permission_denied` where it cannot be written, `deadline_exceeded`
 * where somebody else does not finish writing; the signal's reason on abort
 */
export async function updateConfigFile(
  path: string,
  change: (config: JsonObject) => JsonObject | undefined,
  options: { readonly signal?: AbortSignal } = {}
): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const target = await resolveLinks(path)
    await using lock = await lockFile(`${target}.lock`, options)
    for (;;) {
      const before = await readText(target)
      const next = change(parseObject(before, path))
      if (next === undefined) return
      // The docker CLI takes no lock: what it wrote meanwhile is read again.
      if (await replace(target, { before, text: `${JSON.stringify(next, undefined, '\t')}\n`, stillHeld: lock.check })) return
    }
  } catch (cause) {
    if (EngineError.is(cause) || options.signal?.aborted) throw cause
    const { code, message } = cause as NodeJS.ErrnoException // of node:fs, as is everything above
    throw new EngineError('permission_denied', `cannot write ${path}: ${message}`, { details: { path, errno: code }, cause })
  }
}

interface Replacement {
  readonly before: string | undefined
  readonly text: string
  readonly stillHeld: () => Promise<void>
}

/** @returns false where the file is no longer what it was */
async function replace(target: string, { before, text, stillHeld }: Replacement): Promise<boolean> {
  const temporary = join(dirname(target), `.config-${randomBytes(8).toString('hex')}.tmp`)
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await keepOwner(target, temporary)
    await stillHeld()
    if ((await readText(target)) !== before) return false
    await rename(temporary, target)
    return true
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Somebody who writes with sudo does not take the file from its owner. */
async function keepOwner(target: string, temporary: string): Promise<void> {
  const [old, fresh] = await Promise.all([stat(target).catch(() => undefined), stat(temporary)])
  if (old === undefined || (old.uid === fresh.uid && old.gid === fresh.gid)) return
  await chown(temporary, old.uid, old.gid).catch(() => {})
}

/** Where the file really is, or will be: behind links, also those to nothing yet. */
async function resolveLinks(path: string): Promise<string> {
  let current = path
  for (let links = 0; links < 40; links++) {
    const found = await realpath(current).catch(() => undefined)
    if (found !== undefined) return found
    const isLink = await lstat(current).then(
      entry => entry.isSymbolicLink(),
      () => false
    )
    if (!isLink) return current
    current = resolve(dirname(current), await readlink(current))
  }
  throw new EngineError('invalid_argument', `${path}: there are too many links`, { details: { path } })
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}
