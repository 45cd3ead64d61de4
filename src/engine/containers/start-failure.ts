import { EngineError } from '../../errors/index.js'
import { exitCodeOfStartFailure } from '../processes/exit-code.js'

/** A container that could not be started: the engine's error, with the exit code that `docker run` would end with in its details. */
export function startFailure(error: unknown): unknown {
  if (!EngineError.is(error) || error.code === 'unavailable' || error.code === 'deadline_exceeded') return error
  return new EngineError(error.code, error.message, {
    details: { ...error.details, exitCode: exitCodeOfStartFailure(error.message) },
    cause: error
  })
}
