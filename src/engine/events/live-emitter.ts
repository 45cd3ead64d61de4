import { EventEmitter } from 'eventemitter3'
import type { EngineEvent, EngineEvents } from './engine-event.js'
import type { EventFeed } from './event-feed.js'
import { callListener } from './task-run.js'

type Name = EventEmitter.EventNames<EngineEvents>
type Listener<T extends Name> = EventEmitter.EventListener<EngineEvents, T>

/** Events that this process announces, about what it asked for; no stream has to be open for them. */
const localEvents: ReadonlySet<Name> = new Set<Name>(['image.pull.progress', 'image.pulled', 'image.load.progress'])

/** An emitter that is fed from the engine's event stream while anybody listens to what comes from there. */
export class LiveEmitter extends EventEmitter<EngineEvents> {
  readonly #feed: EventFeed
  readonly #receive: (event: EngineEvent) => void
  #live = false

  /** @param accepts - Which events are this emitter's. */
  constructor(feed: EventFeed, accepts: (event: EngineEvent) => boolean) {
    super()
    this.#feed = feed
    this.#receive = event => {
      if (accepts(event)) tell(this, event)
    }
  }

  override on<T extends Name>(event: T, listener: Listener<T>, context?: unknown): this {
    super.on(event, listener, context)
    return this.#settle()
  }

  override addListener<T extends Name>(event: T, listener: Listener<T>, context?: unknown): this {
    return this.on(event, listener, context)
  }

  override once<T extends Name>(event: T, listener: Listener<T>, context?: unknown): this {
    super.once(event, listener, context)
    return this.#settle()
  }

  // Listeners made with `once` are taken off through this method as well.
  override removeListener<T extends Name>(event: T, listener?: Listener<T>, context?: unknown, once?: boolean): this {
    super.removeListener(event, listener, context, once)
    return this.#settle()
  }

  override off<T extends Name>(event: T, listener?: Listener<T>, context?: unknown, once?: boolean): this {
    return this.removeListener(event, listener, context, once)
  }

  override removeAllListeners(event?: Name): this {
    super.removeAllListeners(event)
    return this.#settle()
  }

  #settle(): this {
    const wanted = this.eventNames().some(name => !localEvents.has(name))
    if (wanted === this.#live) return this
    this.#live = wanted
    if (wanted) this.#feed.add(this.#receive)
    else this.#feed.remove(this.#receive)
    return this
  }
}

/** Tell an emitter's listeners. */
export function tell(emitter: EventEmitter<EngineEvents>, event: EngineEvent): void {
  // The reason for the cast: the compiler cannot see that an event's type and its payload belong together.
  callListener(payload => emitter.emit(payload.type, payload as never), event)
}
