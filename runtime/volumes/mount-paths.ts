import { posix } from 'node:path'
import { EngineError } from '../../src/errors/index.js'

/**
 * A place in a container to mount something, cleaned.
 *
 * @param prefix what the message begins with
 * @throws EngineError `invalid_argument` where it is not absolute, or the root
 */
export function mountDestination(path: string, prefix: string): string {
  const clean = cleanPath(path)
  if (clean === '/') throw invalid(`${prefix}invalid specification: destination can't be '/'`, path)
  checkAbsolute(path, prefix)
  return clean
}

/** @throws EngineError `invalid_argument` */
export function checkAbsolute(path: string, prefix: string): void {
  if (!path.startsWith('/')) throw invalid(`${prefix}invalid mount path: '${path}' mount path must be absolute`, path)
  if (path.includes('\0')) throw invalid(`${prefix}invalid mount path: it holds a zero byte`, path)
}

/** `/a/../b/` is `/b`. */
export function cleanPath(path: string): string {
  const clean = posix.normalize(path)
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean
}

/** A mount that cannot be. */
export function invalid(message: string, value: unknown): EngineError {
  return new EngineError('invalid_argument', message, { details: { mount: value } })
}
