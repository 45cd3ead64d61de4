import { type BigIntStats, lstatSync, readlinkSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { EngineError } from '../../src/errors/index.js'
import { libcFiles } from '../host/libc-files.js'
import { archiveEnd, headerBlocks, type WrittenEntry } from '../layers/tar-writer.js'
import type { LayerChange } from './layer-changes.js'

const chunkBytes = 256 * 1024

const noDevice = { major: 0, minor: 0 }

/**
 * The changes of a read-write layer as a layer archive: what is gone is an empty file `.wh.<name>`. Sockets are left out, because
 * archives have none.
 *
 * @param upper the layer's directory
 * @throws EngineError `not_supported` for a file whose content is not in the layer
 */
export async function* layerArchive(upper: string, changes: readonly LayerChange[]): AsyncGenerator<Uint8Array, void, undefined> {
  const linked = new Map<string, string>()
  const root = Buffer.from(upper).toString('latin1')
  for (const { path, kind } of changes) {
    if (kind === 'deleted') yield headerBlocks(whiteout(path))
    else yield* entryOf(`${root}${path}`, path.slice(1), linked)
  }
  yield archiveEnd
}

function whiteout(path: string): WrittenEntry {
  const slash = path.lastIndexOf('/')
  const name = `${path.slice(1, slash + 1)}.wh.${path.slice(slash + 1)}`
  return { path: name, type: 'file', mode: 0, uid: 0, gid: 0, modified: { seconds: 0, nanoseconds: 0 }, size: 0 }
}

async function* entryOf(file: string, path: string, linked: Map<string, string>): AsyncGenerator<Uint8Array, void, undefined> {
  const bytes = Buffer.from(file, 'latin1')
  const stats = lstatSync(bytes, { bigint: true, throwIfNoEntry: false })
  if (stats === undefined || stats.isSocket()) return
  const entry = { path, ...attributesOf(stats) }
  if (stats.isDirectory()) return yield headerBlocks({ ...entry, type: 'directory' })
  const known = stats.nlink > 1n ? linked.get(inodeOf(stats)) : undefined
  if (known !== undefined) return yield headerBlocks({ ...entry, type: 'hard-link', linkPath: known })
  if (stats.nlink > 1n) linked.set(inodeOf(stats), path)
  if (stats.isSymbolicLink()) return yield headerBlocks({ ...entry, type: 'symbolic-link', linkPath: readlinkSync(bytes, 'latin1') })
  if (stats.isFIFO()) return yield headerBlocks({ ...entry, type: 'fifo' })
  if (!stats.isFile()) {
    const type = stats.isBlockDevice() ? 'block-device' : 'character-device'
    return yield headerBlocks({ ...entry, type, device: deviceOf(stats.rdev) })
  }
  yield* regularFile(bytes, entry)
}

async function* regularFile(file: Buffer, entry: Omit<WrittenEntry, 'type'>): AsyncGenerator<Uint8Array, void, undefined> {
  if (libcFiles().getAttribute(file, 'trusted.overlay.metacopy') !== undefined) {
    throw new EngineError(
      'not_supported',
      `/${entry.path}: its content is in a layer below (overlayfs with metacopy), which a commit cannot read`
    )
  }
  const capability = libcFiles().getAttribute(file, 'security.capability')
  let handle: FileHandle
  try {
    handle = await open(file, 'r')
  } catch (error) {
    // Removed by the container meanwhile.
    if (error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    const size = Number((await handle.stat()).size)
    yield headerBlocks({ ...entry, type: 'file', size, ...(capability && { capability: Uint8Array.from(capability) }) })
    for (let left = size; left > 0; ) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(Math.min(left, chunkBytes)), 0, Math.min(left, chunkBytes))
      // It was cut short while it was read: the header is out, so zeros stand for the rest.
      const piece = bytesRead === 0 ? Buffer.alloc(Math.min(left, chunkBytes)) : buffer.subarray(0, bytesRead)
      left -= piece.length
      yield piece
    }
    const padding = (512 - (size % 512)) % 512
    if (padding > 0) yield new Uint8Array(padding)
  } finally {
    await handle.close()
  }
}

function attributesOf(stats: BigIntStats): Omit<WrittenEntry, 'path' | 'type'> {
  const seconds = stats.mtimeNs >= 0n ? stats.mtimeNs / 1_000_000_000n : (stats.mtimeNs - 999_999_999n) / 1_000_000_000n
  return {
    mode: Number(stats.mode),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    modified: { seconds: Number(seconds), nanoseconds: Number(stats.mtimeNs - seconds * 1_000_000_000n) },
    size: 0,
    device: noDevice
  }
}

function inodeOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`
}

/** major(3) and minor(3). */
function deviceOf(rdev: bigint): { readonly major: number; readonly minor: number } {
  const major = ((rdev >> 32n) & 0xfffff000n) | ((rdev >> 8n) & 0xfffn)
  const minor = ((rdev >> 12n) & 0xffffff00n) | (rdev & 0xffn)
  return { major: Number(major), minor: Number(minor) }
}
