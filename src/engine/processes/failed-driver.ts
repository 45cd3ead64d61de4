import { linkSignals } from '../../util/link-signals.js'
import type { ProcessDriver } from './foreground.js'

/** A process that never came into being, because of what it was asked with: whoever awaits it hears why. */
export class FailedDriver implements ProcessDriver {
  readonly argv: readonly string[] = []
  readonly tty: boolean
  readonly owned = true
  readonly scope = linkSignals()
  readonly #reason: unknown

  constructor(tty: boolean, reason: unknown) {
    this.tty = tty
    this.#reason = reason
  }

  launch(): Promise<never> {
    return Promise.reject(this.#reason)
  }

  kill(): Promise<never> {
    return Promise.reject(this.#reason)
  }

  resize(): Promise<never> {
    return Promise.reject(this.#reason)
  }

  container(): Promise<never> {
    return Promise.reject(this.#reason)
  }

  abandon(): Promise<void> {
    return Promise.resolve()
  }
}
