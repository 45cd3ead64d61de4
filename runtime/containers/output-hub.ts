import type { Frame } from '../../src/api/index.js'
import { AsyncQueue } from '../../src/util/async-queue.js'

/** Frames (of at most 64 KiB each) a listener may have waiting before the container's output is held back. */
const waitingFrames = 16

interface Listener {
  readonly wants: (frame: Frame) => boolean
  readonly queue: AsyncQueue<Frame>
}

/**
 * Hands a container's output to those who listen: each gets every frame from the moment it subscribed, and the slowest one sets
 * the pace, as a pipe would. It outlives single runs of the container: a listener can subscribe before the start.
 */
export class OutputHub {
  readonly #listeners = new Set<Listener>()

  /** Undefined when every listener has room for more, else a promise of that. */
  publish(frame: Frame): Promise<unknown> | undefined {
    const full: Promise<void>[] = []
    for (const listener of this.#listeners) {
      const room = listener.wants(frame) ? listener.queue.push(frame) : undefined
      if (room !== undefined) full.push(room)
    }
    return full.length === 0 ? undefined : Promise.all(full)
  }

  /** The container's output has ended: listeners finish when they have read what is there. */
  end(): void {
    for (const listener of this.#listeners) listener.queue.end()
    this.#listeners.clear()
  }

  /** Listening begins with this call, not with the first read; leaving the loop, or `close`, gives up. */
  subscribe(wants: (frame: Frame) => boolean): { readonly output: AsyncIterable<Frame>; close(): void } {
    const queue = new AsyncQueue<Frame>({ limit: waitingFrames, onLeave: () => this.#listeners.delete(listener) })
    const listener: Listener = { wants, queue }
    this.#listeners.add(listener)
    const close = () => {
      queue.end()
      this.#listeners.delete(listener)
    }
    return { output: queue, close }
  }
}
