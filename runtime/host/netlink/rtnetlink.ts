import { randomInt } from 'node:crypto'
import { EngineError } from '../../../src/errors/engine-error.js'
import type { Kernel } from '../kernel.js'
import { errnoOf } from '../system-call-error.js'
import { formatIpv4, ipv4Bytes, lastAddress, parseIpv4, type Subnet, subnetOf } from './ipv4.js'
import {
  type Attributes,
  attribute,
  decodeAttributes,
  littleEndian,
  type Message,
  messageFlags,
  nested,
  readText,
  readUint32,
  text,
  uint32,
  viewOf
} from './message.js'
import { type NetlinkRequest, NetlinkSocket } from './netlink-socket.js'

const netlinkRoute = 0
const familyInet = 2
const types = {
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  newAddress: 20,
  getAddress: 22,
  newRoute: 24,
  deleteRoute: 25,
  getRoute: 26
} as const
/** linux/if_link.h */
const ifla = { address: 1, name: 3, mtu: 4, master: 10, linkInfo: 18, group: 27, namespaceFd: 28, kind: 1, data: 2, vethPeer: 1 } as const
/** linux/if_addr.h */
const ifa = { address: 1, local: 2, broadcast: 4 } as const
/** linux/rtnetlink.h */
const rta = { destination: 1, outInterface: 4, gateway: 5 } as const
const flagUp = 0x1
const routeTableMain = 254
const routeProtocolBoot = 3
const routeTypeUnicast = 1
const linkInfoBytes = 16
const addressInfoBytes = 8
const routeInfoBytes = 12

export interface Link {
  readonly index: number
  readonly name: string
  readonly up: boolean
  readonly mtu: number
  /** Index of the bridge it is a port of. */
  readonly master?: number
  /** `veth`, `bridge`, ...; undefined for real devices. */
  readonly kind?: string
}

export interface InterfaceAddress {
  readonly linkIndex: number
  readonly address: string
  readonly prefixLength: number
}

export interface Route {
  /** Absent for the default route. */
  readonly destination?: Subnet
  readonly linkIndex?: number
}

/** A pair of virtual Ethernet devices: one end here, the other in a network namespace. */
export interface VethPair {
  readonly name: string
  readonly bridgeIndex: number
  readonly mtu: number
  readonly peer: { readonly name: string; readonly namespaceFd: number; readonly macAddress: string }
}

/** Links, addresses and routes of one network namespace, IPv4. Synchronous; @throws SystemCallError */
export class RouteNetlink {
  readonly #socket: NetlinkSocket

  /** Opens a socket in the calling thread's network namespace. */
  constructor(kernel: Kernel) {
    this.#socket = new NetlinkSocket(kernel, netlinkRoute)
  }

  links(): Link[] {
    const request = { step: 'list links', type: types.getLink, flags: messageFlags.dump, parts: [linkInfo({})] }
    return this.#socket.query(request).map(decodeLink)
  }

  /** Undefined when there is none of that name. */
  link(name: string): Link | undefined {
    const parts = [linkInfo({}), attribute(ifla.name, text(name))]
    try {
      const [answer] = this.#socket.query({ step: `find link ${name}`, type: types.getLink, flags: 0, parts })
      return answer === undefined ? undefined : decodeLink(answer)
    } catch (error) {
      if (errnoOf(error) === 'ENODEV') return undefined
      throw error
    }
  }

  addresses(): InterfaceAddress[] {
    const parts = [new Uint8Array([familyInet, 0, 0, 0, 0, 0, 0, 0])]
    return this.#socket.query({ step: 'list addresses', type: types.getAddress, flags: messageFlags.dump, parts }).map(decodeAddress)
  }

  /** Of every table but the kernel's own of local and broadcast addresses. */
  routes(): Route[] {
    const parts = [new Uint8Array([familyInet, ...new Array<number>(routeInfoBytes - 1).fill(0)])]
    const answers = this.#socket.query({ step: 'list routes', type: types.getRoute, flags: messageFlags.dump, parts })
    return answers.filter(answer => answer.payload[7] === routeTypeUnicast).map(decodeRoute)
  }

