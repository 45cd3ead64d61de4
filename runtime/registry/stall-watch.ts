import { EngineError } from '../../src/errors/index.js'
import { networkFailure } from './network-failure.js'

/** What is watched. */
export interface WatchedRequest {
  /** What it is for, in messages: `pull alpine:latest`. */
  readonly doing: string
  readonly signal: AbortSignal
}

/** Ends a request on abort, and when the other side does nothing for too long. */
export class StallWatch {
  host = ''
  readonly #controller = new AbortController()
  readonly #request: WatchedRequest
  readonly #stallMs: number
  readonly #abort = () => this.#controller.abort(this.#request.signal.reason)
  #timer: NodeJS.Timeout | undefined
  #isWaiting = false

  /** @param stallMs how long the other side may do nothing */
  constructor(request: WatchedRequest, stallMs: number) {
    this.#request = request
    this.#stallMs = stallMs
    if (request.signal.aborted) this.#abort()
    else request.signal.addEventListener('abort', this.#abort, { once: true })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /**
   * Wait for the other side. The clock runs only here: a consumer that takes its time is no stall.
   *
   * @throws EngineError `deadline_exceeded` on a stall, `unavailable` without an answer; the signal's reason on abort
   */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.signal.aborted) throw this.signal.reason
    this.#isWaiting = true
    this.#wind(this.#stallMs)
    try {
      return await work()
    } catch (error) {
      if (this.signal.aborted) throw this.signal.reason
      throw networkFailure(error, { host: this.host, doing: this.#request.doing })
    } finally {
      this.#isWaiting = false
      clearTimeout(this.#timer)
    }
  }

  /**
   * A body on its way out, inside of {@link during}: the clock stands still while the next piece is made, and begins again with each.
   *
   * @param settleMs how long the other side may think about it when it has all of it
   */
  async *sending(pieces: AsyncIterable<Uint8Array>, settleMs = this.#stallMs): AsyncGenerator<Uint8Array, void, undefined> {
    clearTimeout(this.#timer)
    try {
      for await (const piece of pieces) {
        this.#wind(this.#stallMs)
        yield piece
        clearTimeout(this.#timer)
      }
    } catch (error) {
      // It is ours: no failure of the network.
      this.#controller.abort(error)
      throw error
    }
    this.#wind(settleMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#request.signal.removeEventListener('abort', this.#abort)
  }

  #wind(ms: number): void {
    clearTimeout(this.#timer)
    // Answered before all of the body was sent.
    if (!this.#isWaiting) return
    this.#timer = setTimeout(() => this.#controller.abort(this.#stalled(ms)), ms)
  }

  #stalled(ms: number): EngineError {
    const waited = ms >= 1000 ? `${Math.round(ms / 1000)} s` : `${ms} ms`
    return new EngineError(
      'deadline_exceeded',
      `cannot ${this.#request.doing}: registry ${this.host} sent nothing for ${waited}; try again later, or allow a longer stall`,
      { details: { registry: this.host, stallMs: ms } }
    )
  }
}
