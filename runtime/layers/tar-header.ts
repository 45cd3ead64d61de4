import { archiveError } from './archive-error.js'

/** Size of a header, and what data is padded to. */
export const blockBytes = 512

/** The fields of one header block, before extensions. Names are latin1 strings. */
export interface TarHeader {
  readonly name: string
  readonly linkName: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtime: number
  /** The type flag as a character; NUL is given as '0'. */
  readonly typeFlag: string
  readonly deviceMajor: number
  readonly deviceMinor: number
}

/**
 * Read a header block: v7, ustar (POSIX.1-1988), GNU, and star's variant of ustar. tar(5) draws the fields.
 *
 * @throws EngineError `data_loss` for a wrong checksum or a field that is no number
 */
export function parseTarHeader(block: Buffer): TarHeader {
  verifyChecksum(block)
  const typeByte = block[156] ?? 0
  // v7 leaves zeros where ustar has the device, so the fields read as 0 there.
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0'
  const isUstar = isPosix || block.toString('latin1', 257, 263) === 'ustar '
  return {
    name: isPosix ? prefixed(block, text(block, 0, 100)) : text(block, 0, 100),
    linkName: text(block, 157, 100),
    mode: number(block, 100, 8, 'mode'),
    uid: number(block, 108, 8, 'uid'),
    gid: number(block, 116, 8, 'gid'),
    size: number(block, 124, 12, 'size'),
    mtime: number(block, 136, 12, 'mtime'),
    typeFlag: typeByte === 0 ? '0' : String.fromCharCode(typeByte),
    deviceMajor: isUstar ? number(block, 329, 8, 'device') : 0,
    deviceMinor: isUstar ? number(block, 337, 8, 'device') : 0
  }
}

export function isZeroBlock(block: Buffer): boolean {
  if (block[0] !== 0) return false
  return block.every(byte => byte === 0)
}

/** Bytes from `size` to the next block boundary. */
export function paddingOf(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes
}

/**
 * A number field: octal text, or base-256 where the first bit is set (GNU, for what octal has no room for).
 * An empty field is 0.
 */
export function number(block: Buffer, offset: number, length: number, field: string): number {
  const first = block[offset] ?? 0
  if ((first & 0x80) !== 0) return base256(block, offset, length, field)
  let value = 0
  let at = offset
  const end = offset + length
  while (at < end && (block[at] === 0x20 || block[at] === 0)) at++
  for (; at < end; at++) {
    const byte = block[at] ?? 0
    if (byte === 0x20 || byte === 0) break
    if (byte < 0x30 || byte > 0x37) throw badNumber(block, offset, length, field)
    value = value * 8 + (byte - 0x30)
  }
  return value
}

function base256(block: Buffer, offset: number, length: number, field: string): number {
  const first = block[offset] ?? 0
  // Two's complement over the whole field but its top bit, which only marks the notation.
  let value = (first & 0x40) !== 0 ? BigInt((first & 0x3f) - 0x40) : BigInt(first & 0x3f)
  for (let at = offset + 1; at < offset + length; at++) value = value * 256n + BigInt(block[at] ?? 0)
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) throw badNumber(block, offset, length, field)
  return Number(value)
}

function badNumber(block: Buffer, offset: number, length: number, field: string): Error {
  const bytes = block.toString('hex', offset, offset + length)
  return archiveError(`the ${field} field of a header is no usable number (bytes ${bytes})`, { field, bytes })
}

/** Up to the first NUL, or the whole field. */
function text(block: Buffer, offset: number, length: number): string {
  const end = block.indexOf(0, offset)
  return block.toString('latin1', offset, end === -1 || end > offset + length ? offset + length : end)
}

function prefixed(block: Buffer, name: string): string {
  // star keeps two times where ustar's prefix ends.
  const isStar = block.toString('latin1', 508, 512) === 'tar\0'
  const prefix = text(block, 345, isStar ? 131 : 155)
  return prefix === '' ? name : `${prefix}/${name}`
}

function verifyChecksum(block: Buffer): void {
  const stored = number(block, checksumAt, checksumBytes, 'checksum')
  const sum = sumOf(block)
  // Some old programs summed signed bytes.
  if (stored !== sum && stored !== sum - highBytesOf(block) * 256) {
    throw archiveError(`a header has checksum ${stored} where its bytes sum to ${sum}: the archive is damaged, or not a tar archive`)
  }
}

const checksumAt = 148
const checksumBytes = 8

/** Of all bytes, those of the checksum itself as spaces. Runs for every entry: nothing but additions. */
function sumOf(block: Uint8Array): number {
  let sum = checksumBytes * 0x20
  for (let at = 0; at < checksumAt; at++) sum += block[at] as number
  for (let at = checksumAt + checksumBytes; at < blockBytes; at++) sum += block[at] as number
  return sum
}

function highBytesOf(block: Uint8Array): number {
  return block.subarray(0, checksumAt).filter(isHigh).length + block.subarray(checksumAt + checksumBytes).filter(isHigh).length
}

function isHigh(byte: number): boolean {
  return byte > 127
}
