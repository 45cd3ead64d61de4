import { Worker } from 'node:worker_threads'
import { EngineError } from '../../src/errors/engine-error.js'
import { ChildWatch } from './child-watch.js'
import type { HostCommand, HostProcess } from './host.js'
import type { Kernel } from './kernel.js'
import type { LauncherCalls, RequestMessage, ResponseMessage, ThreadMessage } from './launcher-protocol.js'
import { fromWire } from './wire-error.js'
import { workerFile } from './worker-file.js'

type Result<K extends keyof LauncherCalls> = Awaited<ReturnType<LauncherCalls[K]>>

interface PendingRequest {
  resolve(value: unknown): void
  reject(error: Error): void
}

/**
 * The main thread's side of the launcher thread.
 *
 * The thread keeps the event loop alive while a request is on its way, and not otherwise.
 */
export class Launcher {
  readonly #worker: Worker
  readonly #requests = new Map<number, PendingRequest>()
  readonly #children = new Set<ChildWatch>()
  readonly #kernel: Kernel
  #lastId = 0
  #closed: Promise<void> | undefined
  #broken: EngineError | undefined

  private constructor(kernel: Kernel, worker: Worker) {
    this.#kernel = kernel
    this.#worker = worker
    worker.on('message', (message: ThreadMessage) => this.#receive(message))
    worker.on('error', cause => this.#fail(new EngineError('internal', `the launcher thread failed: ${cause.message}`, { cause })))
    worker.on('exit', () => this.#fail(new EngineError('unavailable', 'the engine is closed')))
  }

  /** @throws EngineError where this process may not have a mount namespace of its own */
  static async start(kernel: Kernel): Promise<Launcher> {
    // Loaders and flags of the program (a test runner's, for example) are of no use to the thread.
    const worker = new Worker(workerFile(import.meta.url, 'launcher-thread'), {
      name: 'gantry-launcher',
      execArgv: [],
      // The thread hands descriptors over to this one: it must not close them, by then others', when it ends.
      trackUnmanagedFds: false
    })
    try {
      await ready(worker)
    } catch (error) {
      await worker.terminate()
      throw error
    }
    const launcher = new Launcher(kernel, worker)
    launcher.#updateReference()
    return launcher
  }

  call<K extends keyof LauncherCalls>(name: K, ...args: Parameters<LauncherCalls[K]>): Promise<Result<K>> {
    return this.#request(this.#nextId(), name, args)
  }

  async spawn(command: HostCommand): Promise<HostProcess> {
    const { argv, executable, env, cwd = '/', stdio, background = false } = command
    // The program holds the other end: when it ends, this one does. A child of its own that outlives it would hide that, so
    // what is started here must not leave any that keep the descriptors they did not open.
    const { read, write } = this.#kernel.pipe()
    try {
      const pid = await this.call('spawn', { argv, ...(executable !== undefined && { executable }), env, cwd, stdio: [...stdio, write] })
      const child = new ChildWatch(this.#kernel, pid, read)
      if (background) child.unref()
      this.#children.add(child)
      void child.exited.then(() => this.#children.delete(child))
      return child
    } catch (error) {
      this.#kernel.close(read)
      throw error
    } finally {
      this.#kernel.close(write)
    }
  }

  /** Lets requests in flight end, then ends the thread and with it its mounts. Programs go on. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    while (this.#requests.size > 0 && this.#broken === undefined) {
      await new Promise<void>(resolve => {
        this.#worker.once('message', () => resolve())
        this.#worker.once('exit', () => resolve())
      })
    }
    if (this.#broken === undefined) await this.#request(this.#nextId(), 'shutdown', [])
    await this.#worker.terminate()
  }

  #nextId(): number {
    this.#lastId += 1
    return this.#lastId
  }

  #request<K extends keyof LauncherCalls>(id: number, name: K, args: Parameters<LauncherCalls[K]>): Promise<Result<K>> {
    return new Promise<Result<K>>((resolve, reject) => {
      if (this.#broken !== undefined || (this.#closed !== undefined && name !== 'shutdown')) {
        reject(this.#broken ?? new EngineError('unavailable', 'the engine is closed'))
        return
      }
      // The thread answers a request of this name with a value of its type: both sides are made from LauncherCalls.
      this.#requests.set(id, { resolve: value => resolve(value as Result<K>), reject })
      this.#updateReference()
      const message: RequestMessage = { id, name, args }
      this.#worker.postMessage(message)
    })
  }

  #receive(message: ThreadMessage): void {
    if (message.kind === 'response') this.#answer(message)
    this.#updateReference()
  }

  #answer({ id, value, error }: ResponseMessage): void {
    const request = this.#requests.get(id)
    this.#requests.delete(id)
    if (error === undefined) request?.resolve(value)
    else request?.reject(fromWire(error))
  }

  #updateReference(): void {
    if (this.#requests.size > 0) this.#worker.ref()
    else this.#worker.unref()
  }

  #fail(error: EngineError): void {
    this.#broken ??= error
    for (const request of this.#requests.values()) request.reject(this.#broken)
    for (const child of this.#children) child.abandon()
    this.#requests.clear()
    this.#children.clear()
  }
}

function ready(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('message', (message: ThreadMessage) => {
      if (message.kind === 'ready' && message.error !== undefined) reject(fromWire(message.error))
      else resolve()
    })
    worker.once('error', cause => reject(new EngineError('internal', `the launcher thread did not start: ${cause.message}`, { cause })))
  })
}
