import { archiveError } from './archive-error.js'
import { gzipHeaderLength } from './gzip-header.js'
import type { IsalInflate } from './isal.js'

export interface GunzipOptions {
  readonly inflate: IsalInflate
  /** Gives a block to fill. */
  newBlock(): Buffer
  /** Called with each piece of the source that is not needed any more. */
  readonly onConsumed: (bytes: Buffer) => void
}

/**
 * Inflate gzip as zlib does for Node: members one after the other, until the end or a zero byte after a member.
 *
 * @throws EngineError `data_loss`, and whatever `source` throws
 */
export async function* gunzip(source: AsyncIterable<Buffer>, options: GunzipOptions): AsyncGenerator<Buffer, void, undefined> {
  const { inflate, onConsumed } = options
  let block = options.newBlock()
  let filled = 0
  /** Of a header, while it is not complete. */
  let header: Buffer = Buffer.alloc(0)
  let place: 'header' | 'body' | 'after' = 'header'
  for await (const chunk of source) {
    let input = chunk
    while (input.length > 0) {
      if (place === 'after') {
        if (input[0] === 0) {
          if (filled > 0) yield block.subarray(0, filled)
          return
        }
        place = 'header'
      }
      if (place === 'header') {
        header = header.length === 0 ? input : Buffer.concat([header, input])
        const length = gzipHeaderLength(header)
        // Copied: the chunk goes back to where it came from.
        if (length === undefined) header = Buffer.from(header)
        input = length === undefined ? input.subarray(input.length) : header.subarray(length)
        if (length === undefined) continue
        header = Buffer.alloc(0)
        place = 'body'
        inflate.reset()
        // A stream whose body comes in the next piece: there is nothing to aim at yet.
        if (input.length === 0) continue
      }
      const { read, written, isAtEnd } = await inflated(inflate, input, block.subarray(filled))
      input = input.subarray(read)
      filled += written
      if (isAtEnd) place = 'after'
      if (filled === block.length) {
        yield block
        block = options.newBlock()
        filled = 0
      } else if (read === 0 && written === 0 && !isAtEnd) throw damaged('no progress')
    }
    onConsumed(chunk)
    // The next piece may be long in coming.
    if (filled > 0) {
      yield block.subarray(0, filled)
      block = options.newBlock()
      filled = 0
    }
  }
  // What was read may hold more than found room in the last block.
  while (place === 'body') {
    const { written, isAtEnd } = await inflated(inflate, noBytes, block.subarray(filled))
    filled += written
    if (isAtEnd) place = 'after'
    else if (written === 0) throw damaged('unexpected end of file')
    if (filled === block.length) {
      yield block
      block = options.newBlock()
      filled = 0
    }
  }
  if (place === 'header') throw damaged('unexpected end of file')
  if (filled > 0) yield block.subarray(0, filled)
}

const noBytes = Buffer.alloc(1).subarray(0, 0)

async function inflated(inflate: IsalInflate, input: Uint8Array, room: Uint8Array) {
  try {
    return await inflate.run(input, room)
  } catch (error) {
    throw damaged(error instanceof Error ? error.message : String(error))
  }
}

function damaged(why: string): Error {
  return archiveError(`its gzip data is damaged (${why})`, { compression: 'gzip' })
}
