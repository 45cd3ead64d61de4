import { createWriteStream } from 'node:fs'
import { chmod, link, lstat, mkdir, rm, symlink } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { EngineError } from '../../errors/index.js'
import type { TarItem } from '../../util/tar/decode-tar.js'
import type { EngineContext } from '../context.js'
import { getArchive } from './get-archive.js'

/**
 * Copy what a path in a container holds to a path of this machine.
 *
 * The container's word is not trusted: nothing is written outside `to`, nor through a link that the archive made.
 */
export async function fetchFiles(
  context: EngineContext,
  id: string,
  { from, to }: { readonly from: string; readonly to: string },
  signal: AbortSignal
): Promise<void> {
  const root = resolve(to)
  let prefix: string | undefined
  let isFolder = false
  const modes: (readonly [string, number])[] = []
  for await (const item of getArchive(context, id, from, signal)) {
    signal.throwIfAborted()
    if (prefix !== undefined && !isFolder) throw new EngineError('data_loss', `The archive of ${from} holds more than a file`)
    prefix ??= item.entry.name
    isFolder ||= item.entry.type === 'directory'
    const place = placeOf(root, prefix, item.entry.name)
    await checkWay(root, place)
    const linked = item.entry.type === 'hardlink' ? placeOf(root, prefix, item.entry.linkName ?? '') : ''
    if (linked !== '') await checkWay(root, linked)
    await write(item, place, linked)
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
  for (let at = dirname(place); at.length > root.length; at = dirname(at)) {
    const stats = await lstat(at).catch(() => undefined)
    if (stats?.isSymbolicLink())
      throw new EngineError('data_loss', `The archive would be written through a link: ${at}`, { details: { path: at } })
  }
}

/** What is there already is written over; a folder is not. */
async function clear(place: string): Promise<void> {
  const stats = await lstat(place).catch(() => undefined)
  if (stats === undefined) return
  if (stats.isDirectory()) throw new EngineError('already_exists', `${place} is a folder on this machine`, { details: { path: place } })
  await rm(place)
}
