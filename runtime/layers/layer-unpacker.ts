import { availableParallelism } from 'node:os'
import { EngineError } from '../../src/errors/index.js'
import type { AppliedLayer, ApplyLayer, ApplyLayerOptions } from './apply-layer.js'
import { sendBytes } from './unpack-protocol.js'
import { type UnpackJob, UnpackWorker } from './unpack-worker.js'

/** Unpacks layers in threads of its own. */
export interface LayerUnpacker {
  readonly apply: ApplyLayer
  /** Cancel what is under way (it rejects with `unavailable`) and end the threads. Idempotent. */
  close(): Promise<void>
}

/** More threads than this would only wait for the disk and each other. */
const maximumThreads = 2

/** Make an unpacker. Threads start with the first layer, are kept for the next ones, and never keep the process alive. */
export function createLayerUnpacker(): LayerUnpacker {
  const pool = new Set<UnpackWorker>()
  const closing = new AbortController()

  function leastBusy(): UnpackWorker {
    const [best] = [...pool].sort((a, b) => a.jobCount - b.jobCount)
    const hasRoom = pool.size < Math.min(maximumThreads, availableParallelism())
    if (best !== undefined && (best.jobCount === 0 || !hasRoom)) return best
    const worker = new UnpackWorker(() => pool.delete(worker))
    pool.add(worker)
    return worker
  }

  return {
    async apply(source, options) {
      closing.signal.throwIfAborted()
      options.signal.throwIfAborted()
      const job = leastBusy().start({ mediaType: options.mediaType, directory: options.directory })
      return drive(job, source, options, AbortSignal.any([options.signal, closing.signal]))
    },
    async close() {
      closing.abort(new EngineError('unavailable', 'the engine is closed, it unpacks no more layers'))
      await Promise.all([...pool].map(worker => worker.end()))
    }
  }
}

/** Move the source into the job. Whatever happens, the thread has let go of the directory when this settles. */
async function drive(
  job: UnpackJob,
  source: AsyncIterable<Uint8Array>,
  options: ApplyLayerOptions,
  signal: AbortSignal
): Promise<AppliedLayer> {
  const stopped = new Stop()
  const stop = () => stopped.set()
  job.result.then(stop, stop)
  signal.addEventListener('abort', stop, { once: true })
  try {
    const complete = await send(job, source, stopped, options.onProgress)
    if (complete) job.end()
    await stopped.or(job.result)
  } catch (error) {
    job.cancel()
    await job.result.catch(() => {})
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', stop)
  }
  if (signal.aborted) {
    job.cancel()
    await job.result.catch(() => {})
    throw signal.reason
  }
  return job.result
}

/** True when everything was sent, false when it was stopped before. */
async function send(
  job: UnpackJob,
  source: AsyncIterable<Uint8Array>,
  stopped: Stop,
  onProgress: ((bytes: number) => void) | undefined
): Promise<boolean> {
  const iterator = source[Symbol.asyncIterator]()
  const batch = new Batch(() => job.emptyBuffer() ?? new Uint8Array(new SharedArrayBuffer(sendBytes)))
  let taken = 0
  for (;;) {
    const next = await stopped.or(iterator.next())
    if (next === 'stopped') {
      // Not awaited: a generator that still waits for its next value would not answer.
      iterator.return?.()?.catch(() => {})
      return false
    }
    if (next.done) break
    for (const bytes of batch.add(next.value)) {
      const room = job.send(bytes)
      if (room !== undefined) await stopped.or(room)
    }
    taken += next.value.byteLength
    onProgress?.(taken)
  }
  const rest = batch.flush()
  if (rest !== undefined) job.send(rest)
  return true
}

/**
 * Says that no more is needed. One wait at a time: racing every step against one long-lived promise would keep each step's value alive until
 * that promise settles.
 */
class Stop {
  #isSet = false
  #wake: (() => void) | undefined

  set(): void {
    this.#isSet = true
    this.#wake?.()
  }

  or<T>(promise: Promise<T>): Promise<T | 'stopped'> {
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve('stopped')
      promise.then(resolve, reject)
      if (this.#isSet) resolve('stopped')
    })
  }
}

/** Joins pieces into full buffers. The pieces are copied: whoever else reads them (the content store) still may. */
class Batch {
  readonly #newBuffer: () => Uint8Array<SharedArrayBuffer>
  #bytes: Uint8Array<SharedArrayBuffer> | undefined
  #filled = 0

  constructor(newBuffer: () => Uint8Array<SharedArrayBuffer>) {
    this.#newBuffer = newBuffer
  }

  flush(): Uint8Array<SharedArrayBuffer> | undefined {
    return this.#bytes?.subarray(0, this.#filled)
  }

  *add(piece: Uint8Array): Generator<Uint8Array<SharedArrayBuffer>, void, undefined> {
    let at = 0
    while (at < piece.byteLength) {
      this.#bytes ??= this.#newBuffer()
      const part = piece.subarray(at, at + sendBytes - this.#filled)
      this.#bytes.set(part, this.#filled)
      this.#filled += part.byteLength
      at += part.byteLength
      if (this.#filled < sendBytes) continue
      const full = this.#bytes
      this.#bytes = undefined
      this.#filled = 0
      yield full
    }
  }
}
