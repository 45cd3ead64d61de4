import { EngineError } from '../../src/errors/engine-error.js'
import { formatIpv4, formatSubnet, lastAddress, overlaps, parseSubnet, type Subnet } from '../host/netlink/ipv4.js'

/** Docker's default address pools (libnetwork, `ipamutils`): 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/16 in pieces of /20. */
export function* defaultPools(): Generator<Subnet> {
  const size16 = 2 ** 16
  const size20 = 2 ** 12
  for (let index = 17; index <= 31; index += 1) yield { first: (172 * 256 + index) * size16, prefixLength: 16 }
  for (let index = 0; index < 16; index += 1) yield { first: (192 * 256 + 168) * size16 + index * size20, prefixLength: 20 }
}

/**
 * The first pool that nothing on this host uses.
 *
 * @param taken subnets of the host's addresses and routes
 * @throws EngineError `resource_exhausted`
 */
export function chooseSubnet(taken: readonly string[]): string {
  for (const pool of defaultPools()) if (!overlapsAny(pool, taken)) return formatSubnet(pool)
  throw new EngineError(
    'resource_exhausted',
    'no address range is left for a bridge: every one of 172.17.0.0/16 to 172.31.0.0/16 and 192.168.0.0/16 overlaps with an address or a route of this host (see `ip route`)'
  )
}

/** The first of `taken` that shares addresses with the subnet. */
export function findOverlap(subnet: string, taken: readonly string[]): string | undefined {
  const own = parseSubnet(subnet)
  return own === undefined ? undefined : taken.find(other => overlapsAny(own, [other]))
}

/** The first address of a subnet that a host can have: the bridge's. */
export function gatewayOf(subnet: string): string {
  return formatIpv4(required(subnet).first + 1)
}

/**
 * Addresses for containers, each once, beginning after `last`: an address that was given back comes last.
 *
 * @param last the one handed out last, undefined when none was
 */
export function* addressesAfter(subnet: string, last: number | undefined): Generator<number> {
  const range = required(subnet)
  // Not the network's own, the gateway's, and the broadcast address.
  const first = range.first + 2
  const end = lastAddress(range)
  const count = end - first
  const start = last === undefined || last < first || last >= end ? first : last + 1
  for (let step = 0; step < count; step += 1) yield first + ((start - first + step) % count)
}

/** Docker's scheme: `02:42:` and the address, so that an address that is used again keeps its neighbours' caches right. */
export function macAddressOf(address: number): string {
  return `02:42:${address
    .toString(16)
    .padStart(8, '0')
    .replace(/(..)(?=.)/g, '$1:')}`
}

function overlapsAny(subnet: Subnet, taken: readonly string[]): boolean {
  return taken.some(text => {
    const other = parseSubnet(text)
    return other !== undefined && overlaps(subnet, other)
  })
}

function required(subnet: string): Subnet {
  const parsed = parseSubnet(subnet)
  if (parsed === undefined) throw new EngineError('invalid_argument', `not an IPv4 subnet: '${subnet}' (expected the form 172.17.0.0/16)`)
  return parsed
}
