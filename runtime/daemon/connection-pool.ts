import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { collectGarbage } from './collect-garbage.js'

/** How many connections may be open. The numbers are counts. */
export interface ConnectionLimits {
  /** Above it, connections that have been idle for {@link settledMs} are closed, the longest idle first. */
  readonly comfortable: number
  /** Above it, the longest idle one is closed at once; where all are in use, the newcomer is turned away. */
  readonly most: number
}

/** A connection that has just come may have a request under way that has not been read yet. In milliseconds. */
const settledMs = 1000

/** Nobody has so many on purpose; each that is idle takes some nine kilobytes. */
const mostIdle = 4096

/** A crowd of so many is worth a garbage collection when it has left: the collector has no reason of its own while nothing happens. */
const crowd = 1000

/**
 * What a process may have open, shared: half of the descriptors for clients that are idle, five eighths for clients at all. The rest is for
 * what they ask for: containers, layers, registries.
 *
 * @param descriptors - @default this process's limit
 */
export function connectionLimits(descriptors = descriptorLimit()): ConnectionLimits {
  return { comfortable: Math.min(Math.floor(descriptors / 2), mostIdle), most: Math.floor((descriptors * 5) / 8) }
}

/**
 * Every connection to a daemon, and which of them are in use. Keeps their number within what the process may have: without that, whoever opens
 * connections and says nothing keeps everybody else out.
 */
export class ConnectionPool {
  readonly #limits: ConnectionLimits
  /** With the time since when, in the order of it. */
  readonly #idle = new Map<Socket, number>()
  /** With the number of requests that are being answered on each. */
  readonly #busy = new Map<Socket, number>()
  #mostAtOnce = 0

  constructor(limits: ConnectionLimits = connectionLimits()) {
    this.#limits = limits
  }

  get size(): number {
    return this.#idle.size + this.#busy.size
  }

  /** Take a connection in. False where there is no room: it is for the caller to turn it away. */
  add(connection: Socket): boolean {
    this.#shed()
    if (this.size >= this.#limits.most) return false
    this.#idle.set(connection, performance.now())
    this.#mostAtOnce = Math.max(this.#mostAtOnce, this.size)
    connection.once('close', () => this.#forget(connection))
    return true
  }

  /** Go on with one connection in another's place: TLS on top of a socket. */
  replace(connection: Socket, by: Socket): void {
    if (!this.#idle.delete(connection)) return
    this.#idle.set(by, performance.now())
    by.once('close', () => this.#forget(by))
  }

  /** A request is going to be answered on it. False where it was turned away, or is gone. */
  begin(connection: Socket): boolean {
    if (!this.#idle.delete(connection) && !this.#busy.has(connection)) return false
    this.#busy.set(connection, (this.#busy.get(connection) ?? 0) + 1)
    return true
  }

  /** A request has been answered. */
  finish(connection: Socket): void {
    const requests = this.#busy.get(connection)
    if (requests === undefined) return
    if (requests > 1) this.#busy.set(connection, requests - 1)
    else {
      this.#busy.delete(connection)
      this.#idle.set(connection, performance.now())
    }
  }

  /** Make room for one more. */
  #shed(): void {
    const settled = performance.now() - settledMs
    for (const [connection, since] of this.#idle) {
      if (this.size < this.#limits.comfortable) return
      if (since > settled && this.size < this.#limits.most) return
      this.#idle.delete(connection)
      connection.destroy()
    }
  }

  #forget(connection: Socket): void {
    this.#idle.delete(connection)
    this.#busy.delete(connection)
    if (this.#mostAtOnce < crowd || this.size > this.#mostAtOnce / 4) return
    this.#mostAtOnce = this.size
    collectGarbage()
  }
}

/** This process's soft limit; Node raises it to the hard one when it starts. */
function descriptorLimit(): number {
  const text = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
  // "unlimited" is no number: the kernel has its own limit then.
  return Number(text ?? 1_048_576)
}
