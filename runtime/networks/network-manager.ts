/** The part of networking that a container's start and stop need. */
export interface NetworkManager {
  /**
   * Give a container its network: allocate an address, make the network namespace, the interface, the routes; make
   * sure that the bridge, forwarding and NAT are there. Undoes what it did when a step fails.
   */
  connect(request: ConnectRequest, options: { readonly signal: AbortSignal }): Promise<Sandbox>
  /** Take everything back by container id, also what a killed process left. Idempotent. */
  disconnect(containerId: string): Promise<void>
  /** Forget what dead processes left and no container uses. Done at the start and the end too. */
  sweep(): Promise<void>
  /** What `network inspect bridge` is made of. Undefined before the bridge was first needed. */
  defaultNetwork(): Promise<NetworkRecord | undefined>
  /** Remove bridges and rules that no container of any process uses. */
  close(): Promise<void>
}

export interface ConnectRequest {
  readonly containerId: string
  /** `bridge` is the default bridge; `none` a namespace with loopback only. */
  readonly network: 'bridge' | 'none'
  readonly macAddress?: string
}

/** A network namespace, ready for a process. */
export interface Sandbox {
  /** Path for the OCI runtime, `/proc/<pid>/fd/<n>`: valid while this process holds it. */
  readonly namespacePath: string
  readonly endpoint?: Endpoint
  /** Let go of the namespace; it lives on while a process is in it. Idempotent. */
  release(): void
}

export interface Endpoint {
  readonly networkId: string
  readonly networkName: string
  readonly endpointId: string
  readonly address: string
  readonly prefixLength: number
  readonly gateway: string
  readonly macAddress: string
  readonly hostInterface: string
}

export interface NetworkRecord {
  readonly id: string
  readonly name: string
  readonly bridge: string
  readonly subnet: string
  readonly gateway: string
  readonly createdAt: string
}
