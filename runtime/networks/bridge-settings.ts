import { EngineError } from '../../src/errors/engine-error.js'
import { parseIpv4 } from '../host/netlink/ipv4.js'

/** What the options of a bridge network mean. */
export interface BridgeSettings {
  /** The interface's name, where the caller chose it. */
  readonly bridge?: string
  /** Containers of the network reach each other. @default true */
  readonly communication: boolean
  /** What leaves the host has the host's address. @default true */
  readonly masquerade: boolean
  /** Where ports are published when a container does not say. @default 0.0.0.0 */
  readonly hostAddress: string
  readonly mtu?: number
}

const prefix = 'com.docker.network.bridge.'
const mtuOptions = ['com.docker.network.driver.mtu', 'com.docker.network.mtu']
const nameLimit = 15

/** Docker's marks that mean the default here, so that options copied from another network work. */
const withoutEffect: ReadonlySet<string> = new Set(['com.docker.network.bridge.default_bridge'])

/** The options of Docker's default network, as `inspect` shows them. */
export function defaultBridgeOptions(bridge: string): Readonly<Record<string, string>> {
  return {
    'com.docker.network.bridge.default_bridge': 'true',
    'com.docker.network.bridge.enable_icc': 'true',
    'com.docker.network.bridge.enable_ip_masquerade': 'true',
    'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
    'com.docker.network.bridge.name': bridge,
    'com.docker.network.driver.mtu': '1500'
  }
}

/**
 * Read the options of a bridge network.
 *
 * @throws EngineError `failed` for a value that is none (as Docker answers), `not_implemented` for an option that is not built
 */
export function bridgeSettings(options: Readonly<Record<string, string>>): BridgeSettings {
  let settings: BridgeSettings = { communication: true, masquerade: true, hostAddress: '0.0.0.0' }
  for (const [key, value] of Object.entries(options)) {
    if (key === `${prefix}name`) settings = { ...settings, ...(value !== '' && { bridge: interfaceName(value) }) }
    else if (key === `${prefix}enable_icc`) settings = { ...settings, communication: truth(key, value) }
    else if (key === `${prefix}enable_ip_masquerade`) settings = { ...settings, masquerade: truth(key, value) }
    else if (key === `${prefix}host_binding_ipv4`) settings = { ...settings, hostAddress: address(key, value) }
    else if (mtuOptions.includes(key)) settings = { ...settings, ...(value !== '' && { mtu: size(key, value) }) }
    else if (!withoutEffect.has(key) && key.startsWith('com.docker.network.')) {
      throw new EngineError('not_implemented', `the network option ${key}=${value} is not built yet in the in-process runtime`, {
        details: { option: key, value }
      })
    }
  }
  return settings
}

function truth(key: string, value: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false
  throw invalid(key, value, `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`)
}

function size(key: string, value: string): number {
  const mtu = Number(value)
  if (!/^\d+$/.test(value)) throw invalid(key, value, `strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`)
  if (mtu !== 0 && (mtu < 68 || mtu > 65535)) throw invalid(key, value, 'expected 68 to 65535')
  return mtu === 0 ? 1500 : mtu
}

function address(key: string, value: string): string {
  if (parseIpv4(value) === undefined) throw invalid(key, value, 'it is no IPv4 address')
  return value
}

function interfaceName(value: string): string {
  if (value.length <= nameLimit && /^[\w.-]+$/.test(value) && value !== '.' && value !== '..') return value
  throw invalid(`${prefix}name`, value, `expected at most ${nameLimit} letters, digits, dots and dashes`)
}

function invalid(key: string, value: string, why: string): EngineError {
  return new EngineError('failed', `failed to parse ${key} value: ${value} (${why})`, { details: { option: key, value } })
}
