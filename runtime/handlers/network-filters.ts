import { EngineError } from '../../src/errors/index.js'
import { predefinedNetworks } from '../networks/network-catalog.js'
import type { NetworkRecord } from '../networks/network-record.js'
import { type Filters, hasLabel } from './list-filters.js'

/**
 * A test for `GET /networks?filters=`.
 *
 * @param isUsed whether a container is in it
 * @throws EngineError `invalid_argument` for an unknown filter or value
 */
export function networkFilter(filters: Filters, isUsed: (network: NetworkRecord) => boolean): (network: NetworkRecord) => boolean {
  const tests = Object.entries(filters)
    .filter(([, values]) => values.length > 0)
    .map(([key, values]) => filterOf(key, values, isUsed))
  return network => tests.every(test => test(network))
}

function filterOf(
  key: string,
  values: readonly string[],
  isUsed: (network: NetworkRecord) => boolean
): (network: NetworkRecord) => boolean {
  switch (key) {
    case 'driver':
      return ({ driver }) => values.includes(driver)
    case 'id':
      return ({ id }) => values.some(value => id.startsWith(value))
    case 'name':
      // Any part of it, as in Docker.
      return ({ name }) => values.some(value => name.includes(value))
    case 'label':
      return ({ labels }) => values.every(value => hasLabel(labels, value))
    case 'label!':
      return ({ labels }) => !values.some(value => hasLabel(labels, value))
    case 'scope':
      for (const value of values) if (!['local', 'global', 'swarm'].includes(value)) throw invalid(key, value)
      return () => values.includes('local')
    case 'type':
      for (const value of values) if (value !== 'custom' && value !== 'builtin') throw invalid(key, value)
      return ({ name }) => values.includes(predefinedNetworks.includes(name) ? 'builtin' : 'custom')
    case 'dangling':
      return danglingFilter(values, isUsed)
    default:
      throw new EngineError('invalid_argument', `invalid filter '${key}'`, { details: { filter: key } })
  }
}

function danglingFilter(values: readonly string[], isUsed: (network: NetworkRecord) => boolean): (network: NetworkRecord) => boolean {
  const wanted = values.map(value => {
    if (['true', '1'].includes(value)) return true
    if (['false', '0'].includes(value)) return false
    throw new EngineError('invalid_argument', 'invalid value for filter \'dangling\', must be "true" (or "1"), or "false" (or "0")', {
      details: { filter: 'dangling', value }
    })
  })
  return network => wanted.every(isDangling => isDangling === (!predefinedNetworks.includes(network.name) && !isUsed(network)))
}

function invalid(filter: string, value: string): EngineError {
  return new EngineError('invalid_argument', `invalid filter '${filter}=[${value}]'`, { details: { filter, value } })
}
