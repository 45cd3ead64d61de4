import { AsyncQueue } from '../../src/util/async-queue.js'

/** Buffers that come back to be filled again, still warm in the cache. */
export class BlockPool {
  readonly #blockBytes: number
  readonly #free: Buffer[] = []

  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#blockBytes)
  }

  /** Give a block back, or its beginning. */
  give(block: Buffer): void {
    this.#free.push(Buffer.from(block.buffer, 0, this.#blockBytes))
  }
}

/**
 * Blocks of a source that works on while the consumer has one. A block goes back to the pool when the next one is asked for.
 *
 * @param blocksAhead how many may wait
 */
export async function* readAhead(
  source: AsyncIterable<Buffer>,
  pool: BlockPool,
  blocksAhead: number
): AsyncGenerator<Buffer, void, undefined> {
  const blocks = new AsyncQueue<Buffer>({ limit: blocksAhead })
  let isLeft = false
  const fill = async () => {
    for await (const block of source) {
      await blocks.push(block)
      if (isLeft) return
    }
    blocks.end()
  }
  fill().catch((error: unknown) => blocks.fail(error))
  try {
    for await (const block of blocks) {
      yield block
      pool.give(block)
    }
  } finally {
    isLeft = true
  }
}
