import { EngineError } from '../../src/errors/index.js'
import { parseTimestamp } from '../containers/nano-time.js'

/**
 * A `since` or `until` parameter, in nanoseconds since 1970; undefined where it is not given.
 *
 * @throws EngineError `invalid_argument`
 */
export function timestampOf(name: string, given: string | number | undefined): bigint | undefined {
  if (given === undefined || given === '') return undefined
  const time = parseTimestamp(String(given))
  if (time !== undefined) return time
  throw new EngineError('invalid_argument', `${name}: expected UNIX seconds or an RFC 3339 time, got ${JSON.stringify(given)}`, {
    details: { field: name, value: given }
  })
}
