import { type FSWatcher, watch } from 'node:fs'
import type { EventMessage } from '../../src/api/index.js'
import { AsyncQueue } from '../../src/util/async-queue.js'
import type { EventFile, EventTail, FiledEvent } from './event-file.js'
import { matches } from './event-filters.js'

/** A reader this far behind does not make the engine wait: the queue goes on growing. */
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

/**
 * What happens in the engines of a data root, as Docker's event messages: in this one at once, in others as soon as their line is in the
 * event file.
 */
export class EventLog {
  readonly #file: EventFile
  readonly #origin: string
  readonly #listeners = new Set<(message: EventMessage) => void>()
  readonly #unwritten: FiledEvent[] = []
  #lastNano = 0n
  #others: { readonly tail: EventTail; readonly watcher: FSWatcher } | undefined

  /** @param origin - Tells this engine's lines from those of others. */
  constructor(file: EventFile, origin: string) {
    this.#file = file
    this.#origin = origin
  }

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
    this.#unwritten.push({ origin: this.#origin, message })
    // What is told in one go is one write, and whoever did what is told goes on first.
    if (this.#unwritten.length === 1) setImmediate(() => this.#write())
    this.#deliver(message)
  }

  /** Messages as they come, those since `since` first. Listening begins with this call. */
  subscribe(selection: EventSelection): AsyncIterable<EventMessage> {
    const { since, until, filters, signal } = selection
    const queue = new AsyncQueue<EventMessage>({ limit: waitingMessages, onLeave: () => stop() })
    const deliver = (message: EventMessage) => {
      if (matches(message, filters)) queue.push(message)
    }
    const timer = until === undefined ? undefined : setTimeout(() => finish(), Math.max(0, Number(until / 1_000_000n) - Date.now()))
    const stop = () => {
      this.#listeners.delete(deliver)
      if (this.#listeners.size === 0) this.#ignoreOthers()
      signal.removeEventListener('abort', abort)
      clearTimeout(timer)
    }
    const finish = () => {
      stop()
      queue.end()
    }
    const abort = () => {
      stop()
      queue.fail(signal.reason)
    }
    if (signal.aborted) {
      abort()
      return queue
    }
    // In this order nothing is missed and nothing told twice: all of it is synchronous.
    this.#hearOthers()
    if (since !== undefined) for (const message of this.#past(since, until)) deliver(message)
    this.#listeners.add(deliver)
    signal.addEventListener('abort', abort)
    return queue
  }

  /** How many listen in this process. */
  get listenerCount(): number {
    return this.#listeners.size
  }

  /** End what is listened to. Idempotent. */
  close(): void {
    this.#write()
    this.#ignoreOthers()
    this.#listeners.clear()
  }

  #write(): void {
    if (this.#unwritten.length === 0) return
    try {
      this.#file.append(this.#unwritten.splice(0))
    } catch {
      // A full disk: who listens here has been told, other processes are not. What the events tell of is done, and stands.
    }
  }

  #past(since: bigint, until: bigint | undefined): readonly EventMessage[] {
    this.#write()
    // A number holds nanoseconds to 256 of them. Rounded alike, what happened at `since` is not before it.
    const [from, to] = [Number(since), until === undefined ? Number.POSITIVE_INFINITY : Number(until)]
    return this.#file
      .all()
      .map(({ message }) => message)
      .filter(({ timeNano }) => timeNano >= from && timeNano <= to)
      .sort((a, b) => a.timeNano - b.timeNano)
  }

  #deliver(message: EventMessage): void {
    for (const listener of this.#listeners) listener(message)
  }

  /** Follow the file while somebody listens. What was written before counts as past, so it is skipped here. */
  #hearOthers(): void {
    if (this.#others !== undefined) {
      this.#readOthers(this.#others.tail)
      return
    }
    const tail = this.#file.tail()
    const watcher = watch(this.#file.folder, { persistent: false }, () => this.#readOthers(tail))
    this.#others = { tail, watcher }
  }

  #readOthers(tail: EventTail): void {
    for (const { origin, message } of tail.next()) if (origin !== this.#origin) this.#deliver(message)
  }

  #ignoreOthers(): void {
    this.#others?.watcher.close()
    this.#others?.tail.close()
    this.#others = undefined
  }
}
