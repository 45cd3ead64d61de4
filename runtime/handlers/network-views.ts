import type { Network, NetworkInspectResponse } from '../../src/api/index.js'
import type { ContainerRecord } from '../containers/container-record.js'
import type { NetworkRecord } from '../networks/network-record.js'

/** A network as lists show it. */
export function networkView(network: NetworkRecord): Network {
  const { pool } = network
  return {
    Name: network.name,
    Id: network.id,
    Created: network.createdAt,
    Scope: 'local',
    Driver: network.driver,
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: {
      Driver: 'default',
      Options: null,
      Config:
        network.subnet === ''
          ? []
          : [
              {
                Subnet: network.subnet,
                ...(pool.range !== undefined && { IPRange: pool.range }),
                // As Docker: told where it was asked for, or where all of it was chosen.
                ...((pool.gateway !== undefined || pool.subnet === undefined) && { Gateway: network.gateway }),
                ...(pool.auxiliary !== undefined && { AuxiliaryAddresses: pool.auxiliary })
              }
            ]
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: {},
    Options: network.options,
    Labels: network.labels
  }
}

/** A network with the running containers that are in it. */
export function networkInspectView(network: NetworkRecord, containers: readonly ContainerRecord[]): NetworkInspectResponse {
  const members = containers.flatMap(({ id, name, state }) =>
    (state.endpoints ?? [])
      .filter(({ networkId }) => networkId === network.id)
      .map(endpoint => [
        id,
        {
          Name: name,
          EndpointID: endpoint.endpointId,
          MacAddress: endpoint.macAddress,
          IPv4Address: endpoint.address === '' ? '' : `${endpoint.address}/${endpoint.prefixLength}`,
          IPv6Address: ''
        }
      ])
  )
  return { ...networkView(network), Containers: Object.fromEntries(members) }
}
