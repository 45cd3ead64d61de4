import type { ElementChange } from './netlink/map-elements.js'

/** What networking needs of the kernel. Works in the host's network namespace; implemented in the launcher thread. */
export interface HostNetwork {
  /**
   * A new network namespace with loopback up and the interfaces asked for, each on its bridge: all in one go. IPv6 is
   * off on everything but loopback. Returns its file descriptor, which the caller closes; the namespace lives on while
   * a process is in it.
   *
   * @throws SystemCallError-shaped EngineError; `details.errno` is `ENODEV` when there is no such bridge, `EEXIST` for a host interface in use
   */
  createNamespace(spec: NamespaceSpec): Promise<number>
  /** Put one more interface into a namespace that is there. @throws as {@link HostNetwork.createNamespace} */
  addInterface(namespacePath: string, spec: NamespaceInterface): Promise<void>
  /** Make this the way out of a namespace, in place of what was; undefined: there is none. */
  setDefaultRoute(namespacePath: string, gateway: string | undefined): Promise<void>
  /**
   * Sockets of a namespace, for this process to serve: one of each kind, bound to free ports of the address, the stream one listening; and
   * rules in the namespace that lead the address's `port` to them. Those of an earlier call are replaced. The caller closes the
   * descriptors.
   */
  openService(namespacePath: string, service: NamespaceService): Promise<ServiceSockets>
  /** Resolves when nobody can see the link any more; the kernel frees it a little later. No such link is not an error. */
  removeLink(name: string): Promise<void>
  /** Make the bridge if it is missing, give it the address, turn IPv4 forwarding on. Idempotent. */
  bringBridgeUp(spec: BridgeSpec): Promise<void>
  /** Links, addresses and routes in use. */
  addressing(): Promise<HostAddressing>
  /**
   * Run `nft` with these arguments, what it reads on standard input, and resolve to what it prints.
   *
   * @throws EngineError `failed` with what it said, `not_found` when there is no nft
   */
  nft(args: readonly string[], input?: string): Promise<string>
  /**
   * Add entries to maps of an IPv4 nftables table, and delete some, in one step and without `nft`.
   *
   * @returns false where the table is not there, or not as the changes suppose: nothing was changed
   */
  changeElements(table: string, changes: readonly ElementChange[]): Promise<boolean>
  /** Which of these IPv4 nftables tables exist, and what a Docker host's or firewall's own `filter` table does to forwarded packets. */
  filterState(tables: readonly string[]): Promise<FilterState>
}

export interface NamespaceSpec {
  readonly interfaces: readonly NamespaceInterface[]
}

/** An address of the namespace's loopback, and the port that clients know; the port itself stays free. */
export interface NamespaceService {
  readonly address: string
  readonly port: number
  /** nftables table for the rules. */
  readonly table: string
}

export interface ServiceSockets {
  readonly datagramFd: number
  readonly streamFd: number
}

export interface NamespaceInterface {
  /** Of the end that stays on the host, at most 15 characters. */
  readonly hostName: string
  readonly bridge: string
  /** In the namespace, `eth0`. */
  readonly name: string
  readonly macAddress: string
  readonly address: string
  readonly prefixLength: number
  /** Where the default route leads; absent on an interface that is not the way out. */
  readonly gateway?: string
  /** Reach the bridge's own address and what is beyond it, but none of the bridge's other ports. @default false */
  readonly isolated?: boolean
}

export interface BridgeSpec {
  readonly name: string
  readonly macAddress: string
  readonly address: string
  readonly prefixLength: number
  /** @default what fits the host's default route, at most 1500 */
  readonly mtu?: number
}

export interface HostAddressing {
  readonly links: readonly { readonly name: string; readonly up: boolean }[]
  /** Every address and every route but default ones, as subnets, with the link they are on. */
  readonly subnets: readonly { readonly subnet: string; readonly link?: string }[]
}

export interface FilterState {
  /** Those of the tables asked for that exist. */
  readonly tables: readonly string[]
  /** The chain of `ip filter` that may drop what a bridge forwards: Docker's own for users, else `FORWARD` where its policy is drop. */
  readonly obstacle?: 'DOCKER-USER' | 'FORWARD'
}
