import { EngineError } from '../../src/errors/engine-error.js'
import { formatSubnet, lastAddress, parseSubnet, type Subnet } from '../host/netlink/ipv4.js'
import type { AddressPool } from './network-record.js'
import { isHostAddress } from './subnet-pools.js'

/** A smaller subnet has no room for the bridge and a container. */
const longestPrefix = 30

/**
 * Check what a caller says of a network's addresses. The subnet comes back in its plain form, host bits zero.
 *
 * @throws EngineError `failed` in Docker's words
 */
export function checkPool(pool: AddressPool): AddressPool {
  const { subnet, range, gateway, auxiliary = {} } = pool
  if (subnet === undefined) {
    if (range === undefined && gateway === undefined && Object.keys(auxiliary).length === 0) return {}
    throw invalid(`Invalid subnet  : invalid CIDR address: `, { range, gateway })
  }
  const whole = parseSubnet(subnet)
  if (whole === undefined) throw invalid(`Invalid subnet ${subnet} : invalid CIDR address: ${subnet}`, { subnet })
  if (whole.prefixLength > longestPrefix) {
    throw invalid(`Invalid subnet ${subnet}: it has no room for a gateway and a container (expected /${longestPrefix} or larger)`, {
      subnet
    })
  }
  if (range !== undefined) checkRange(whole, subnet, range)
  if (gateway !== undefined && !isHostAddress(subnet, gateway)) {
    throw invalid(`failed to allocate gateway (${gateway}): Requested address is out of range`, { subnet, gateway })
  }
  for (const [name, address] of Object.entries(auxiliary)) {
    if (isHostAddress(subnet, address)) continue
    throw invalid(`failed to allocate secondary ip address (${name}:${address}): Requested address is out of range`, { subnet, address })
  }
  return { ...pool, subnet: formatSubnet(whole) }
}

function checkRange(whole: Subnet, subnet: string, range: string): void {
  const part = parseSubnet(range)
  if (part === undefined) throw invalid(`Invalid sub pool ${range}: invalid CIDR address: ${range}`, { range })
  if (part.first >= whole.first && lastAddress(part) <= lastAddress(whole)) return
  throw invalid(`invalid ip-range ${range}: it is not within the subnet ${subnet}`, { subnet, range })
}

function invalid(message: string, details: Readonly<Record<string, unknown>>): EngineError {
  return new EngineError('failed', message, { details })
}
