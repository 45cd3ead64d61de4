import { EngineError } from '../../src/errors/engine-error.js'
import { errnoOf } from './system-call-error.js'

/** Why a program of the host could not be started. */
export function spawnError(program: string, cwd: string, cause: unknown): EngineError {
  const errno = errnoOf(cause) ?? 'unknown error'
  const options = { cause, details: { program, cwd, errno } }
  switch (errno) {
    case 'ENOENT':
      return new EngineError('not_found', `cannot start ${program}: not found on PATH, or no such working directory (${cwd})`, options)
    case 'EACCES':
    case 'EPERM':
      return new EngineError('permission_denied', `cannot start ${program}: not executable (${errno})`, options)
    default:
      return new EngineError('failed', `cannot start ${program}: ${errno}`, options)
  }
}
