import { EngineError } from '../../src/errors/index.js'

/** An archive that breaks the rules of its format: truncated, malformed, or reaching out of its directory. */
export function archiveError(message: string, details: Readonly<Record<string, unknown>> = {}, cause?: unknown): EngineError {
  return new EngineError('data_loss', `bad layer archive: ${message}`, cause === undefined ? { details } : { details, cause })
}
