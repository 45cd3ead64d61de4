import type { Duplex } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { AsyncQueue } from '../../src/util/async-queue.js'
import { releaseMemory } from '../../src/util/release-memory.js'
import { archiveError } from './archive-error.js'
import { type Compression, compressionOf, signatureBytes } from './compression.js'
import { type IsalInflate, openIsal } from './isal.js'
import { gunzip } from './isal-gunzip.js'
import { BlockPool, readAhead } from './read-ahead.js'
import { createZstdDecompress } from './zstd.js'

/** Bytes per decompressed block: large, because every block costs a round trip to libuv's pool. */
const blockBytes = 1024 * 1024

/** Blocks that may wait for the consumer: while it writes one to disk, the pool inflates the next ones. */
const blocksAhead = 4

export interface DecompressOptions {
  readonly mediaType: string
  /** Called with each piece of the source that is not needed any more. */
  readonly onConsumed?: (bytes: Buffer) => void
  /** What inflates gzip. @default ISA-L where the machine has it, else zlib */
  readonly inflate?: IsalInflate | 'zlib'
}

/**
 * The archive in a compressed layer, in large blocks. A block is the consumer's until it asks for the next one.
 *
 * @throws EngineError `data_loss` for data that cannot be decompressed, `not_supported` for zstd without a way to read it
 */
export async function* decompress(source: AsyncIterable<Buffer>, options: DecompressOptions): AsyncGenerator<Buffer, void, undefined> {
  const { mediaType, onConsumed = () => {} } = options
  const { first, rest } = await begin(source)
  const compression = compressionOf(first, mediaType)
  if (compression === 'none') {
    for await (const bytes of joined(first, rest)) {
      yield bytes
      onConsumed(bytes)
    }
    return
  }
  const inflate = compression === 'gzip' ? (options.inflate ?? openIsal() ?? 'zlib') : 'zlib'
  if (inflate !== 'zlib') {
    const pool = new BlockPool(blockBytes)
    yield* readAhead(gunzip(joined(first, rest), { inflate, newBlock: () => pool.take(), onConsumed }), pool, blocksAhead)
    return
  }
  try {
    yield* through(joined(first, rest), decompressor(compression), onConsumed)
  } catch (error) {
    throw isDamage(error) ? archiveError(`its ${compression} data is damaged (${error.message})`, { compression }, error) : error
  }
}

function decompressor(compression: Exclude<Compression, 'none'>): Duplex {
  if (compression === 'zstd') return createZstdDecompress(blockBytes)
  return createGunzip({ chunkSize: blockBytes })
}

async function* through(
  source: AsyncIterable<Buffer>,
  stream: Duplex,
  onConsumed: (bytes: Buffer) => void
): AsyncGenerator<Buffer, void, undefined> {
  const blocks = new AsyncQueue<Buffer>({ limit: blocksAhead })
  // A plain listener: the stream's own iterator would join what waits into one block, a copy of everything.
  stream.on('data', (block: Buffer) => {
    const room = blocks.push(block)
    if (room === undefined) return
    stream.pause()
    void room.then(() => stream.resume())
  })
  stream.on('end', () => blocks.end())
  stream.on('error', error => blocks.fail(error))
  feed(source, stream, onConsumed).catch((error: unknown) => {
    blocks.fail(error)
    stream.destroy()
  })
  try {
    for await (const block of blocks) {
      yield block
      releaseBlock(block)
    }
  } finally {
    stream.destroy()
  }
}

/**
 * zlib fills one buffer after the other and gives it away in slices, as far as it is filled: the slice that reaches the end
 * is the last of its buffer.
 */
function releaseBlock(block: Buffer): void {
  const { buffer, byteOffset, byteLength } = block
  if (buffer instanceof ArrayBuffer && buffer.byteLength === blockBytes && byteOffset + byteLength === blockBytes) releaseMemory(buffer)
}

async function feed(source: AsyncIterable<Buffer>, stream: Duplex, onConsumed: (bytes: Buffer) => void): Promise<void> {
  for await (const chunk of source) {
    const hasRoom = stream.write(chunk, error => {
      if (!error) onConsumed(chunk)
    })
    if (!hasRoom) await drained(stream)
    if (stream.destroyed) return
  }
  stream.end()
}

function drained(stream: Duplex): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      stream.off('drain', done).off('close', done)
      resolve()
    }
    stream.on('drain', done).on('close', done)
  })
}

async function begin(source: AsyncIterable<Buffer>): Promise<{ readonly first: Buffer; readonly rest: AsyncIterator<Buffer> }> {
  const rest = source[Symbol.asyncIterator]()
  let first: Buffer = Buffer.alloc(0)
  while (first.length < signatureBytes) {
    const { done, value } = await rest.next()
    if (done) break
    first = first.length === 0 ? value : Buffer.concat([first, value])
  }
  return { first, rest }
}

async function* joined(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  if (first.length > 0) yield first
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
}

/** Whether zlib says that the data, not the machine, is at fault. */
function isDamage(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false
  return ['Z_DATA_ERROR', 'Z_BUF_ERROR', 'Z_NEED_DICT', 'Z_STREAM_ERROR'].includes(error.code) || error.code.startsWith('ZSTD_error')
}
