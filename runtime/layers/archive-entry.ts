import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { EngineError } from '../../src/errors/index.js'
import { libcFiles } from '../host/libc-files.js'
import { errnoOf } from '../host/system-call-error.js'
import { paddingOf } from './tar-header.js'
import { headerBlocks, type WrittenEntry } from './tar-writer.js'

const chunkBytes = 256 * 1024

const noDevice = { major: 0, minor: 0 }

/** Whoever owns the files may put a link or a pipe where a file was seen a moment ago. */
const readFile = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * A file as it stands in an archive, header and content; of a directory itself alone. Nothing for what is gone, and for sockets, which archives
 * do not have. Paths are bytes as latin1 strings.
 *
 * @param linked where each file with several names was put, by its inode: the second one becomes a hard link
 * @throws EngineError `not_supported` for a file whose content is not in its layer
 */
export async function* archiveEntry(file: string, path: string, linked: Map<string, string>): AsyncGenerator<Uint8Array, void, undefined> {
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
  yield* regularFile(bytes, entry, Number(stats.size))
}

async function* regularFile(
  file: Buffer,
  entry: Omit<WrittenEntry, 'type'>,
  expectedBytes: number
): AsyncGenerator<Uint8Array, void, undefined> {
  if (libcFiles().getAttribute(file, 'trusted.overlay.metacopy') !== undefined) {
    throw new EngineError(
      'not_supported',
      `/${entry.path}: its content is in a layer below (overlayfs with metacopy), which a commit cannot read`
    )
  }
  const capability = libcFiles().getAttribute(file, 'security.capability')
  const small = expectedBytes > chunkBytes ? undefined : smallFile(file, entry, capability)
  if (small !== undefined) return yield small
  let handle: FileHandle
  try {
    handle = await open(file, readFile)
  } catch (error) {
    // Removed by the container meanwhile, or something else put in its place.
    if (['ENOENT', 'ELOOP', 'ENXIO'].includes(errnoOf(error) ?? '')) return
    throw error
  }
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) return
    const { size } = stats
    yield headerBlocks({ ...entry, type: 'file', size, ...(capability && { capability: Uint8Array.from(capability) }) })
    for (let left = size; left > 0; ) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(Math.min(left, chunkBytes)), 0, Math.min(left, chunkBytes))
      // It was cut short while it was read: the header is out, so zeros stand for the rest.
      const piece = bytesRead === 0 ? Buffer.alloc(Math.min(left, chunkBytes)) : buffer.subarray(0, bytesRead)
      left -= piece.length
      yield piece
    }
    if (paddingOf(size) > 0) yield new Uint8Array(paddingOf(size))
  } finally {
    await handle.close()
  }
}

/** Most files are small: three system calls here take less time than one through the pool. Undefined for others, and for what is gone. */
function smallFile(file: Buffer, entry: Omit<WrittenEntry, 'type'>, capability: Uint8Array | undefined): Buffer | undefined {
  let fd: number
  try {
    fd = openSync(file, readFile)
  } catch {
    return undefined
  }
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile() || stats.size > chunkBytes) return undefined
    const header = headerBlocks({
      ...entry,
      type: 'file',
      size: stats.size,
      ...(capability && { capability: Uint8Array.from(capability) })
    })
    const whole = Buffer.alloc(header.length + stats.size + paddingOf(stats.size))
    header.copy(whole)
    for (let at = 0; at < stats.size; ) {
      const count = readSync(fd, whole, header.length + at, stats.size - at, null)
      // It was cut short meanwhile: zeros stand for the rest.
      if (count === 0) break
      at += count
    }
    return whole
  } finally {
    closeSync(fd)
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
