import { NetworkConnect, NetworkDisconnect } from '../../api/index.js'
import { checkAbortable } from '../call-scope.js'
import { checkKeys } from '../checks.js'
import { call, type EngineContext } from '../context.js'
import type { Container } from '../handles.js'
import { checkEndpoint, endpointSettings } from '../networks/endpoint.js'
import { networkId } from '../networks/network-handle.js'
import type { ContainerNetworks } from './container.js'

/** A container's `network`: into networks and out of them. */
export function networksOf(context: EngineContext, container: Pick<Container, 'id'>): ContainerNetworks {
  return Object.freeze<ContainerNetworks>({
    async connect(network, options = {}) {
      const given = checkKeys('network.connect', options, ['alias', 'ipv4', 'ipv6', 'signal', 'timeout'])
      const endpoint = checkEndpoint('network.connect', given)
      const body = { Container: container.id, EndpointConfig: endpointSettings(endpoint) }
      const path = { id: networkId('network.connect', network) }
      await call(context, NetworkConnect, { path, body }, checkAbortable('network.connect', given))
    },
    async disconnect(network, options = {}) {
      const limits = checkAbortable('network.disconnect', checkKeys('network.disconnect', options, ['signal', 'timeout']))
      const path = { id: networkId('network.disconnect', network) }
      await call(context, NetworkDisconnect, { path, body: { Container: container.id } }, limits)
    }
  })
}
