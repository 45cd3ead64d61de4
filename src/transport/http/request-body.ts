import { Readable } from 'node:stream'

/** The archive that was to be sent could not be read: the caller's side failed, not the engine's. */
export class RequestBodyError extends Error {
  override readonly name = 'RequestBodyError'
}

/** A body to send piece by piece, at the engine's pace. When the request is broken off, the source is left. */
export function streamedBody(source: AsyncIterable<Uint8Array>): Readable {
  return Readable.from(marked(source), { objectMode: false })
}

async function* marked(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* source
  } catch (cause) {
    throw new RequestBodyError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
