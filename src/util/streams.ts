import { Readable, Writable } from 'node:stream'

/** A Readable that is fed from outside, with backpressure. */
export interface FedReadable {
  readonly stream: Readable
  /** The promise, where there is one, resolves when the reader wants more. Data for a destroyed stream is dropped. */
  feed(chunk: Uint8Array): Promise<void> | undefined
  end(): void
  fail(reason: unknown): void
}

/**
 * Make a Readable that is fed from outside.
 *
 * A failure destroys the stream with its reason. Nobody has to listen for it: the same failure is reported by what the stream belongs to, so
 * a missing `error` listener does not end the process. Loops and pipelines over the stream do see it.
 */
export function fedReadable(): FedReadable {
  let resume: (() => void) | undefined
  const proceed = (): void => {
    resume?.()
    resume = undefined
  }
  const stream = new Readable({
    read: proceed,
    destroy(error, callback) {
      proceed()
      callback(error)
    }
  })
  stream.on('error', () => {})
  return {
    stream,
    feed(chunk) {
      if (stream.destroyed || stream.push(asBuffer(chunk))) return undefined
      return new Promise<void>(resolve => {
        resume = resolve
      })
    },
    end() {
      if (!stream.destroyed) stream.push(null)
    },
    fail(reason) {
      stream.destroy(asError(reason))
    }
  }
}

/** Where a {@link sinkWritable} puts what is written to it. */
export interface ByteSink {
  write(chunk: Uint8Array): Promise<void>
  end(): Promise<void>
}

/** A Writable over a {@link ByteSink}, with backpressure. As with {@link fedReadable}, nobody has to listen for its `error`. */
export function sinkWritable(sink: ByteSink): Writable {
  const stream = new Writable({
    write(chunk: Uint8Array, _encoding, callback) {
      sink.write(chunk).then(() => callback(), callback)
    },
    final(callback) {
      sink.end().then(() => callback(), callback)
    }
  })
  stream.on('error', () => {})
  return stream
}

/** Bytes as a Buffer, without a copy. */
export function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason), { cause: reason })
}
