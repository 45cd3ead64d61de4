import { EngineError } from '../../errors/engine-error.js'

/** Takes bytes that come in pieces of any size in pieces of the size that is wanted. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Between 1 and `most` bytes, as they come; undefined at the end. */
  async some(most: number): Promise<Uint8Array | undefined> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#source.next()
      if (done) return undefined
      this.#rest = value
    }
    const taken = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(taken.length)
    return taken
  }

  /** Exactly so many bytes; undefined where there are none at all. @throws EngineError `data_loss` where there are fewer */
  async read(count: number): Promise<Buffer | undefined> {
    const pieces: Uint8Array[] = []
    let have = 0
    while (have < count) {
      const piece = await this.some(count - have)
      if (piece === undefined) break
      pieces.push(piece)
      have += piece.length
    }
    if (have === 0) return undefined
    if (have < count) throw new EngineError('data_loss', 'The tar archive is damaged: it ends within a block')
    return Buffer.concat(pieces)
  }

  /** Let go of the source. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }
}
