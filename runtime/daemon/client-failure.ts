import type { Duplex } from 'node:stream'
import { EngineError } from '../../src/errors/index.js'
import { errorBody, statusOfError } from './send-error.js'

const phrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Payload Too Large',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  503: 'Service Unavailable'
}

/** Answer what is no request at all, in Docker's form, and end the connection. */
export function answerBadRequest(error: Error & { readonly code?: string }, connection: Duplex): void {
  // A client that is gone hears nothing.
  if (error.code === 'ECONNRESET' || !connection.writable) {
    connection.destroy()
    return
  }
  writeError(connection, explain(error))
}

/**
 * How long a client may take to read an answer and close its side, in milliseconds. Closing at once would be an error to a client that is
 * still writing its request, and it would never read why.
 */
const lingerMs = 1000
/** More connections than these are closed at once: each has a descriptor, and a crowd is turned away because there are few. */
const mostLingering = 64
let lingering = 0

/** Answer with an error on a bare connection, and end it. */
export function writeError(connection: Duplex, error: unknown): void {
  const status = EngineError.is(error) && error.details.status === 408 ? 408 : statusOfError(error)
  const body = errorBody(error)
  connection.on('error', () => {})
  connection.end(
    `HTTP/1.1 ${status} ${phrases[status] ?? 'Internal Server Error'}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => linger(connection)
  )
}

function linger(connection: Duplex): void {
  if (lingering >= mostLingering || connection.destroyed || connection.readableEnded) {
    connection.destroy()
    return
  }
  lingering++
  const timer = setTimeout(() => connection.destroy(), lingerMs).unref()
  connection.once('end', () => connection.destroy())
  connection.once('close', () => {
    lingering--
    clearTimeout(timer)
  })
  connection.resume()
}

function explain(error: Error & { readonly code?: string }): EngineError {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new EngineError('resource_exhausted', "the request's headers are too long", { details: { status: 431 } })
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new EngineError('deadline_exceeded', 'the request did not arrive in time', { details: { status: 408 } })
    default:
      return new EngineError('invalid_argument', `malformed HTTP request: ${error.message}`)
  }
}
