import { AsyncQueue } from '../../util/async-queue.js'
import type { EngineEvent, EventOf } from './engine-event.js'
import type { Task } from './task.js'

/** Events kept for a loop that begins late. Older ones give way to a `gap`. */
const keptEvents = 1000

/** A {@link Task} that starts its work as soon as it is made. */
export class TaskRun<T> implements Task<T> {
  readonly #result: Promise<T>
  readonly #queues = new Set<AsyncQueue<EngineEvent>>()
  readonly #listeners = new Map<EngineEvent['type'], Set<(event: never) => void>>()
  #past: EngineEvent[] = []
  #lostSince: Date | undefined

  /** @param work - Does the work, and announces its events through `emit`. */
  constructor(work: (emit: (event: EngineEvent) => void) => Promise<T>) {
    const startedAt = new Date()
    this.#result = work(event => this.#emit(event, startedAt))
    this.#result.then(
      () => this.#finish(queue => queue.end()),
      reason => this.#finish(queue => queue.fail(reason))
    )
  }

  // biome-ignore lint/suspicious/noThenProperty: a Task is awaitable by design
  then<A = T, B = never>(
    onResolved?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null
  ): Promise<A | B> {
    return this.#result.then(onResolved, onRejected)
  }

  on<E extends EngineEvent['type']>(type: E, listener: (event: EventOf<E>) => void): this {
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners.add(listener))
    return this
  }

  [Symbol.asyncIterator](): AsyncIterator<EngineEvent, undefined> {
    const queue: AsyncQueue<EngineEvent> = new AsyncQueue({ onLeave: () => this.#queues.delete(queue) })
    if (this.#lostSince !== undefined) queue.push({ type: 'gap', since: this.#lostSince, reason: 'overflow' })
    for (const event of this.#past) queue.push(event)
    this.#queues.add(queue)
    this.#result.then(
      () => queue.end(),
      reason => queue.fail(reason)
    )
    return queue[Symbol.asyncIterator]()
  }

  #emit(event: EngineEvent, startedAt: Date): void {
    this.#past.push(event)
    if (this.#past.length > keptEvents) {
      this.#past = this.#past.slice(keptEvents / 2)
      this.#lostSince = startedAt
    }
    for (const queue of this.#queues) queue.push(event)
    // The reason for the cast: the map holds each listener under its own type.
    for (const listener of this.#listeners.get(event.type) ?? []) callListener(listener as (event: EngineEvent) => void, event)
  }

  #finish(end: (queue: AsyncQueue<EngineEvent>) => void): void {
    for (const queue of this.#queues) end(queue)
    this.#queues.clear()
    this.#listeners.clear()
  }
}

/** Call a user's listener. What it throws is the user's uncaught exception, and does not end the work that made the event. */
export function callListener(listener: (event: EngineEvent) => void, event: EngineEvent): void {
  try {
    listener(event)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