  /** Make a bridge and bring it up. */
  addBridge(bridge: { readonly name: string; readonly macAddress: string; readonly mtu: number }): void {
    this.#socket.request([
      {
        step: `add bridge ${bridge.name}`,
        type: types.newLink,
        flags: messageFlags.create | messageFlags.exclusive,
        parts: [
          linkInfo({ up: true }),
          attribute(ifla.name, text(bridge.name)),
          attribute(ifla.mtu, uint32(bridge.mtu)),
          attribute(ifla.address, macBytes(bridge.macAddress)),
          nested(ifla.linkInfo, [attribute(ifla.kind, Buffer.from('bridge'))])
        ]
      }
    ])
  }

  /** Make a pair, its near end up and a port of the bridge. The far end cannot be brought up in the same message. */
  addVethPair(pair: VethPair): void {
    const peer = [
      linkInfo({}),
      attribute(ifla.name, text(pair.peer.name)),
      attribute(ifla.mtu, uint32(pair.mtu)),
      attribute(ifla.address, macBytes(pair.peer.macAddress)),
      attribute(ifla.namespaceFd, uint32(pair.peer.namespaceFd))
    ]
    this.#socket.request([
      {
        step: `add veth pair ${pair.name}`,
        type: types.newLink,
        flags: messageFlags.create | messageFlags.exclusive,
        parts: [
          linkInfo({ up: true }),
          attribute(ifla.name, text(pair.name)),
          attribute(ifla.mtu, uint32(pair.mtu)),
          attribute(ifla.master, uint32(pair.bridgeIndex)),
          nested(ifla.linkInfo, [attribute(ifla.kind, Buffer.from('veth')), nested(ifla.data, [nested(ifla.vethPeer, peer)])])
        ]
      }
    ])
  }

  /**
   * Remove links, in a thread of the kernel binding: the kernel blocks the caller for tens of milliseconds after the
   * links are out of sight. Several at once cost as much as one. Missing ones are not an error.
   */
  async removeLinks(names: readonly string[]): Promise<void> {
    const [first, ...others] = names
    if (first === undefined) return
    const target = others.length === 0 ? attribute(ifla.name, text(first)) : attribute(ifla.group, uint32(this.#gather(names)))
    const request = { step: `remove ${names.join(', ')}`, type: types.deleteLink, flags: 0, parts: [linkInfo({}), target] }
    try {
      await this.#socket.requestInBackground(request)
    } catch (error) {
      if (errnoOf(error) !== 'ENODEV') throw error
    }
  }

  /** Put links into a group that nobody else has. */
  #gather(names: readonly string[]): number {
    const group = randomInt(0x1000_0000, 0x7fff_ffff)
    const requests = names.map(name => ({
      step: `regroup ${name}`,
      type: types.newLink,
      flags: 0,
      parts: [linkInfo({}), attribute(ifla.name, text(name)), attribute(ifla.group, uint32(group))]
    }))
    try {
      this.#socket.request(requests)
    } catch (error) {
      if (errnoOf(error) !== 'ENODEV') throw error
    }
    return group
  }

  /** Bring links up, give addresses, set the default route: one datagram. */
  configure(changes: { readonly up?: readonly number[]; readonly address?: InterfaceAddress; readonly gateway?: string }): void {
    const requests: NetlinkRequest[] = (changes.up ?? []).map(index => ({
      step: `bring link ${index} up`,
      type: types.newLink,
      flags: 0,
      parts: [linkInfo({ index, up: true })]
    }))
    if (changes.address !== undefined) requests.push(addAddress(changes.address))
    if (changes.gateway !== undefined) requests.push(addDefaultRoute(changes.gateway))
    this.#socket.request(requests)
  }

  /** Take the default routes of the main table away, however many. */
  removeDefaultRoutes(): void {
    const info = new Uint8Array(routeInfoBytes)
    info.set([familyInet, 0, 0, 0, routeTableMain])
    for (;;) {
      try {
        this.#socket.request([{ step: 'remove default route', type: types.deleteRoute, flags: 0, parts: [info] }])
      } catch (error) {
        if (errnoOf(error) === 'ESRCH') return
        throw error
      }
    }
  }

  close(): void {
    this.#socket.close()
  }
}

