import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { EngineError } from '../errors/index.js'

/** What was made through one engine, and has to go with it. */
export class Session {
  /** Tells this session's containers from others', in their labels. */
  readonly id = randomBytes(8).toString('hex')
  readonly #containers = new Set<string>()
  readonly #pending = new Set<Promise<unknown>>()
  readonly #closing = manyListeners(new AbortController())

  readonly #creations = new Set<Promise<unknown>>()
  #isEnding = false

  /** Aborted when the engine closes, after the session's containers are gone. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /**
   * Create a container that has to be removed when the engine closes, unless it is kept. Closing waits for it, so that none is made
   * behind its back.
   *
   * @throws EngineError `unavailable` when the engine closes
   */
  async create(keep: boolean, work: () => Promise<string>): Promise<string> {
    if (this.#isEnding) throw closedError()
    const creation = work()
    this.#creations.add(creation)
    try {
      const id = await creation
      if (!keep) this.#containers.add(id)
      return id
    } finally {
      this.#creations.delete(creation)
    }
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
    this.#isEnding = true
    // One turn more than the creations themselves: then their containers are noted.
    await Promise.allSettled([...this.#creations].map(creation => creation.then(() => {})))
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
    this.#closing.abort(closedError())
    await Promise.all(this.#pending)
    return failures
  }
}

function closedError(): EngineError {
  return new EngineError('unavailable', 'The engine was closed. Make another one with createEngine()')
}

/** Every call in flight listens to it: Node's warning about many listeners would cry wolf. */
function manyListeners(controller: AbortController): AbortController {
  setMaxListeners(0, controller.signal)
  return controller
}
