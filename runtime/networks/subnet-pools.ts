import { EngineError } from '../../src/errors/engine-error.js'
import { formatIpv4, formatSubnet, lastAddress, overlaps, parseIpv4, parseSubnet, type Subnet } from '../host/netlink/ipv4.js'

/** Docker's default address pools (libnetwork, `ipamutils`): 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/16 in pieces of /20. */
export function* defaultPools(): Generator<Subnet> {
  const size16 = 2 ** 16
  const size20 = 2 ** 12
  for (let index = 17; index <= 31; index += 1) yield { first: (172 * 256 + index) * size16, prefixLength: 16 }
  for (let index = 0; index < 16; index += 1) yield { first: (192 * 256 + 168) * size16 + index * size20, prefixLength: 20 }
}

/** A range of addresses that networks get their subnets of, and how large those are: `{ base: '10.0.0.0/8', size: 24 }`. */
export interface SubnetPool {
  readonly base: string
  /** Length of a subnet's prefix, in bits. */
  readonly size: number
}

/** The subnets of pools, in order. */
export function* subnetsOf(pools: readonly SubnetPool[]): Generator<Subnet> {
  for (const { base, size } of pools) {
    const whole = required(base)
    for (let first = whole.first; first <= lastAddress(whole); first += 2 ** (32 - size)) yield { first, prefixLength: size }
  }
}

/**
 * The first subnet that nothing on this host uses.
 *
 * @param taken subnets of the host's addresses and routes
 * @param pools where to take it from @default Docker's
 * @throws EngineError `resource_exhausted`
 */
export function chooseSubnet(taken: readonly string[], pools: readonly SubnetPool[] = []): string {
  for (const pool of pools.length > 0 ? subnetsOf(pools) : defaultPools()) if (!overlapsAny(pool, taken)) return formatSubnet(pool)
  const all = pools.length > 0 ? pools.map(({ base }) => base).join(', ') : '172.17.0.0/16 to 172.31.0.0/16 and 192.168.0.0/16'
  throw new EngineError(
    'resource_exhausted',
    `could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network: every one of ${all} overlaps with an address or a route of this host (see \`ip route\`)`
  )
}

/** Check pools. @throws EngineError `invalid_argument` in Docker's words */
export function checkPools(pools: readonly SubnetPool[]): void {
  for (const { base, size } of pools) {
    const whole = parseSubnet(base)
    if (whole === undefined)
      throw new EngineError('invalid_argument', `invalid base pool ${JSON.stringify(base)}: invalid CIDR address: ${base}`)
    if (size < whole.prefixLength || size > 30) {
      throw new EngineError(
        'invalid_argument',
        `in default address pool, base ${base}: the size ${size} is not between ${whole.prefixLength} and 30`
      )
    }
  }
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

/** Where a network's containers get their addresses. */
export interface AddressRange {
  readonly subnet: string
  /** @default the whole subnet */
  readonly range?: string
  /** Addresses that are not for containers: the gateway, and those set aside. */
  readonly reserved: readonly string[]
}

/**
 * Addresses for containers, each once, beginning after `last`: an address that was given back comes last.
 *
 * @param last the one handed out last, undefined when none was
 */
export function* addressesAfter({ subnet, range = subnet, reserved }: AddressRange, last: number | undefined): Generator<number> {
  const whole = required(subnet)
  const part = required(range)
  const taken = new Set(reserved.map(address => parseIpv4(address)))
  // Not the network's own address, and not the broadcast address.
  const first = Math.max(part.first, whole.first + 1)
  const end = Math.min(lastAddress(part), lastAddress(whole) - 1)
  const count = end - first + 1
  const start = last === undefined || last < first || last >= end ? first : last + 1
  for (let step = 0; step < count; step += 1) {
    const address = first + ((start - first + step) % count)
    if (!taken.has(address)) yield address
  }
}

/** Whether an address is one that a host of the subnet can have. */
export function isHostAddress(subnet: string, address: string): boolean {
  const whole = required(subnet)
  const value = parseIpv4(address)
  return value !== undefined && value > whole.first && value < lastAddress(whole)
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
