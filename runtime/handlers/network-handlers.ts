import type { Handlers } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { connectNetwork } from '../containers/connect-network.js'
import type { ContainerContext } from '../containers/container-context.js'
import { disconnectNetwork } from '../containers/disconnect-network.js'
import { predefinedNetworks } from '../networks/network-catalog.js'
import type { NetworkRecord } from '../networks/network-record.js'
import { networkFilter } from './network-filters.js'
import { networkRequest } from './network-request.js'
import { networkInspectView, networkView } from './network-views.js'
import { pruneNetworks } from './prune-networks.js'

/** The operations of `/networks`. */
export function networkHandlers(context: ContainerContext): Handlers {
  const { networks, store } = context
  return {
    async NetworkCreate({ body }) {
      const network = await networks.create(networkRequest(body, { keep: context.session.keeps }))
      publish(context, 'create', network)
      return { Id: network.id, Warning: '' }
    },

    async NetworkList({ query }) {
      const all = await networks.list()
      const isUsed = ({ id }: NetworkRecord) => networks.members(id).length > 0
      return all.filter(networkFilter(query?.filters ?? {}, isUsed)).map(networkView)
    },

    async NetworkInspect({ path, query }) {
      const scope = query?.scope ?? ''
      if (scope !== '' && scope !== 'local') throw new EngineError('not_found', `network ${path.id} not found`, { details: { scope } })
      const network = await networks.get(path.id)
      const view = networkInspectView(network, store.list())
      // Services are those of a swarm, which has none here.
      return query?.verbose ? { ...view, Services: {} } : view
    },

    async NetworkDelete({ path }) {
      const network = await networks.get(path.id)
      if (predefinedNetworks.includes(network.name)) {
        throw new EngineError('permission_denied', `${network.name} is a pre-defined network and cannot be removed`, {
          details: { network: network.name }
        })
      }
      await networks.remove(network.id)
      publish(context, 'destroy', network)
      return { modified: true }
    },

    async NetworkPrune({ query }) {
      const removed = await pruneNetworks(networks, query?.filters ?? {})
      for (const network of removed) publish(context, 'destroy', network)
      context.events.publish({ Type: 'network', Action: 'prune', id: '', attributes: { reclaimed: '0' } })
      return { NetworksDeleted: removed.length === 0 ? null : removed.map(({ name }) => name) }
    },

    async NetworkConnect({ path, body }, { signal }) {
      // Where neither is there, Docker names the container.
      store.get(body.Container)
      const network = await networks.get(path.id)
      await connectNetwork(context, network, body.Container, body.EndpointConfig, signal)
      return { modified: true }
    },

    async NetworkDisconnect({ path, body }) {
      if (!body.Force) store.get(body.Container)
      const network = await networks.get(path.id)
      await disconnectNetwork(context, network, body.Container, { force: body.Force ?? false })
      return { modified: true }
    }
  }
}

function publish({ events }: ContainerContext, action: 'create' | 'destroy', { id, name, driver }: NetworkRecord): void {
  events.publish({ Type: 'network', Action: action, id, attributes: { name, type: driver } })
}
