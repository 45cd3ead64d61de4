import { EngineError } from '../../src/errors/index.js'
import { anonymousLabel, type VolumeRecord } from '../volumes/volume-record.js'
import { type Filters, hasLabel } from './list-filters.js'

export type VolumeTest = (record: VolumeRecord, facts: { readonly isUsed: boolean }) => boolean

/**
 * A test for `filters=` of volumes.
 *
 * @param allowed the filters that the operation has
 * @throws EngineError `invalid_argument` for an unknown filter or value
 */
export function volumeFilter(filters: Filters, allowed: readonly string[]): VolumeTest {
  const tests = Object.entries(filters).map(([key, values]): VolumeTest => {
    if (!allowed.includes(key)) throw invalidFilter(key)
    switch (key) {
      case 'dangling': {
        const wanted = filterFlag(key, values)
        return (_, { isUsed }) => wanted === undefined || isUsed !== wanted
      }
      case 'driver':
        return ({ driver }) => values.length === 0 || values.includes(driver)
      case 'label':
        return ({ labels }) => values.every(value => hasLabel(labels ?? {}, value))
      case 'label!':
        return ({ labels }) => !values.some(value => hasLabel(labels ?? {}, value))
      default:
        return ({ name }) => values.length === 0 || values.some(value => name.includes(value))
    }
  })
  return (record, facts) => tests.every(test => test(record, facts))
}

/** Whether nobody chose the volume's name. */
export function isAnonymous(record: VolumeRecord): boolean {
  return record.labels !== null && anonymousLabel in record.labels
}

/** A filter's boolean; undefined where it has no value. @throws EngineError `invalid_argument` */
export function filterFlag(key: string, values: readonly string[]): boolean | undefined {
  if (values.length === 0) return undefined
  const read = new Set(values.map(value => booleans[value] ?? badValue(key, value)))
  if (read.size > 1) throw badValue(key, values.join(' '))
  return read.has(true)
}

/** As Go reads them. */
const booleans: Readonly<Record<string, boolean>> = {
  '1': true,
  t: true,
  T: true,
  true: true,
  TRUE: true,
  True: true,
  '0': false,
  f: false,
  F: false,
  false: false,
  FALSE: false,
  False: false
}

function badValue(key: string, value: string): never {
  throw new EngineError('invalid_argument', `invalid filter '${key}=[${value}]'`, { details: { filter: key, value } })
}

function invalidFilter(key: string): EngineError {
  return new EngineError('invalid_argument', `invalid filter '${key}'`, { details: { filter: key } })
}
