import { constants, readFileSync, writeFileSync } from 'node:fs'
import { EngineError } from '../../src/errors/engine-error.js'
import type {
  BridgeSpec,
  FilterState,
  HostAddressing,
  NamespaceInterface,
  NamespaceService,
  NamespaceSpec,
  ServiceSockets
} from './host-network.js'
import { currentDirectory, type Kernel, namespaces } from './kernel.js'
import { LinkReaper } from './link-reaper.js'
import { formatSubnet, ipv4Bytes, parseIpv4, subnetOf } from './netlink/ipv4.js'
import { NftablesQuery } from './netlink/nftables-query.js'
import { replaceRedirects } from './netlink/redirect-rules.js'
import { RouteNetlink } from './netlink/rtnetlink.js'
import { errnoOf, SystemCallError } from './system-call-error.js'

const ownNamespace = '/proc/thread-self/ns/net'
const loopbackIndex = 1
const defaultMtu = 1500
const forwarding = '/proc/sys/net/ipv4/ip_forward'
const ipv6ByDefault = '/proc/sys/net/ipv6/conf/default/disable_ipv6'

/**
 * The kernel side of networking, in the launcher thread. Everything is synchronous where the thread is in another
 * network namespace for a moment: nothing else of this thread runs meanwhile.
 */
