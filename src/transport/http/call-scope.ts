import { onAbort } from './abort-listeners.js'

/**
 * The life of one call, from the request to the last byte of its answer: what ends it early (the caller's signal, the
 * transport's close), and with which reason everything that belongs to it then rejects.
 */
export class CallScope {
  readonly #signal: AbortSignal | undefined
  readonly #onRelease: (scope: CallScope) => void
  #unlisten: (() => void) | undefined
  #ended: { readonly reason: unknown } | undefined
  #kill: (() => void) | undefined

  constructor(signal: AbortSignal | undefined, onRelease: (scope: CallScope) => void) {
    this.#signal = signal
    this.#onRelease = onRelease
    if (signal !== undefined) this.#unlisten = onAbort(signal, () => this.end(signal.reason))
  }

  /** Why it was ended early, if it was. */
  get ended(): { readonly reason: unknown } | undefined {
    return this.#ended
  }

  /** Also after the release: what has arrived but was not read yet is not handed out after an abort. */
  throwIfEnded(): void {
    if (this.#ended !== undefined) throw this.#ended.reason
    this.#signal?.throwIfAborted()
  }

  /** How to break off what is going on now. Replaces the way given before; runs at once where the call was ended already. */
  onEnd(kill: () => void): void {
    this.#kill = kill
    if (this.#ended !== undefined) kill()
  }

  /** Break it off. The first reason counts. */
  end(reason: unknown): void {
    if (this.#ended !== undefined) return
    this.#ended = { reason }
    this.#kill?.()
  }

  /** It is over, in whichever way. Idempotent. */
  release(): void {
    this.#unlisten?.()
    this.#unlisten = undefined
    this.#onRelease(this)
  }
}
