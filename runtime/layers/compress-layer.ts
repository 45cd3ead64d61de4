import { createHash } from 'node:crypto'
import { gzipBlocks } from './gzip-blocks.js'

/** A layer as it is sent. */
export interface CompressedBlob {
  readonly digest: string
  readonly size: number
}

export interface CompressOptions {
  /** Bytes of the result to leave out. The same archive always gives the same result. */
  readonly offset: number
  /** Called with how much of the archive was read so far. */
  readonly onRead: (bytes: number) => void
  /** Called at the end with what all of it is, what was left out included. */
  readonly onEnd: (blob: CompressedBlob) => void
}

/** Compress a layer archive with gzip, off the main thread. */
export async function* compressLayer(
  source: AsyncIterable<Uint8Array>,
  options: CompressOptions
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256')
  let size = 0
  for await (const piece of gzipBlocks(counted(source, options.onRead))) {
    hash.update(piece)
    const skipped = Math.min(piece.byteLength, Math.max(0, options.offset - size))
    size += piece.byteLength
    if (skipped < piece.byteLength) yield piece.subarray(skipped)
  }
  options.onEnd({ digest: `sha256:${hash.digest('hex')}`, size })
}

async function* counted(source: AsyncIterable<Uint8Array>, onRead: (bytes: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0
  for await (const piece of source) {
    bytes += piece.byteLength
    yield piece
    onRead(bytes)
  }
}
