import { Socket } from 'node:net'
import { deferred } from '../../src/util/deferred.js'
import type { HostProcess } from './host.js'
import type { ChildExit, Kernel } from './kernel.js'

/** A child closes its descriptors a moment before it can be reaped: how often, and after how long, to look again. */
const immediateLooks = 50
const lookAgainMs = 1

/**
 * A child process that this process started past Node: its end shows on a pipe that it inherited, and is then taken from the kernel.
 * Node's own child processes are not disturbed, for only this child is waited for.
 */
export class ChildWatch implements HostProcess {
  readonly pid: number
  readonly exited: Promise<ChildExit>
  readonly #kernel: Pick<Kernel, 'reap'>
  readonly #socket: Socket
  readonly #exit = deferred<ChildExit>()
  #looks = 0

  /** @param pipe - read end of a pipe whose write end only the child has; owned from now on */
  constructor(kernel: Pick<Kernel, 'reap'>, pid: number, pipe: number) {
    this.pid = pid
    this.exited = this.#exit.promise
    this.#kernel = kernel
    this.#socket = new Socket({ fd: pipe, readable: true, writable: false })
    this.#socket.on('error', () => {})
    this.#socket.once('close', () => this.#look())
    this.#socket.resume()
  }

  ref(): void {
    this.#socket.ref()
  }

  unref(): void {
    this.#socket.unref()
  }

  /** Nobody will know how it ends. */
  abandon(): void {
    this.#exit.resolve({ code: null, signal: null })
    this.#socket.destroy()
  }

  #look(): void {
    const exit = this.#kernel.reap(this.pid)
    if (exit !== undefined) this.#exit.resolve(exit)
    else if (++this.#looks < immediateLooks) setImmediate(() => this.#look())
    else setTimeout(() => this.#look(), lookAgainMs)
  }
}
