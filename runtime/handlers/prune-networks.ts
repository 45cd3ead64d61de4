import { EngineError } from '../../src/errors/index.js'
import { predefinedNetworks } from '../networks/network-catalog.js'
import type { NetworkManager } from '../networks/network-manager.js'
import type { NetworkRecord } from '../networks/network-record.js'
import { type Filters, hasLabel } from './list-filters.js'
import { timestampOf } from './timestamp.js'

/**
 * Remove the networks that no container is in, but those that are always there.
 *
 * @returns what was removed
 * @throws EngineError `invalid_argument` for an unknown filter
 */
export async function pruneNetworks(networks: NetworkManager, filters: Filters): Promise<readonly NetworkRecord[]> {
  const isWanted = pruneFilter(filters)
  const removed: NetworkRecord[] = []
  for (const network of await networks.list()) {
    if (predefinedNetworks.includes(network.name) || !isWanted(network) || networks.members(network.id).length > 0) continue
    try {
      await networks.remove(network.id)
      removed.push(network)
    } catch (error) {
      // Somebody joined it or removed it a moment ago.
      if (!EngineError.is(error) || (error.code !== 'permission_denied' && error.code !== 'not_found')) throw error
    }
  }
  return removed
}

function pruneFilter(filters: Filters): (network: NetworkRecord) => boolean {
  const tests = Object.entries(filters)
    .filter(([, values]) => values.length > 0)
    .map(([key, values]): ((network: NetworkRecord) => boolean) => {
      switch (key) {
        case 'label':
          return ({ labels }) => values.every(value => hasLabel(labels, value))
        case 'label!':
          return ({ labels }) => !values.some(value => hasLabel(labels, value))
        case 'until': {
          const [value] = values
          const until = timestampOf('until', value)
          return ({ createdAt }) => until === undefined || BigInt(Date.parse(createdAt)) * 1_000_000n < until
        }
        default:
          throw new EngineError('invalid_argument', `invalid filter '${key}'`, { details: { filter: key } })
      }
    })
  return network => tests.every(test => test(network))
}