export class NetworkThread {
  readonly #kernel: Kernel
  readonly #home: number
  readonly #netlink: RouteNetlink
  readonly #reaper: LinkReaper

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    this.#home = openNamespace(kernel)
    this.#netlink = new RouteNetlink(kernel)
    this.#reaper = new LinkReaper(kernel)
  }

  createNamespace(spec: NamespaceSpec): number {
    const { namespaceFd, inside } = this.#enterNew()
    try {
      const [first, ...others] = spec.interfaces
      if (first === undefined) inside.configure({ up: [loopbackIndex] })
      else this.#connect(first, namespaceFd, inside, [loopbackIndex])
      for (const other of others) this.#connect(other, namespaceFd, inside)
      return namespaceFd
    } catch (error) {
      // The namespace goes with its last descriptor, and the pairs with it; this is only quicker. Its failure changes nothing.
      for (const { hostName } of spec.interfaces) void this.removeLink(hostName).catch(() => undefined)
      this.#kernel.close(namespaceFd)
      throw error
    } finally {
      inside.close()
    }
  }

  addInterface(namespacePath: string, spec: NamespaceInterface): void {
    this.#within(namespacePath, (inside, namespaceFd) => this.#connect(spec, namespaceFd, inside))
  }

  setDefaultRoute(namespacePath: string, gateway: string | undefined): void {
    this.#within(namespacePath, inside => {
      inside.removeDefaultRoutes()
      if (gateway !== undefined) inside.configure({ gateway })
    })
  }

  openService(namespacePath: string, { address, port, table }: NamespaceService): ServiceSockets {
    const namespaceFd = this.#kernel.openAt(currentDirectory, namespacePath, { flags: constants.O_RDONLY, resolve: 0 })
    const opened: number[] = []
    try {
      this.#kernel.setNamespace(namespaceFd, namespaces.network)
      try {
        const at = { address: parseIpv4(address) ?? 0, port: 0 }
        const datagram = this.#kernel.openInternetSocket('datagram', at)
        opened.push(datagram.fd)
        const stream = this.#kernel.openInternetSocket('stream', at)
        opened.push(stream.fd)
        replaceRedirects(this.#kernel, table, ipv4Bytes(at.address), [
          { protocol: 'udp', port, toPort: datagram.port },
          { protocol: 'tcp', port, toPort: stream.port }
        ])
        return { datagramFd: datagram.fd, streamFd: stream.fd }
      } finally {
        this.#kernel.setNamespace(this.#home, namespaces.network)
      }
    } catch (error) {
      for (const fd of opened) this.#kernel.close(fd)
      throw error
    } finally {
      this.#kernel.close(namespaceFd)
    }
  }

  removeLink(name: string): Promise<void> {
    return this.#reaper.remove(name)
  }

  bringBridgeUp({ name, macAddress, address, prefixLength, mtu }: BridgeSpec): void {
    const found = this.#netlink.link(name)
    if (found !== undefined && found.kind !== 'bridge') {
      throw new EngineError(
        'conflict',
        `the network interface ${name} exists and is not a bridge: rename or remove it (ip link delete ${name})`
      )
    }
    if (found === undefined) this.#netlink.addBridge({ name, macAddress, mtu: mtu ?? this.#outgoingMtu() })
    const linkIndex = found?.index ?? this.#kernel.interfaceIndex(name)
    if (found?.up === false) this.#netlink.configure({ up: [linkIndex] })
    const present = this.#netlink.addresses().some(known => known.linkIndex === linkIndex && known.address === address)
    if (!present) this.#netlink.configure({ address: { linkIndex, address, prefixLength } })
    if (readFileSync(forwarding, 'utf8').trim() !== '1') writeFileSync(forwarding, '1')
    // Answers to what the host asked of a published port on its loopback come in here, for 127.0.0.1. A rule keeps all else out.
    writeFileSync(`/proc/sys/net/ipv4/conf/${name}/route_localnet`, '1')
  }

  addressing(): HostAddressing {
    const links = this.#netlink.links()
    const names = new Map(links.map(link => [link.index, link.name]))
    const onLink = (subnet: string, index: number | undefined) => {
      const link = index === undefined ? undefined : names.get(index)
      return link === undefined ? { subnet } : { subnet, link }
    }
    const addresses = this.#netlink
      .addresses()
      .map(({ address, prefixLength, linkIndex }) => onLink(formatSubnet(subnetOf(parseIpv4(address) ?? 0, prefixLength)), linkIndex))
    const routes = this.#netlink
      .routes()
      .flatMap(({ destination, linkIndex }) => (destination === undefined ? [] : [onLink(formatSubnet(destination), linkIndex)]))
    return { links: links.map(({ name, up }) => ({ name, up })), subnets: [...addresses, ...routes] }
  }

  filterState(tables: readonly string[]): FilterState {
    const query = new NftablesQuery(this.#kernel)
    try {
      const obstacle =
        query.chain('filter', 'DOCKER-USER') !== undefined
          ? 'DOCKER-USER'
          : query.chain('filter', 'FORWARD')?.dropsByDefault === true
            ? 'FORWARD'
            : undefined
      return { tables: tables.filter(name => query.hasTable(name)), ...(obstacle === undefined ? {} : { obstacle }) }
    } finally {
      query.close()
    }
  }

  async close(): Promise<void> {
    await this.#reaper.close()
    this.#netlink.close()
    this.#kernel.close(this.#home)
  }

  #within(namespacePath: string, work: (inside: RouteNetlink, namespaceFd: number) => void): void {
    const namespaceFd = this.#kernel.openAt(currentDirectory, namespacePath, { flags: constants.O_RDONLY, resolve: 0 })
    try {
      this.#kernel.setNamespace(namespaceFd, namespaces.network)
      let inside: RouteNetlink
      try {
        inside = new RouteNetlink(this.#kernel)
      } finally {
        this.#kernel.setNamespace(this.#home, namespaces.network)
      }
      try {
        work(inside, namespaceFd)
      } finally {
        inside.close()
      }
    } finally {
      this.#kernel.close(namespaceFd)
    }
  }

  /** A socket stays in the namespace it was opened in: the thread is back home before anything is configured. */
  #enterNew(): { readonly namespaceFd: number; readonly inside: RouteNetlink } {
    this.#kernel.unshare(namespaces.network)
    let namespaceFd: number | undefined
    try {
      namespaceFd = openNamespace(this.#kernel)
      disableIpv6()
      return { namespaceFd, inside: new RouteNetlink(this.#kernel) }
    } catch (error) {
      if (namespaceFd !== undefined) this.#kernel.close(namespaceFd)
      throw error
    } finally {
      this.#kernel.setNamespace(this.#home, namespaces.network)
    }
  }

  #connect(spec: NamespaceInterface, namespaceFd: number, inside: RouteNetlink, alsoUp: readonly number[] = []): void {
    const bridge = this.#netlink.link(spec.bridge)
    if (bridge === undefined) throw new SystemCallError('netlink', 'ENODEV', `find bridge ${spec.bridge}`)
    this.#netlink.addVethPair({
      name: spec.hostName,
      bridgeIndex: bridge.index,
      mtu: bridge.mtu,
      peer: { name: spec.name, namespaceFd, macAddress: spec.macAddress }
    })
    try {
      if (spec.isolated === true) writeFileSync(`/sys/class/net/${spec.hostName}/brport/isolated`, '1')
      const linkIndex = inside.link(spec.name)?.index
      if (linkIndex === undefined) throw new SystemCallError('netlink', 'ENODEV', `find ${spec.name} in the new namespace`)
      inside.configure({
        up: [...alsoUp, linkIndex],
        address: { linkIndex, address: spec.address, prefixLength: spec.prefixLength },
        ...(spec.gateway !== undefined && { gateway: spec.gateway })
      })
    } catch (error) {
      void this.removeLink(spec.hostName).catch(() => undefined)
      throw error
    }
  }

  /** What leaves the host must fit the way out: that of the default route, as tunnels and clouds have less than 1500. */
  #outgoingMtu(): number {
    const out = this.#netlink.routes().find(route => route.destination === undefined)
    const link = this.#netlink.links().find(candidate => candidate.index === out?.linkIndex)
    return Math.min(defaultMtu, link?.mtu ?? defaultMtu)
  }
}

/** The calling thread's network namespace. */
function openNamespace(kernel: Kernel): number {
  return kernel.openAt(currentDirectory, ownNamespace, { flags: constants.O_RDONLY, resolve: 0 })
}

/** For interfaces that will be made: loopback is there already and keeps ::1, as in Docker. */
function disableIpv6(): void {
  try {
    writeFileSync(ipv6ByDefault, '1')
  } catch (error) {
    // No IPv6 at all, or a sandbox that keeps sysctls read-only: then containers get a link-local address, no more.
    const errno = errnoOf(error)
    if (errno !== 'ENOENT' && errno !== 'EROFS' && errno !== 'EACCES') throw error
  }
}
