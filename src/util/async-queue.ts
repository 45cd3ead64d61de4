import { type Deferred, deferred } from './deferred.js'

/**
 * Values on their way from one producer to one consumer, with backpressure: `push` resolves when the queue has room again.
 *
 * The producer ends the queue with `end` or `fail`; values pushed before are still delivered. When the consumer leaves its loop the
 * queue is closed: later values are dropped at once, so a producer is never stuck on a consumer that went away.
 */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #limit: number
  readonly #onLeave: () => void
  readonly #values: T[] = []
  #waiting: Deferred<IteratorResult<T, undefined>> | undefined
  #room: Deferred<void> | undefined
  #ended: { readonly error?: { readonly reason: unknown } } | undefined

  /**
   * @param options.limit - How many values may wait before `push` stops resolving at once. @default 64
   * @param options.onLeave - Called once when the consumer leaves before the end.
   */
  constructor(options: { readonly limit?: number; readonly onLeave?: () => void } = {}) {
    this.#limit = options.limit ?? 64
    this.#onLeave = options.onLeave ?? (() => {})
  }

  /** Hand over a value. The promise is undefined when there is room for more. */
  push(value: T): Promise<void> | undefined {
    if (this.#ended !== undefined) return undefined
    if (this.#waiting !== undefined) {
      this.#waiting.resolve({ done: false, value })
      this.#waiting = undefined
      return undefined
    }
    this.#values.push(value)
    if (this.#values.length < this.#limit) return undefined
    this.#room ??= deferred<void>()
    return this.#room.promise
  }

  /** No more values. */
  end(): void {
    this.#finish({})
  }

  /** No more values: the consumer's loop throws `reason` after those that wait. */
  fail(reason: unknown): void {
    this.#finish({ error: { reason } })
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: () => this.#next(),
      return: () => {
        this.#leave()
        return Promise.resolve({ done: true, value: undefined })
      }
    }
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    if (this.#values.length > 0) {
      // The reason for the cast: the length was just checked, and T may include undefined.
      const value = this.#values.shift() as T
      if (this.#values.length < this.#limit) this.#release()
      return Promise.resolve({ done: false, value })
    }
    if (this.#ended !== undefined) {
      const { error } = this.#ended
      this.#ended = {}
      return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error.reason)
    }
    this.#waiting ??= deferred()
    return this.#waiting.promise
  }

  #finish(ended: { readonly error?: { readonly reason: unknown } }): void {
    if (this.#ended !== undefined) return
    this.#ended = ended
    this.#release()
    if (this.#waiting === undefined) return
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#ended = {}
    if (ended.error === undefined) waiting.resolve({ done: true, value: undefined })
    else waiting.reject(ended.error.reason)
  }

  #leave(): void {
    const before = this.#ended
    this.#ended = {}
    this.#values.length = 0
    this.#waiting?.resolve({ done: true, value: undefined })
    this.#waiting = undefined
    this.#release()
    if (before === undefined) this.#onLeave()
  }

  #release(): void {
    this.#room?.resolve()
    this.#room = undefined
  }
}
