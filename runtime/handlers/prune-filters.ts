import { EngineError } from '../../src/errors/index.js'
import { parseDuration } from '../../src/util/parse-duration.js'
import { type Filters, hasLabel } from './list-filters.js'
import { timestampOf } from './timestamp.js'

/** What a prune looks at, whatever it prunes. */
export interface Prunable {
  readonly labels: Readonly<Record<string, string>>
  /** RFC 3339. */
  readonly createdAt: string
}

/**
 * A test for the filters that all prunes have: `label`, `label!` and `until`.
 *
 * @throws EngineError `invalid_argument` for another filter, for more than one `until`, or for one that is no time
 */
export function pruneFilter(filters: Filters): (thing: Prunable) => boolean {
  const tests = Object.entries(filters)
    .filter(([, values]) => values.length > 0)
    .map(([key, values]) => filterOf(key, values))
  return thing => tests.every(test => test(thing))
}

function filterOf(key: string, values: readonly string[]): (thing: Prunable) => boolean {
  switch (key) {
    case 'label':
      return ({ labels }) => values.every(value => hasLabel(labels, value))
    case 'label!':
      return ({ labels }) => !values.some(value => hasLabel(labels, value))
    case 'until': {
      if (values.length > 1) {
        throw new EngineError('invalid_argument', 'more than one until filter specified', { details: { filter: key, values } })
      }
      const until = untilOf(values[0])
      return ({ createdAt }) => until === undefined || BigInt(Date.parse(createdAt)) * 1_000_000n < until
    }
    default:
      throw new EngineError('invalid_argument', `invalid filter '${key}'`, { details: { filter: key } })
  }
}

/** A time, or for how long: `24h`, `1h30m`. */
export function untilOf(value: string | undefined): bigint | undefined {
  const parts = value?.match(/\d+(?:\.\d+)?(?:ms|s|m|h)/g) ?? []
  if (parts.length === 0 || parts.join('') !== value) return timestampOf('until', value)
  const ageMs = parts.reduce((sum, part) => sum + (parseDuration(part) ?? 0), 0)
  return BigInt(Math.round(Date.now() - ageMs)) * 1_000_000n
}
