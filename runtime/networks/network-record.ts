import type { ProcessIdentity } from '../host/process-identity.js'

/** What connects the containers of a network: a bridge; the host's own interfaces; nothing. Docker's names. */
export type NetworkDriver = 'bridge' | 'host' | 'null'

/** A network as it was asked for, and what was chosen for it. */
export interface NetworkRecord {
  /** 64 hexadecimal digits. */
  readonly id: string
  readonly name: string
  readonly driver: NetworkDriver
  /** RFC 3339. */
  readonly createdAt: string
  /** The interface on the host; '' where the driver has none, as `subnet` and `gateway`. */
  readonly bridge: string
  readonly subnet: string
  readonly gateway: string
  /** Parts of the address pool that the caller chose: they are not changed behind his back. */
  readonly pool: AddressPool
  /** Without a way out. */
  readonly internal: boolean
  readonly attachable: boolean
  readonly labels: Readonly<Record<string, string>>
  /** As given, in Docker's spelling; see {@link BridgeSettings} for what they mean. */
  readonly options: Readonly<Record<string, string>>
  /** Whose end removes it; absent: it stays. */
  readonly session?: NetworkUser
}

/** What a caller says of a network's addresses. */
export interface AddressPool {
  readonly subnet?: string
  /** The part of the subnet that containers get addresses from. @default all of it */
  readonly range?: string
  /** @default the first address that a host can have */
  readonly gateway?: string
  /** Addresses that containers do not get, by name. */
  readonly auxiliary?: Readonly<Record<string, string>>
}

/** Table `networks`, format version 1, by id. */
export interface StoredNetwork extends NetworkRecord {
  /** Whether the bridge and its rules are there, as far as we know: a reboot takes them away without asking. */
  readonly state: 'up' | 'down'
  /** The address handed out last. */
  readonly lastAddress?: string
  /** Who keeps the bridge up: network managers of live processes. */
  readonly users: readonly NetworkUser[]
}

/** A network manager of a process. */
export interface NetworkUser {
  readonly id: string
  readonly process: ProcessIdentity
}

/** A container's place in a network. */
export interface Endpoint {
  readonly networkId: string
  readonly networkName: string
  readonly endpointId: string
  readonly address: string
  readonly prefixLength: number
  readonly gateway: string
  readonly macAddress: string
  /** The end that stays on the host. */
  readonly hostInterface: string
  /** In the container, `eth0`. */
  readonly interfaceName: string
  /** The network with the highest gives the default route. */
  readonly priority: number
  /** Without a way out, so without a default route. */
  readonly internal: boolean
}

/** Table `endpoints`, format version 1, by `<network id>/<address>`. */
export interface StoredEndpoint {
  readonly containerId: string
  readonly endpoint: Endpoint
  /** The container's name, by which reverse look-ups answer. */
  readonly containerName: string
  /** All names that it is found by in this network. Empty on the default network. */
  readonly names: readonly string[]
  /** The process that made it. A container may outlive it. */
  readonly owner: ProcessIdentity
}

/** Table `ports`, format version 1, by `<protocol>/<host port>/<host address>`: a port of the host that leads to a container. */
export interface StoredPort extends PublishedPort {
  readonly containerId: string
  /** The container's address. */
  readonly address: string
  readonly owner: ProcessIdentity
}

export type PortProtocol = 'tcp' | 'udp' | 'sctp'

/** A port of the host that leads to a container. */
export interface PublishedPort {
  readonly protocol: PortProtocol
  readonly containerPort: number
  /** `0.0.0.0` and `::` are all of the host's addresses. */
  readonly hostAddress: string
  readonly hostPort: number
}
