import { EngineError } from '../../src/errors/engine-error.js'
import { formatSubnet, parseSubnet } from '../host/netlink/ipv4.js'
import type { StoredNetwork } from './network-record.js'
import { checkPools, isHostAddress, type SubnetPool } from './subnet-pools.js'

/** What is set for the networks of an engine as a whole. */
export interface NetworkDefaults {
  /** Where subnets come from that nobody chose. @default Docker's pools */
  readonly pools?: readonly SubnetPool[]
  /** The default network's bridge, and with it its subnet: `10.20.0.1/24`. @default the first free subnet */
  readonly bridgeAddress?: string
  /** Longest packet on the default network, in bytes. @default 1500 */
  readonly mtu?: number
  /** Whether ports are published on IPv6 too, where containers have no addresses. @default true */
  readonly userlandProxy?: boolean
}

const mtuOption = 'com.docker.network.driver.mtu'

/** The kernel's limits for IPv4. */
const mtuLimits = { least: 68, most: 65_535 } as const

/** @throws EngineError `invalid_argument` */
export function checkDefaults({ pools = [], bridgeAddress, mtu }: NetworkDefaults): void {
  checkPools(pools)
  if (bridgeAddress !== undefined) bridgeAddresses(bridgeAddress)
  if (mtu !== undefined && (mtu < mtuLimits.least || mtu > mtuLimits.most)) {
    throw new EngineError('invalid_argument', `mtu ${mtu}: expected ${mtuLimits.least} to ${mtuLimits.most}`)
  }
}

/** The default network with what is set for it; what is not set stays as it is. */
export function withDefaults(network: StoredNetwork, { bridgeAddress, mtu }: NetworkDefaults): StoredNetwork {
  const addresses = bridgeAddress === undefined ? undefined : bridgeAddresses(bridgeAddress)
  return {
    ...network,
    ...(addresses && { ...addresses, pool: addresses }),
    ...(mtu !== undefined && { options: { ...network.options, [mtuOption]: String(mtu) } })
  }
}

function bridgeAddresses(text: string): { readonly subnet: string; readonly gateway: string } {
  const [gateway = ''] = text.split('/')
  const parsed = parseSubnet(text)
  const subnet = parsed === undefined ? '' : formatSubnet(parsed)
  if (parsed === undefined || parsed.prefixLength > 30 || !isHostAddress(subnet, gateway)) {
    throw new EngineError(
      'invalid_argument',
      `bip ${text}: expected the bridge's address and the length of its network, as in 10.20.0.1/24`
    )
  }
  return { subnet, gateway }
}
