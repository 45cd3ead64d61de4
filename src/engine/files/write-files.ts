import { createWriteStream } from 'node:fs'
import { chmod, link, lstat, mkdir, rm, symlink } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { EngineError, type ErrorCode } from '../../errors/index.js'
import type { TarItem } from '../../util/tar/decode-tar.js'

/**
 * Write what an archive holds to a path of this machine; its first entry becomes that path.
 *
 * The archive is not trusted: nothing is written outside `to`, nor through a link that it made.
 *
 * @param paths.from where it comes from, for messages
 * @throws EngineError `data_loss` for an archive that leads out of its target or that no file system can hold, `already_exists`, `not_supported` for
 *   devices and pipes; `not_found`, `invalid_argument`, `permission_denied`, `resource_exhausted` where `to` cannot be written; the signal's reason
 */
export async function writeFiles(
  items: AsyncIterable<TarItem>,
  { from, to }: { readonly from: string; readonly to: string },
  signal: AbortSignal
): Promise<void> {
  const root = resolve(to)
  let prefix: string | undefined
  let isFolder = false
  const modes: (readonly [string, number])[] = []
  for await (const item of items) {
    signal.throwIfAborted()
    if (prefix !== undefined && !isFolder) throw new EngineError('data_loss', `The archive of ${from} holds more than a file`)
    prefix ??= item.entry.name
    isFolder ||= item.entry.type === 'directory'
    const place = placeOf(root, prefix, item.entry.name)
    const linked = item.entry.type === 'hardlink' ? placeOf(root, prefix, item.entry.linkName ?? '') : ''
    try {
      await checkWay(root, place)
      if (linked !== '') await checkWay(root, linked)
      // A folder that is there is taken as it is: a link to one may be anywhere.
      if (item.entry.type === 'directory' && place !== root) await checkNoLink(place)
      await write(item, place, linked)
    } catch (error) {
      // Only a path that is no path is the caller's doing.
      const isCallers = place === root && (item.entry.type === 'file' || item.entry.type === 'directory')
      throw explained(error, { place, to, isCallers })
    }
    if (item.entry.type === 'directory') modes.push([place, item.entry.mode])
  }
  // Last: a folder that may not be written to could not be filled.
  for (const [place, mode] of modes.reverse()) await chmod(place, mode)
}

async function write({ entry, content }: TarItem, place: string, linked: string): Promise<void> {
  const { type, mode, linkName = '' } = entry
  switch (type) {
    case 'directory':
      await mkdir(place, { recursive: true })
      return
    case 'file':
      await clear(place)
      await pipeline(Readable.from(content, { objectMode: false }), createWriteStream(place, { mode, flags: 'wx' }))
      await chmod(place, mode)
      return
    case 'symlink':
      await clear(place)
      await symlink(linkName, place)
      return
    case 'hardlink':
      await clear(place)
      await link(linked, place)
      return
    case 'other':
      throw new EngineError('not_supported', `${entry.name} is a device or a pipe: it cannot be copied`, { details: { name: entry.name } })
  }
}

/** Where an entry belongs; the first one's name becomes the target's. */
function placeOf(root: string, prefix: string, name: string): string {
  const below = name === prefix ? '' : name.startsWith(`${prefix}/`) ? name.slice(prefix.length + 1) : name.replace(/^\/+/, '')
  const place = join(root, below)
  if (place !== root && !place.startsWith(root + sep)) {
    throw new EngineError('data_loss', `The archive holds a path that leads out of it: ${name}`, { details: { name } })
  }
  return place
}

/** No part of the way between the target and an entry may be a link. */
async function checkWay(root: string, place: string): Promise<void> {
  for (let at = dirname(place); at.length > root.length; at = dirname(at)) await checkNoLink(at)
}

async function checkNoLink(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined)
  if (stats?.isSymbolicLink())
    throw new EngineError('data_loss', `The archive would be written through a link: ${path}`, { details: { path } })
}

/** What is there already is written over; a folder is not. */
async function clear(place: string): Promise<void> {
  const stats = await lstat(place).catch(() => undefined)
  if (stats === undefined) return
  if (stats.isDirectory()) throw new EngineError('already_exists', `${place} is a folder on this machine`, { details: { path: place } })
  await rm(place)
}

const codes: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
  EROFS: 'permission_denied',
  ENOSPC: 'resource_exhausted',
  EDQUOT: 'resource_exhausted',
  EFBIG: 'resource_exhausted',
  EMFILE: 'resource_exhausted',
  ENFILE: 'resource_exhausted'
}

/** Names that cannot be written: the archive's fault, but for the target itself. */
const names: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'not_found',
  ENOTDIR: 'invalid_argument',
  ENAMETOOLONG: 'invalid_argument',
  ELOOP: 'invalid_argument',
  EINVAL: 'invalid_argument',
  EEXIST: 'already_exists',
  EISDIR: 'already_exists'
}

/** A failed system call, as what it means. */
function explained(
  error: unknown,
  { place, to, isCallers }: { readonly place: string; readonly to: string; readonly isCallers: boolean }
): unknown {
  if (EngineError.is(error) || !(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error
  const errno = String(error.code)
  const name = names[errno]
  const code = codes[errno] ?? (name !== undefined && !isCallers ? 'data_loss' : name)
  if (code === undefined) return error
  return new EngineError(code, `cannot write ${place}: ${error.message}`, { details: { path: place, to, errno }, cause: error })
}
