const capacityBytes = 4 * 1024 * 1024

/**
 * Carries bytes from a producer that pushes to a consumer that iterates, with backpressure: one download, read by the
 * store and by the unpacker. Iterate it once.
 */
export class ByteChannel implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = []
  #size = 0
  #ended = false
  #failure: { readonly error: unknown } | undefined
  #abandoned: { readonly error: unknown } | undefined
  #wakeProducer: (() => void) | undefined
  #wakeConsumer: (() => void) | undefined

  /**
   * Resolves when more can be taken.
   *
   * @throws what the consumer stopped with, if it was told to stop the producer too
   */
  async push(chunk: Uint8Array): Promise<void> {
    while (this.#size >= capacityBytes && this.#abandoned === undefined) {
      await new Promise<void>(resolve => {
        this.#wakeProducer = resolve
      })
    }
    if (this.#abandoned?.error !== undefined) throw this.#abandoned.error
    if (this.#abandoned !== undefined) return
    this.#chunks.push(chunk)
    this.#size += chunk.byteLength
    this.#wakeConsumer?.()
  }

  /** No more bytes. */
  end(): void {
    this.#ended = true
    this.#wakeConsumer?.()
  }

  /** The producer failed: the consumer's iteration throws this. */
  fail(error: unknown): void {
    this.#failure = { error }
    this.#wakeConsumer?.()
  }

  /** The consumer stopped. With an error further pushes throw it; without one they are dropped. */
  abandon(error?: unknown): void {
    this.#abandoned = { error }
    this.#chunks.length = 0
    this.#size = 0
    this.#wakeProducer?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.#size -= chunk.byteLength
        if (this.#size < capacityBytes) this.#wakeProducer?.()
        yield chunk
      } else if (this.#ended) {
        return
      } else {
        await new Promise<void>(resolve => {
          this.#wakeConsumer = resolve
        })
      }
    }
  }
}
