import type { NameServiceRequest } from './names/name-service.js'
import type { AddressPool, Endpoint, NetworkRecord, PortProtocol, PublishedPort, StoredEndpoint } from './network-record.js'

/** Networks, and the places of containers in them. */
export interface NetworkManager {
  /** All networks, the predefined ones among them, oldest first. */
  list(): Promise<readonly NetworkRecord[]>
  /**
   * A network by id, name or the beginning of its id.
   *
   * @throws EngineError `not_found`, `invalid_argument` (several begin so)
   */
  get(idOrName: string): Promise<NetworkRecord>
  /**
   * Make a bridge network, its bridge and its rules.
   *
   * @throws EngineError `already_exists` (name), `permission_denied` (its addresses are those of another network), `conflict`,
   *   `resource_exhausted`, `failed` and `not_implemented` for options
   */
  create(request: NetworkRequest): Promise<NetworkRecord>
  /** @throws EngineError `not_found`, `permission_denied` while containers are in it */
  remove(id: string): Promise<void>
  /** Who is in a network now. */
  members(id: string): readonly StoredEndpoint[]

  /**
   * Give a container that is about to start its networks: allocate addresses, make the network namespace, the interfaces, the routes;
   * make sure that bridges, forwarding and NAT are there. Undoes what it did when a step fails.
   */
  connect(request: ConnectRequest, options: { readonly signal: AbortSignal }): Promise<Sandbox>
  /**
   * Take everything back, published ports too. Idempotent.
   *
   * @param endpoints what it has, where that is known; else by container id, also what a killed process left
   */
  disconnect(containerId: string, endpoints?: readonly Endpoint[]): Promise<void>
  /** Put a running container in one more network. */
  join(request: JoinRequest, options: { readonly signal: AbortSignal }): Promise<Endpoint>
  /** Take a running container out of a network. */
  leave(request: LeaveRequest): Promise<void>
  /** Answer a container's questions about names at 127.0.0.11, until it is disconnected. Idempotent. */
  serveNames(request: NameServiceRequest): Promise<void>
  /**
   * Take over a running container of a process that is gone: its places in networks are this process's, its published ports are held
   * again. Its name server is opened by {@link NetworkManager.serveNames}.
   */
  adopt(containerId: string): Promise<void>
  /** Others find the container by other names from now on. */
  rename(containerId: string, change: (stored: StoredEndpoint) => StoredEndpoint): Promise<void>

  /**
   * Publish ports of a container: hold them on this host and lead them to its address.
   *
   * @throws EngineError `failed` in Docker's words when a port is in use
   */
  publish(request: PublishRequest): Promise<readonly PublishedPort[]>
  /** Let go of a container's ports. Idempotent. */
  unpublish(containerId: string): Promise<void>

  /**
   * Forget what dead processes left and no container uses: endpoints, their sessions' networks, ports. Done at the start and the end too.
   *
   * @param options.patient Give the kernel up to half a second to take the namespaces of processes apart that were killed just now
   */
  sweep(options: { readonly patient: boolean }): Promise<void>
  /** Remove this session's networks, and the bridges and rules that no container of any process uses. */
  close(): Promise<void>
}

export interface NetworkRequest {
  readonly name: string
  readonly pool: AddressPool
  readonly internal: boolean
  readonly attachable: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, string>>
  /** Outlives the engine that made it. */
  readonly keep: boolean
}

export interface ConnectRequest {
  readonly containerId: string
  readonly containerName: string
  /** In the order of their interfaces. Empty: a namespace with loopback only. */
  readonly endpoints: readonly EndpointRequest[]
}

/** What a container asks of one network. */
export interface EndpointRequest {
  readonly networkId: string
  /** By which others find it. */
  readonly names: readonly string[]
  /** @default the next free one */
  readonly address?: string
  /** @default made from the address */
  readonly macAddress?: string
  /** @default 0 */
  readonly priority?: number
}

export interface JoinRequest {
  readonly containerId: string
  readonly containerName: string
  readonly endpoint: EndpointRequest
  readonly namespacePath: string
  /** What the container has already. */
  readonly present: readonly Endpoint[]
}

export interface LeaveRequest {
  readonly containerId: string
  readonly endpoint: Endpoint
  readonly namespacePath: string
  /** What stays. */
  readonly remaining: readonly Endpoint[]
}

/** A network namespace, ready for a process. */
export interface Sandbox {
  /** Path for the OCI runtime, `/proc/<pid>/fd/<n>`: valid while this process holds it. */
  readonly namespacePath: string
  readonly endpoints: readonly Endpoint[]
  /** Let go of the namespace; it lives on while a process is in it. Idempotent. */
  release(): void
}

export interface PublishRequest {
  readonly containerId: string
  readonly containerName: string
  /** Through which the container is reached. */
  readonly endpoint: Endpoint
  readonly ports: readonly PortRequest[]
}

/** A port of a container that is to be published. */
export interface PortRequest {
  readonly protocol: PortProtocol
  readonly containerPort: number
  /** @default all addresses, IPv4 and IPv6 */
  readonly hostAddress?: string
  /** One of these. @default a free one */
  readonly hostPorts?: { readonly first: number; readonly last: number }
}
