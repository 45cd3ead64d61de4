import { parentPort } from 'node:worker_threads'
import { EngineError } from '../../src/errors/index.js'
import { AsyncQueue } from '../../src/util/async-queue.js'
import { unpackLayer } from './unpack-layer.js'
import { sendBytes, type UnpackFailure, type UnpackReply, type UnpackRequest } from './unpack-protocol.js'

// The entry of an unpack thread: answers the requests of `unpack-protocol.ts` until the main thread ends it.

const jobs = new Map<number, AsyncQueue<Buffer>>()

parentPort?.on('message', (request: UnpackRequest) => {
  const queue = jobs.get(request.job)
  switch (request.kind) {
    case 'start':
      void run(request)
      return
    case 'bytes':
      // The main thread counts what is under way: the queue needs no limit of its own.
      queue?.push(Buffer.from(request.bytes.buffer, request.bytes.byteOffset, request.bytes.byteLength))
      return
    case 'end':
      queue?.end()
      return
    case 'cancel':
      queue?.fail(new EngineError('failed', 'unpacking was cancelled'))
  }
})

async function run({ job, mediaType, directory }: Extract<UnpackRequest, { kind: 'start' }>): Promise<void> {
  const queue = new AsyncQueue<Buffer>({ limit: Number.POSITIVE_INFINITY })
  jobs.set(job, queue)
  try {
    const layer = await unpackLayer(queue, { mediaType, directory, onConsumed: bytes => giveBack(job, bytes) })
    reply({ kind: 'done', job, layer })
  } catch (error) {
    reply({ kind: 'failed', job, error: failureOf(error) })
  } finally {
    jobs.delete(job)
  }
}

function giveBack(job: number, bytes: Buffer): void {
  const { buffer, byteLength: byteCount } = bytes
  // Only what the main thread sent: a piece made here may share its buffer with others.
  if (buffer instanceof SharedArrayBuffer && buffer.byteLength === sendBytes) reply({ kind: 'taken', job, byteCount, buffer })
  else reply({ kind: 'taken', job, byteCount })
}

function reply(message: UnpackReply): void {
  parentPort?.postMessage(message)
}

function failureOf(error: unknown): UnpackFailure {
  if (!EngineError.is(error))
    return { code: 'internal', message: `unpacking a layer failed: ${String(error)}`, details: {}, cause: stackOf(error) }
  const { code, message, details, cause } = error
  return cause === undefined ? { code, message, details } : { code, message, details, cause: String(cause) }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