function addAddress({ linkIndex, address, prefixLength }: InterfaceAddress): NetlinkRequest {
  const info = new Uint8Array(addressInfoBytes)
  info[0] = familyInet
  info[1] = prefixLength
  viewOf(info).setUint32(4, linkIndex, littleEndian)
  const value = addressNumber(address)
  return {
    step: `add address ${address}/${prefixLength}`,
    type: types.newAddress,
    flags: messageFlags.create | messageFlags.exclusive,
    parts: [
      info,
      attribute(ifa.local, ipv4Bytes(value)),
      attribute(ifa.address, ipv4Bytes(value)),
      attribute(ifa.broadcast, ipv4Bytes(lastAddress(subnetOf(value, prefixLength))))
    ]
  }
}

function addDefaultRoute(gateway: string): NetlinkRequest {
  const info = new Uint8Array(routeInfoBytes)
  info.set([familyInet, 0, 0, 0, routeTableMain, routeProtocolBoot, 0, routeTypeUnicast])
  return {
    step: `add default route by ${gateway}`,
    type: types.newRoute,
    flags: messageFlags.create | messageFlags.exclusive,
    parts: [info, attribute(rta.gateway, ipv4Bytes(addressNumber(gateway)))]
  }
}

/** struct ifinfomsg: family(1) pad(1) type(2) index(4) flags(4) mask of flags(4). */
function linkInfo(link: { readonly index?: number; readonly up?: boolean }): Uint8Array {
  const bytes = new Uint8Array(linkInfoBytes)
  const view = viewOf(bytes)
  view.setInt32(4, link.index ?? 0, littleEndian)
  if (link.up === true) {
    view.setUint32(8, flagUp, littleEndian)
    view.setUint32(12, flagUp, littleEndian)
  }
  return bytes
}

function decodeLink({ payload }: Message): Link {
  const attributes = decodeAttributes(payload.subarray(linkInfoBytes))
  const master = readUint32(attributes.get(ifla.master))
  const info = attributes.get(ifla.linkInfo)
  const kind = info === undefined ? undefined : readText(decodeAttributes(info).get(ifla.kind))
  return {
    index: viewOf(payload).getInt32(4, littleEndian),
    name: readText(attributes.get(ifla.name)) ?? '',
    up: ((readUint32(payload, 8) ?? 0) & flagUp) !== 0,
    mtu: readUint32(attributes.get(ifla.mtu)) ?? 0,
    ...(master === undefined ? {} : { master }),
    ...(kind === undefined ? {} : { kind })
  }
}

/** struct ifaddrmsg: family(1) prefix length(1) flags(1) scope(1) index(4). */
function decodeAddress({ payload }: Message): InterfaceAddress {
  const attributes = decodeAttributes(payload.subarray(addressInfoBytes))
  return {
    linkIndex: readUint32(payload, 4) ?? 0,
    address: formatIpv4(readAddress(attributes, ifa.local) ?? readAddress(attributes, ifa.address) ?? 0),
    prefixLength: payload[1] ?? 32
  }
}

/** struct rtmsg: family(1) destination length(1) source length(1) tos(1) table(1) protocol(1) scope(1) type(1) flags(4). */
function decodeRoute({ payload }: Message): Route {
  const attributes = decodeAttributes(payload.subarray(routeInfoBytes))
  const prefixLength = payload[1] ?? 0
  const linkIndex = readUint32(attributes.get(rta.outInterface))
  return {
    ...(prefixLength === 0 ? {} : { destination: subnetOf(readAddress(attributes, rta.destination) ?? 0, prefixLength) }),
    ...(linkIndex === undefined ? {} : { linkIndex })
  }
}

function readAddress(attributes: Attributes, type: number): number | undefined {
  const bytes = attributes.get(type)
  return bytes === undefined || bytes.byteLength !== 4 ? undefined : viewOf(bytes).getUint32(0)
}

function addressNumber(address: string): number {
  const value = parseIpv4(address)
  if (value === undefined) throw new EngineError('invalid_argument', `not an IPv4 address: '${address}'`)
  return value
}

function macBytes(address: string): Uint8Array {
  const bytes = address.split(':').map(part => (/^[0-9a-fA-F]{2}$/.test(part) ? Number.parseInt(part, 16) : Number.NaN))
  if (bytes.length !== 6 || bytes.some(Number.isNaN)) {
    throw new EngineError('invalid_argument', `not a MAC address: '${address}' (expected six hexadecimal pairs, as in 02:42:ac:11:00:02)`)
  }
  return new Uint8Array(bytes)
}
