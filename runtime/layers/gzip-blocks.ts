import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { constants, crc32, deflateRaw } from 'node:zlib'

/** What is compressed by itself. Fixed: the same bytes are to become the same blob, whatever pieces they come in. */
const blockBytes = 1024 * 1024
/** As far back as deflate can refer to. */
const windowBytes = 32 * 1024
/** libuv's pool has four threads unless its user says otherwise. */
const mostAtOnce = 4

/** RFC 1952: deflate, no name, no time, no word about how or where it was made. */
const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])
/** RFC 1951: a last block with nothing in it. */
const lastBlock = Buffer.from([0x03, 0x00])

const compress = promisify<Buffer, object, Buffer>(deflateRaw)

/**
 * Compress with gzip on all cores, off the main thread: blocks side by side, each knowing what is before it, so that the result is as small as one
 * made in one go. It is one gzip member, and the same each time.
 */
export async function* gzipBlocks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  const atOnce = Math.min(mostAtOnce, availableParallelism())
  const waiting: Promise<Buffer>[] = []
  let dictionary: Buffer | undefined
  let checksum = 0
  let size = 0
  yield header
  for await (const block of blocksOf(source)) {
    const work = compress(block, { finishFlush: constants.Z_SYNC_FLUSH, ...(dictionary && { dictionary }) })
    // Whoever leaves early waits for none of them.
    work.catch(() => {})
    waiting.push(work)
    dictionary = block.subarray(-windowBytes)
    checksum = crc32(block, checksum)
    size += block.byteLength
    if (waiting.length < atOnce) continue
    const next = await waiting.shift()
    if (next !== undefined) yield next
  }
  for (const work of waiting) yield await work
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(checksum, 0)
  trailer.writeUInt32LE(size % 2 ** 32, 4)
  yield Buffer.concat([lastBlock, trailer])
}

/** The same bytes in blocks of one size, but for the last. */
async function* blocksOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let block = Buffer.allocUnsafeSlow(blockBytes)
  let filled = 0
  for await (const piece of pieces) {
    for (let taken = 0; taken < piece.byteLength; ) {
      const part = piece.subarray(taken, taken + blockBytes - filled)
      block.set(part, filled)
      filled += part.byteLength
      taken += part.byteLength
      if (filled < blockBytes) continue
      yield block
      block = Buffer.allocUnsafeSlow(blockBytes)
      filled = 0
    }
  }
  if (filled > 0) yield block.subarray(0, filled)
}
