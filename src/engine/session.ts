import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { EngineError } from '../errors/index.js'
import type { EngineReach } from '../transport/transport.js'
import { SessionWatch } from './session-watch.js'

/** What a session makes and removes. */
export type MadeKind = 'container' | 'network' | 'volume' | 'registry'

/** Something that was made through a session. */
export interface Made {
  readonly kind: MadeKind
  /** An id; of a volume the name. */
  readonly id: string
}

/** Something that could not be removed. */
export interface LeftBehind extends Made {
  readonly error: unknown
}

/** What was made through one engine, and has to go with it. */
export class Session {
  /** Tells this session's containers from others', in their labels. */
  readonly id = randomBytes(8).toString('hex')
  readonly #made: Readonly<Record<MadeKind, Set<string>>> = {
    container: new Set(),
    network: new Set(),
    volume: new Set(),
    registry: new Set()
  }
  readonly #pending = new Set<Promise<unknown>>()
  readonly #closing = manyListeners(new AbortController())

  readonly #creations = new Set<Promise<unknown>>()
  readonly #watch: SessionWatch | undefined
  #isEnding = false

  /** @param reach - How a process that outlives this one gets to the engine; undefined where the engine itself looks after its sessions */
  constructor(reach: EngineReach | undefined) {
    this.#watch = reach && new SessionWatch({ ...reach, session: this.id })
  }

  /** Aborted when the engine closes, after what the session made is gone. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /**
   * Make something that has to be removed when the engine closes, unless it is kept. Closing waits for it, so that none is made behind
   * its back.
   *
   * @param work - Gives its id; undefined where it was there before and is not the session's
   * @throws EngineError `unavailable` when the engine closes
   */
  async create<T extends string | undefined>(kind: MadeKind, keep: boolean, work: () => Promise<T>): Promise<T> {
    if (this.#isEnding) throw closedError()
    if (!keep) this.#watch?.start()
    const creation = work()
    this.#creations.add(creation)
    try {
      const id = await creation
      if (!keep && id !== undefined) this.#made[kind].add(id)
      return id
    } finally {
      this.#creations.delete(creation)
    }
  }

  /** This is gone already, or was never ours. */
  forget(kind: MadeKind, id: string): void {
    this.#made[kind].delete(id)
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
   * Remove the containers, all at once, then the networks and volumes they were on, then end what is in flight.
   *
   * @returns what could not be removed, and why
   */
  async end(remove: (made: Made) => Promise<void>): Promise<readonly LeftBehind[]> {
    this.#isEnding = true
    // One turn more than the creations themselves: then what they made is noted.
    await Promise.allSettled([...this.#creations].map(creation => creation.then(() => {})))
    const left = await this.#removeAll(['container', 'registry'], remove)
    left.push(...(await this.#removeAll(['network', 'volume'], remove)))
    this.#closing.abort(closedError())
    await Promise.all(this.#pending)
    // What could not be removed may be removed later: by then nobody is there to be asked.
    if (left.length === 0) this.#watch?.close()
    return left
  }

  async #removeAll(kinds: readonly MadeKind[], remove: (made: Made) => Promise<void>): Promise<LeftBehind[]> {
    const left: LeftBehind[] = []
    const all = kinds.flatMap(kind => [...this.#made[kind]].map(id => ({ kind, id })))
    await Promise.all(
      all.map(async made => {
        try {
          await remove(made)
          this.forget(made.kind, made.id)
        } catch (error) {
          left.push({ ...made, error })
        }
      })
    )
    return left
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
