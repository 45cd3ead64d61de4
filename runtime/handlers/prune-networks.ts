import { EngineError } from '../../src/errors/index.js'
import { predefinedNetworks } from '../networks/network-catalog.js'
import type { NetworkManager } from '../networks/network-manager.js'
import type { NetworkRecord } from '../networks/network-record.js'
import type { Filters } from './list-filters.js'
import { pruneFilter } from './prune-filters.js'

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
