import { EngineError } from '../../src/errors/engine-error.js'
import type { WireError } from './launcher-protocol.js'
import { errnoOf } from './system-call-error.js'

/** An error as plain data: classes do not survive the way between threads. */
export function toWire(error: unknown): WireError {
  if (EngineError.is(error)) return { code: error.code, message: error.message, details: error.details }
  const errno = errnoOf(error)
  return {
    code: errno === undefined ? 'internal' : 'failed',
    message: error instanceof Error ? error.message : String(error),
    details: errno === undefined ? {} : { errno }
  }
}

export function fromWire({ code, message, details }: WireError): EngineError {
  return new EngineError(code, message, { details })
}
