import type { EventMessage } from '../../src/api/index.js'
import { AsyncQueue } from '../../src/util/async-queue.js'

/** How many past messages can be asked for with `since`, as many as Docker keeps. */
const rememberedMessages = 256

/** A listener this far behind loses the connection rather than the events in between. */
const waitingMessages = 10_000

/** What may be said of an event; the rest is the log's to add. */
export type EventFacts = Pick<EventMessage, 'Type' | 'Action'> & {
  readonly id: string
  readonly attributes: Readonly<Record<string, string>>
}

/** Which messages are wanted: nanoseconds since 1970, and Docker's event filters. */
export interface EventSelection {
  readonly since?: bigint
  readonly until?: bigint
  readonly filters: Readonly<Record<string, readonly string[]>>
  readonly signal: AbortSignal
}

/** What happened in this process's engine, as Docker's event messages. */
export class EventLog {
  readonly #remembered: EventMessage[] = []
  readonly #listeners = new Set<(message: EventMessage) => void>()
  #lastNano = 0n

  publish(facts: EventFacts): void {
    // Strictly increasing, so that `since` splits what happened within one tick of the clock.
    const now = BigInt(Date.now()) * 1_000_000n
    this.#lastNano = now > this.#lastNano ? now : this.#lastNano + 1000n
    const message: EventMessage = {
      Type: facts.Type,
      Action: facts.Action,
      Actor: { ID: facts.id, Attributes: facts.attributes },
      scope: 'local',
      time: Number(this.#lastNano / 1_000_000_000n),
      timeNano: Number(this.#lastNano)
    }
    this.#remembered.push(message)
    if (this.#remembered.length > rememberedMessages) this.#remembered.shift()
    for (const listener of this.#listeners) listener(message)
  }

  /** Messages as they come, the remembered ones since `since` first. Listening begins with this call. */
  subscribe(selection: EventSelection): AsyncIterable<EventMessage> {
    const queue = new AsyncQueue<EventMessage>({ limit: waitingMessages, onLeave: () => stop() })
    const deliver = (message: EventMessage) => {
      if (matches(message, selection.filters)) queue.push(message)
    }
    const until = selection.until
    const timer = until === undefined ? undefined : setTimeout(() => finish(), Math.max(0, Number(until / 1_000_000n) - Date.now()))
    const stop = () => {
      this.#listeners.delete(deliver)
      selection.signal.removeEventListener('abort', abort)
      clearTimeout(timer)
    }
    const finish = () => {
      stop()
      queue.end()
    }
    const abort = () => {
      stop()
      queue.fail(selection.signal.reason)
    }
    const { since } = selection
    if (since !== undefined) {
      for (const message of this.#remembered) {
        const at = BigInt(message.timeNano)
        if (at >= since && (until === undefined || at <= until)) deliver(message)
      }
    }
    if (selection.signal.aborted) abort()
    else {
      this.#listeners.add(deliver)
      selection.signal.addEventListener('abort', abort)
    }
    return queue
  }
}

/** Docker's event filters: values of one key are alternatives, keys all have to match. */
export function matches(message: EventMessage, filters: Readonly<Record<string, readonly string[]>>): boolean {
  return Object.entries(filters).every(([key, values]) => values.length === 0 || values.some(value => matchesOne(message, key, value)))
}

function matchesOne(message: EventMessage, key: string, value: string): boolean {
  const { ID, Attributes } = message.Actor
  const isNamed = () => ID.startsWith(value) || Attributes.name === value
  switch (key) {
    case 'type':
      return message.Type === value
    case 'event':
      // Actions such as `exec_start: sh` and `health_status: healthy` are matched by what stands before the colon too.
      return message.Action === value || message.Action.startsWith(`${value}:`)
    case 'scope':
      return message.scope === value
    case 'label': {
      const equals = value.indexOf('=')
      return equals === -1 ? value in Attributes : Attributes[value.slice(0, equals)] === value.slice(equals + 1)
    }
    case 'container':
    case 'volume':
    case 'network':
    case 'daemon':
    case 'plugin':
      return message.Type === key && isNamed()
    case 'image':
      return (message.Type === 'image' && isNamed()) || Attributes.image === value
    default:
      return false
  }
}
