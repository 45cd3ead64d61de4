import type { ServerResponse } from 'node:http'
import { errorCodeHeader, statusOf } from '../../src/api/status.js'
import { EngineError } from '../../src/errors/index.js'

/** The status of an error. `details.status` says it where the code alone would not: 413 and 431 are both too much of something. */
export function statusOfError(error: unknown): number {
  if (!EngineError.is(error)) return 500
  // dockerd's: to a 401 the docker command answers by asking for a user name.
  if (error.code === 'unauthenticated') return 500
  const { status } = error.details
  return (status === 413 || status === 431 || status === 405) && error.code === 'resource_exhausted' ? status : statusOf(error.code)
}

/** Docker's error body. */
export function errorBody(error: unknown): string {
  return `${JSON.stringify({ message: messageOf(error) })}\n`
}

/** Answer with an error. */
export function sendError(response: ServerResponse, error: unknown): void {
  const body = errorBody(error)
  const status = statusOfError(error)
  // What is left of a body that is too long is not worth reading.
  if (status === 413) response.setHeader('connection', 'close')
  if (EngineError.is(error) && statusOf(error.code) !== status) response.setHeader(errorCodeHeader, error.code)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
