import { EngineError } from '../../src/errors/index.js'
import { errnoOf } from '../host/system-call-error.js'

const fullErrnos: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/**
 * A failure for want of room, as what it means; any other as it is.
 *
 * @param what there was no room for: a digest, an image's name
 */
export function diskFailure(error: unknown, what: string): unknown {
  if (EngineError.is(error)) return error
  const errno = errnoOf(error)
  if (errno === undefined || !fullErrnos.has(errno)) return error
  return new EngineError(
    'resource_exhausted',
    `no room on disk for ${what} (${errno}): remove images that are not needed, or choose a data root on a larger disk`,
    { details: { digest: what, errno }, cause: error }
  )
}
