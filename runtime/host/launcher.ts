import { Worker } from 'node:worker_threads'
import { EngineError } from '../../src/errors/engine-error.js'
import type { HostCommand, HostProcess } from './host.js'
import type { ExitMessage, LauncherCalls, RequestMessage, ResponseMessage, ThreadMessage } from './launcher-protocol.js'
import { fromWire } from './wire-error.js'
import { workerFile } from './worker-file.js'

type Result<K extends keyof LauncherCalls> = Awaited<ReturnType<LauncherCalls[K]>>
type Exit = Awaited<HostProcess['exited']>

interface PendingRequest {
  resolve(value: unknown): void
  reject(error: Error): void
}

interface LiveProcess {
  /** Whether it keeps the event loop alive. */
  referenced: boolean
  ended(exit: Exit): void
}

/**
 * The main thread's side of the launcher thread.
 *
 * The thread keeps the event loop alive while a request is on its way or a program runs whose `HostProcess` is
 * referenced (see `HostProcess.unref`), and not otherwise.
 */
export class Launcher {
  readonly #worker: Worker
  readonly #requests = new Map<number, PendingRequest>()
  readonly #processes = new Map<number, LiveProcess>()
  #lastId = 0
  #closed: Promise<void> | undefined
  #broken: EngineError | undefined

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (message: ThreadMessage) => this.#receive(message))
    worker.on('error', cause => this.#fail(new EngineError('internal', `the launcher thread failed: ${cause.message}`, { cause })))
    worker.on('exit', () => this.#fail(new EngineError('unavailable', 'the engine is closed')))
  }

  /** @throws EngineError where this process may not have a mount namespace of its own */
  static async start(): Promise<Launcher> {
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
    const launcher = new Launcher(worker)
    launcher.#updateReference()
    return launcher
  }

  call<K extends keyof LauncherCalls>(name: K, ...args: Parameters<LauncherCalls[K]>): Promise<Result<K>> {
    return this.#request(this.#nextId(), name, args)
  }

  async spawn(command: HostCommand): Promise<HostProcess> {
    const { argv, env, cwd = '/', stdio, background = false } = command
    const id = this.#nextId()
    let ended: (exit: Exit) => void = () => undefined
    const exited = new Promise<Exit>(resolve => {
      ended = resolve
    })
    const process: LiveProcess = { referenced: !background, ended }
    // Before the request: the program may end before its start has been answered.
    this.#processes.set(id, process)
    try {
      const pid = await this.#request(id, 'spawn', [{ argv, env, cwd, stdio }])
      return {
        pid,
        exited,
        ref: () => this.#reference(process, true),
        unref: () => this.#reference(process, false)
      }
    } catch (error) {
      this.#processes.delete(id)
      this.#updateReference()
      throw error
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
    if (message.kind === 'exit') this.#end(message)
    this.#updateReference()
  }

  #answer({ id, value, error }: ResponseMessage): void {
    const request = this.#requests.get(id)
    this.#requests.delete(id)
    if (error === undefined) request?.resolve(value)
    else request?.reject(fromWire(error))
  }

  #end({ id, code, signal }: ExitMessage): void {
    this.#processes.get(id)?.ended({ code, signal })
    this.#processes.delete(id)
  }

  #reference(process: LiveProcess, referenced: boolean): void {
    process.referenced = referenced
    this.#updateReference()
  }

  #updateReference(): void {
    const needed = this.#requests.size > 0 || [...this.#processes.values()].some(process => process.referenced)
    if (needed) this.#worker.ref()
    else this.#worker.unref()
  }

  #fail(error: EngineError): void {
    this.#broken ??= error
    for (const request of this.#requests.values()) request.reject(this.#broken)
    for (const process of this.#processes.values()) process.ended({ code: null, signal: null })
    this.#requests.clear()
    this.#processes.clear()
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
