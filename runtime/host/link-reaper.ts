import { existsSync } from 'node:fs'
import type { Kernel } from './kernel.js'
import { RouteNetlink } from './netlink/rtnetlink.js'

const pollMs = 1
/** Removals that run at the same time. A removal takes some 20 ms, most of it after the link is out of sight. */
const concurrency = 2

/**
 * Removes links and tells when they are gone. What is asked for while removals run is removed together afterwards, which
 * takes no longer than a single one: 50 containers that end at once wait for two removals, not for 50.
 */
export class LinkReaper {
  readonly #kernel: Kernel
  readonly #waiting = new Map<string, Removal>()
  readonly #runs = new Set<Promise<void>>()
  #running = 0

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  /** Resolves when no link of that name can be seen. */
  async remove(name: string): Promise<void> {
    if (!this.#isVisible(name)) return
    const removal = this.#enqueue(name)
    for (;;) {
      if (removal.failure !== undefined) throw removal.failure
      if (removal.started && !this.#isVisible(name)) return
      // Removed as far as the kernel says, and back: somebody else made one of this name.
      if (removal.finished) return
      await new Promise(resolve => setTimeout(resolve, pollMs))
    }
  }

  /** Resolves when nothing is being removed any more: a removal goes on for some milliseconds after its link is out of sight. */
  async close(): Promise<void> {
    while (this.#runs.size > 0 || this.#waiting.size > 0) {
      await Promise.all(this.#runs)
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  /** The kernel forgets the name first, and takes the device off its bridge and out of sysfs a moment later. */
  #isVisible(name: string): boolean {
    return this.#kernel.interfaceIndex(name) !== 0 || existsSync(`/sys/class/net/${name}`)
  }

  #enqueue(name: string): Removal {
    const removal = this.#waiting.get(name) ?? { started: false, finished: false, failure: undefined }
    this.#waiting.set(name, removal)
    // Whoever asks in the same turn of the event loop joins.
    setImmediate(() => this.#next())
    return removal
  }

  #next(): void {
    if (this.#running >= concurrency || this.#waiting.size === 0) return
    const batch = new Map(this.#waiting)
    this.#waiting.clear()
    this.#running += 1
    for (const removal of batch.values()) removal.started = true
    const run = this.#run([...batch.keys()]).then(failure => {
      this.#runs.delete(run)
      for (const removal of batch.values()) {
        removal.failure = failure
        removal.finished = true
      }
      this.#running -= 1
      this.#next()
    })
    this.#runs.add(run)
  }

  /** Never rejects. */
  async #run(names: readonly string[]): Promise<Error | undefined> {
    try {
      const netlink = new RouteNetlink(this.#kernel)
      try {
        await netlink.removeLinks(names)
        return undefined
      } finally {
        netlink.close()
      }
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }
}

interface Removal {
  started: boolean
  finished: boolean
  failure: Error | undefined
}
