import { Worker } from 'node:worker_threads'
import { EngineError } from '../../src/errors/index.js'
import { type Deferred, deferred } from '../../src/util/deferred.js'
import { workerFile } from '../host/worker-file.js'
import type { AppliedLayer } from './apply-layer.js'
import type { UnpackFailure, UnpackReply, UnpackRequest } from './unpack-protocol.js'

/** Bytes that may be on their way to the thread or wait there, for each job. */
const bytesAhead = 4 * 1024 * 1024

/** One layer on its way through an unpack thread. */
export interface UnpackJob {
  /** Settles when the thread is through with the directory. */
  readonly result: Promise<AppliedLayer>
  /** Give bytes away: their buffer is the thread's until it comes back. Undefined when there is room for more. */
  send(bytes: Uint8Array<SharedArrayBuffer>): Promise<void> | undefined
  /** A buffer that was sent and came back, at its full size. */
  emptyBuffer(): Uint8Array<SharedArrayBuffer> | undefined
  end(): void
  /** Stop soon. `result` then settles, one way or the other. */
  cancel(): void
}

interface JobState {
  readonly result: Deferred<AppliedLayer>
  bytesUnderWay: number
  room: Deferred<void> | undefined
  readonly emptyBuffers: SharedArrayBuffer[]
}

/**
 * An unpack thread and the jobs on it. It keeps the event loop alive while it has a job, and only then.
 */
export class UnpackWorker {
  readonly #worker: Worker
  readonly #jobs = new Map<number, JobState>()
  #nextJob = 1

  /** @param onExit called once, when the thread has ended for whatever reason */
  constructor(onExit: () => void) {
    // execArgv: loaders and flags of the host program are not for this thread.
    this.#worker = new Worker(workerFile(import.meta.url, 'unpack-thread'), { name: 'gantry-unpack', execArgv: [] })
    this.#worker.unref()
    this.#worker.on('message', (reply: UnpackReply) => this.#receive(reply))
    this.#worker.on('error', error => this.#failAll(`an unpack thread failed: ${String(error)}`, error))
    this.#worker.on('exit', () => {
      this.#failAll('an unpack thread ended before its work was done')
      onExit()
    })
  }

  get jobCount(): number {
    return this.#jobs.size
  }

  start(options: { readonly mediaType: string; readonly directory: string }): UnpackJob {
    const job = this.#nextJob++
    const state: JobState = { result: deferred(), bytesUnderWay: 0, room: undefined, emptyBuffers: [] }
    if (this.#jobs.size === 0) this.#worker.ref()
    this.#jobs.set(job, state)
    this.#post({ kind: 'start', job, ...options })
    return {
      result: state.result.promise,
      send: bytes => this.#send(job, state, bytes),
      emptyBuffer: () => {
        const buffer = state.emptyBuffers.pop()
        return buffer && new Uint8Array(buffer)
      },
      end: () => this.#post({ kind: 'end', job }),
      cancel: () => this.#post({ kind: 'cancel', job })
    }
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #send(job: number, state: JobState, bytes: Uint8Array<SharedArrayBuffer>): Promise<void> | undefined {
    if (!this.#jobs.has(job)) return undefined
    state.bytesUnderWay += bytes.byteLength
    this.#post({ kind: 'bytes', job, bytes })
    if (state.bytesUnderWay < bytesAhead) return undefined
    state.room ??= deferred()
    return state.room.promise
  }

  #post(request: UnpackRequest): void {
    this.#worker.postMessage(request)
  }

  #receive(reply: UnpackReply): void {
    const state = this.#jobs.get(reply.job)
    if (state === undefined) return
    switch (reply.kind) {
      case 'taken':
        state.bytesUnderWay -= reply.byteCount
        if (reply.buffer !== undefined) state.emptyBuffers.push(reply.buffer)
        if (state.bytesUnderWay < bytesAhead) this.#release(state)
        return
      case 'done':
        state.result.resolve(reply.layer)
        this.#remove(reply.job, state)
        return
      case 'failed':
        state.result.reject(rebuilt(reply.error))
        this.#remove(reply.job, state)
    }
  }

  #failAll(message: string, cause?: unknown): void {
    for (const [job, state] of this.#jobs) {
      state.result.reject(new EngineError('internal', message, cause === undefined ? {} : { cause }))
      this.#remove(job, state)
    }
  }

  #remove(job: number, state: JobState): void {
    this.#jobs.delete(job)
    this.#release(state)
    if (this.#jobs.size === 0) this.#worker.unref()
  }

  #release(state: JobState): void {
    state.room?.resolve()
    state.room = undefined
  }
}

function rebuilt({ code, message, details, cause }: UnpackFailure): EngineError {
  return new EngineError(code, message, cause === undefined ? { details } : { details, cause: new Error(cause) })
}
