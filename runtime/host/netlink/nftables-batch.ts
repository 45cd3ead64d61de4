import type { Kernel } from '../kernel.js'
import { viewOf } from './message.js'
import { type NetlinkRequest, NetlinkSocket } from './netlink-socket.js'

const netlinkNetfilter = 12
/** linux/netfilter/nfnetlink.h: the subsystem is the upper byte of a type; a batch names it in its frame, in network byte order. */
const subsystem = 10
const frameTypes = { begin: 16, end: 17 } as const

/** linux/netfilter/nf_tables.h, with the subsystem in the upper byte. */
export const nftablesTypes = {
  newTable: 0x0a00,
  deleteTable: 0x0a02,
  newChain: 0x0a03,
  newRule: 0x0a06,
  newElement: 0x0a0c,
  deleteElement: 0x0a0e
} as const

/** Address family of tables for IPv4. */
export const familyIpv4 = 2

/** struct nfgenmsg of an IPv4 table's messages. */
export const ipv4Header = generalHeader(familyIpv4, 0)

/**
 * Change nftables in the calling thread's network namespace: all of it or nothing.
 *
 * @throws SystemCallError of the first request that was refused
 */
export function changeNftables(kernel: Kernel, requests: readonly NetlinkRequest[]): void {
  const socket = new NetlinkSocket(kernel, netlinkNetfilter)
  const frame = (type: number) => ({ step: 'batch', type, flags: 0, parts: [generalHeader(0, subsystem)] })
  try {
    socket.requestBatch(requests, { begin: frame(frameTypes.begin), end: frame(frameTypes.end) })
  } finally {
    socket.close()
  }
}

/** struct nfgenmsg: family(1) version(1) resource(2, network byte order). */
function generalHeader(family: number, resource: number): Uint8Array {
  const bytes = new Uint8Array(4)
  bytes[0] = family
  viewOf(bytes).setUint16(2, resource)
  return bytes
}

/** nftables has its numbers in network byte order. */
export function bigEndian32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  viewOf(bytes).setUint32(0, value)
  return bytes
}

/** As {@link bigEndian32}, for ports. */
export function bigEndian16(value: number): Uint8Array {
  const bytes = new Uint8Array(2)
  viewOf(bytes).setUint16(0, value)
  return bytes
}
