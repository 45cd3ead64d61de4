import { randomBytes } from 'node:crypto'
import { EngineError } from '../errors/index.js'

/** What was made through one engine, and has to go with it. */
export class Session {
  /** Tells this session's containers from others', in their labels. */
  readonly id = randomBytes(8).toString('hex')
  readonly #containers = new Set<string>()
  readonly #pending = new Set<Promise<unknown>>()
  readonly #closing = new AbortController()

  /** Aborted when the engine closes, after the session's containers are gone. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** This container has to be removed when the engine closes. */
  add(containerId: string): void {
    this.#containers.add(containerId)
  }

  /** This container is gone already, or was never ours. */
  forget(containerId: string): void {
    this.#containers.delete(containerId)
  }

  /** Work that nobody awaits (a clean-up after an abort): closing waits for it. */
  background(work: Promise<unknown>): void {
    const settled: Promise<unknown> = work
      .catch(() => {})
      .finally(() => {
        this.#pending.delete(settled)
      })
    this.#pending.add(settled)
  }

  /**
   * Remove the containers, all at once, then end what is in flight.
   *
   * @returns what could not be removed, and why
   */
  async end(remove: (containerId: string) => Promise<void>): Promise<readonly { readonly id: string; readonly error: unknown }[]> {
    const failures: { id: string; error: unknown }[] = []
    await Promise.all(
      [...this.#containers].map(async id => {
        try {
          await remove(id)
          this.#containers.delete(id)
        } catch (error) {
          failures.push({ id, error })
        }
      })
    )
    this.#closing.abort(new EngineError('unavailable', 'The engine was closed. Make another one with createEngine()'))
    await Promise.all(this.#pending)
    return failures
  }
}
