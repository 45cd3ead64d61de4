import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, unlink, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Names of files that are not there yet begin with this; nothing that is stored does. */
const unfinished = '.'

/**
 * Write a small file so that a crash leaves the old content or the new one: temporary file, sync, rename, sync of the folder. Folders are made.
 *
 * @throws what the file system says
 */
export async function writeDurably(path: string, content: string): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `${unfinished}${randomBytes(8).toString('hex')}`)
  const file = await openNew(temporary)
  try {
    await file.writeFile(content)
    await file.datasync()
  } catch (error) {
    await file.close()
    await unlink(temporary).catch(() => undefined)
    throw error
  }
  await file.close()
  await rename(temporary, path)
  await syncFolder(folder)
}

/** Make an empty file, or make one that is there as new as if it had just been made. Its name is what it says. */
export async function touchDurably(path: string): Promise<void> {
  if (await touch(path)) return
  await (await openNew(path, 'a')).close()
  await syncFolder(dirname(path))
}

/** Make a file as new as if it had just been made. @returns whether it is there */
export async function touch(path: string): Promise<boolean> {
  const now = new Date()
  return ifThere(
    utimes(path, now, now).then(() => true),
    false
  )
}

/** Remove a file. @returns whether it was there */
export async function removeDurably(path: string): Promise<boolean> {
  const removed = await ifThere(
    unlink(path).then(() => true),
    false
  )
  if (removed) await syncFolder(dirname(path))
  return removed
}

/** The names of what is stored in a folder, sorted; none where there is no such folder. */
export async function listNames(folder: string): Promise<string[]> {
  const names = await ifThere(readdir(folder), [])
  return names.filter(name => !name.startsWith(unfinished)).sort()
}

/** What a promise gives, or something else where the file is not there. */
export async function ifThere<T, U>(work: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await work
  } catch (error) {
    if (isMissing(error)) return otherwise
    throw error
  }
}

/** Whether an error says that a file or a folder above it is not there. */
export function isMissing(error: unknown): boolean {
  // Undefined on other errors.
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return code === 'ENOENT' || code === 'ENOTDIR'
}

async function openNew(path: string, flags: 'wx' | 'a' = 'wx') {
  try {
    return await open(path, flags, 0o600)
  } catch (error) {
    if (!isMissing(error)) throw error
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    return open(path, flags, 0o600)
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
