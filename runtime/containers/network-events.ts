import type { Endpoint } from '../networks/network-record.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'

const driverTypes: Readonly<Record<string, string>> = { host: 'host', none: 'null' }

/** Tell that a container came into its networks, or left them. */
export function announceEndpoints(
  context: Pick<ContainerContext, 'events'>,
  record: Pick<ContainerRecord, 'id'>,
  action: 'connect' | 'disconnect',
  endpoints: readonly Endpoint[]
): void {
  for (const { networkId, networkName } of endpoints) {
    context.events.publish({
      Type: 'network',
      Action: action,
      id: networkId,
      attributes: { container: record.id, name: networkName, type: driverTypes[networkName] ?? 'bridge' }
    })
  }
}
