import type { EngineEvent, EventOf } from './engine-event.js'

/**
 * A long operation: await it, iterate its events, or both. It has started already, runs once, and never causes an unhandled rejection:
 * its failure is what awaiting it or iterating it throws. Leaving the loop does not end the operation; its `signal` does.
 */
export interface Task<T> extends PromiseLike<T>, AsyncIterable<EngineEvent> {
  /** Hear of one type of event, from now on. */
  on<E extends EngineEvent['type']>(type: E, listener: (event: EventOf<E>) => void): this
}
