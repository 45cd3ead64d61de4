/**
 * Carries bytes from a producer that pushes to a consumer that iterates, each piece handed over: one download, read by the
 * store and by the unpacker. Nothing waits in it, so a piece's memory may be used again once `push` has resolved. Iterate it once.
 */
export class ByteChannel implements AsyncIterable<Uint8Array> {
  #piece: Uint8Array | undefined
  #ended = false
  #failure: { readonly error: unknown } | undefined
  #abandoned: { readonly error: unknown } | undefined
  #wakeProducer: (() => void) | undefined
  #wakeConsumer: (() => void) | undefined

  /**
   * Resolves when the consumer is through with the piece. One at a time.
   *
   * @throws what the consumer stopped with, if it was told to stop the producer too
   */
  async push(piece: Uint8Array): Promise<void> {
    if (this.#abandoned === undefined) {
      const taken = new Promise<void>(resolve => {
        this.#wakeProducer = resolve
      })
      this.#piece = piece
      this.#wakeConsumer?.()
      await taken
    }
    if (this.#abandoned?.error !== undefined) throw this.#abandoned.error
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
    if (this.#abandoned?.error === undefined) this.#abandoned = { error }
    this.#piece = undefined
    this.#wakeProducer?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure.error
        if (this.#piece !== undefined) {
          yield this.#piece
          this.#piece = undefined
          this.#wakeProducer?.()
        } else if (this.#ended) {
          return
        } else {
          await new Promise<void>(resolve => {
            this.#wakeConsumer = resolve
          })
        }
      }
    } finally {
      // Whoever leaves early needs no more.
      this.abandon()
    }
  }
}
