import { EngineError } from '../../errors/index.js'
import type { EngineContext } from '../context.js'
import type { EngineEvent } from './engine-event.js'
import type { EventFeed } from './event-feed.js'
import { followEvents } from './follow-events.js'

type Listener = (event: EngineEvent) => void

/**
 * One event stream for all emitters of an engine: opened with the first of them that has listeners, closed with the last. It does not
 * hold the event loop.
 */
export class EventHub implements EventFeed {
  readonly #listeners = new Set<Listener>()
  #context: EngineContext | undefined
  #stream: AbortController | undefined

  /** Tell it where events come from; before that it only collects listeners. */
  connect(context: EngineContext): void {
    this.#context = context
  }

  add(listener: Listener): void {
    this.#listeners.add(listener)
    if (this.#stream === undefined && this.#context !== undefined) this.#open(this.#context)
  }

  remove(listener: Listener): void {
    this.#listeners.delete(listener)
    if (this.#listeners.size === 0) this.close()
  }

  close(): void {
    this.#stream?.abort(new EngineError('unavailable', 'Nobody listens to events any more'))
    this.#stream = undefined
  }

  #open(context: EngineContext): void {
    const stream = new AbortController()
    this.#stream = stream
    this.#follow(context, stream.signal).catch(() => {
      // Notices only: an engine that refuses events altogether (permission_denied, not_implemented) says so to engine.events().
      if (this.#stream === stream) this.#stream = undefined
    })
  }

  async #follow(context: EngineContext, signal: AbortSignal): Promise<void> {
    for await (const event of followEvents(context, { since: new Date(), signal, background: true })) {
      if (signal.aborted) return
      for (const listener of [...this.#listeners]) listener(event)
    }
  }
}
