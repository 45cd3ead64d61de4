import { setTimeout as delay } from 'node:timers/promises'
import { ContainerInspect, type EventMessage, SystemEvents } from '../../api/index.js'
import { EngineError } from '../../errors/index.js'
import { call, callWith, type EngineContext } from '../context.js'
import { unixTime } from '../unix-time.js'
import type { EngineEvent } from './engine-event.js'
import { EventMapper, timeOf } from './map-event.js'

/** What to follow. */
export interface FollowOptions {
  readonly since: Date
  readonly until?: Date
  /** The Engine API's own filters. */
  readonly filters?: Readonly<Record<string, readonly string[]>>
  readonly signal: AbortSignal
  /** Do not hold the event loop, and go on for ever when the engine goes away. */
  readonly background?: boolean
}

/** Attempts to reach an engine that went away, where somebody is waiting for the next event. */
const patientAttempts = 8

/**
 * Events from the engine, mapped, from `since` on. A connection that breaks is made again: what happened meanwhile is asked for, and a
 * `gap` tells that the engine may not remember all of it.
 */
export async function* followEvents(context: EngineContext, options: FollowOptions): AsyncGenerator<EngineEvent, void, undefined> {
  const mapper = new EventMapper()
  const seen = new SeenMessages(options.since)
  for (let attempt = 0; ; attempt += 1) {
    try {
      const messages = await open(context, options, seen.since)
      if (attempt > 0) yield { type: 'gap', since: seen.since, reason: 'reconnected' }
      for await (const message of messages) {
        attempt = 0
        if (seen.isRepeated(message)) continue
        for (const event of mapper.map(message)) yield await withName(context, event)
      }
      if (options.until !== undefined) return
    } catch (error) {
      options.signal.throwIfAborted()
      if (!isBroken(error)) throw error
      if (!options.background && (seen.reconnecting ? attempt >= patientAttempts : true)) throw error
    }
    seen.reconnecting = true
    await delay(Math.min(100 * 2 ** attempt, 5000), undefined, { ref: !options.background, signal: options.signal }).catch(() => {})
    options.signal.throwIfAborted()
  }
}

function open(context: EngineContext, options: FollowOptions, since: Date): Promise<AsyncIterable<EventMessage>> {
  const { until, filters, signal, background } = options
  const query = { since: unixTime(since), ...(until && { until: unixTime(until) }), ...(filters && { filters }) }
  return callWith(context, SystemEvents, { query }, { signal, ...(background && { background }) })
}

/** Whether the way to the engine broke, as against an answer that will be the same next time. */
function isBroken(error: unknown): boolean {
  return EngineError.is(error) && (error.code === 'unavailable' || error.code === 'internal')
}

/** A network's message has a container's id only. Its name is known where the container's creation was heard; else it is asked for. */
async function withName(context: EngineContext, event: EngineEvent): Promise<EngineEvent> {
  if (event.type !== 'container.networked' || event.name !== '') return event
  try {
    const { Name } = await call(context, ContainerInspect, { path: { id: event.id } })
    return { ...event, name: Name.replace(/^\//, '') }
  } catch {
    // Gone already: the event is true without a name.
    return event
  }
}

/** As many as dockerd remembers for a new connection. */
const remembered = 256

/** Knows up to where messages came, so that a new connection neither repeats nor misses one. */
class SeenMessages {
  reconnecting = false
  since: Date
  readonly #recent = new Set<string>()

  constructor(since: Date) {
    this.since = since
  }

  isRepeated(message: EventMessage): boolean {
    const { Type, Action, Actor, timeNano, time } = message
    const key = `${timeNano || time} ${Type} ${Action} ${Actor.ID} ${Actor.Attributes?.container ?? ''}`
    if (this.reconnecting && this.#recent.has(key)) return true
    this.#recent.add(key)
    for (const oldest of this.#recent) {
      if (this.#recent.size <= remembered) break
      this.#recent.delete(oldest)
    }
    this.since = timeOf(message)
    return false
  }
}
