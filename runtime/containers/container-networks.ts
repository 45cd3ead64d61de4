import type { EndpointSettings, HostConfig, NetworkingConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { predefinedNetworks } from '../networks/network-catalog.js'
import type { EndpointRequest } from '../networks/network-manager.js'
import type { NetworkRecord } from '../networks/network-record.js'
import type { ContainerNetworks, ContainerRecord } from './container-record.js'

const shortIdLength = 12

/** The network that `HostConfig.NetworkMode` names; undefined where it names none (`container:<id>`). */
export function networkOfMode(hostConfig: HostConfig): string | undefined {
  const mode = hostConfig.NetworkMode || 'default'
  if (mode.startsWith('container:')) return undefined
  return mode === 'default' ? 'bridge' : mode
}

/** Whether containers find each other by name there. */
export function isUserDefined(network: Pick<NetworkRecord, 'name'>): boolean {
  return !predefinedNetworks.includes(network.name)
}

/**
 * The networks of a new container: that of its mode, and those it is to join besides.
 *
 * @throws EngineError `invalid_argument` in Docker's words for what does not go together
 */
export function plannedNetworks(hostConfig: HostConfig, networking: NetworkingConfig | undefined): ContainerNetworks {
  const asked = Object.entries(networking?.EndpointsConfig ?? {}).map(
    ([name, settings]) => [name === 'default' ? 'bridge' : name, requested(settings)] as const
  )
  const own = networkOfMode(hostConfig)
  if (own === undefined || own === 'host' || own === 'none') {
    const other = asked.find(([name]) => name !== own)
    if (other !== undefined) {
      throw new EngineError('invalid_argument', 'conflicting options: cannot attach both user-defined and non-user-defined network-modes', {
        details: { mode: hostConfig.NetworkMode, network: other[0] }
      })
    }
  }
  for (const [name, settings] of asked) refuseSettings({ name }, settings)
  if (own === undefined) return {}
  const given = Object.fromEntries(asked)
  return { [own]: given[own] ?? {}, ...given }
}

/** What is asked for, without what the engine says in answers: a caller may hand back what `inspect` gave him. */
function requested(settings: EndpointSettings | null | undefined): EndpointSettings {
  const { IPAMConfig, Aliases, MacAddress, DriverOpts, GwPriority, Links } = settings ?? {}
  if (Links !== undefined && Links !== null && Links.length > 0) throw notBuilt('Links', Links)
  if (DriverOpts && Object.keys(DriverOpts).length > 0) throw notBuilt('DriverOpts', DriverOpts)
  if (IPAMConfig?.IPv6Address) throw notBuilt('IPAMConfig.IPv6Address', IPAMConfig.IPv6Address)
  if (IPAMConfig?.LinkLocalIPs && IPAMConfig.LinkLocalIPs.length > 0) throw notBuilt('IPAMConfig.LinkLocalIPs', IPAMConfig.LinkLocalIPs)
  return {
    ...(IPAMConfig?.IPv4Address && { IPAMConfig: { IPv4Address: IPAMConfig.IPv4Address } }),
    ...(Aliases && Aliases.length > 0 && { Aliases }),
    ...(MacAddress && { MacAddress }),
    ...(GwPriority && { GwPriority })
  }
}

/**
 * Refuse what a network cannot give.
 *
 * @throws EngineError `invalid_argument` in Docker's words
 */
export function refuseSettings(
  network: Pick<NetworkRecord, 'name'> & Partial<Pick<NetworkRecord, 'pool'>>,
  settings: EndpointSettings
): void {
  const details = { network: network.name }
  const address = settings.IPAMConfig?.IPv4Address
  if (!isUserDefined(network)) {
    if (settings.Aliases && settings.Aliases.length > 0) {
      throw new EngineError('invalid_argument', 'network-scoped alias is supported only for containers in user defined networks', {
        details
      })
    }
    if (address)
      throw new EngineError('invalid_argument', 'user specified IP address is supported on user defined networks only', { details })
  }
  if (address && network.pool !== undefined && network.pool.subnet === undefined) {
    throw new EngineError(
      'invalid_argument',
      'user specified IP address is supported only when connecting to networks with user configured subnets',
      { details }
    )
  }
}

/** Read what a caller asks of a network. @throws EngineError as {@link refuseSettings}, `not_implemented` */
export function endpointSettings(network: NetworkRecord, settings: EndpointSettings | null | undefined): EndpointSettings {
  const asked = requested(settings)
  refuseSettings(network, asked)
  return asked
}

/** The request for a container's place in a network. */
export function endpointRequest(record: ContainerRecord, network: NetworkRecord, settings: EndpointSettings): EndpointRequest {
  const isOwn = names(networkOfMode(record.hostConfig) ?? '', network)
  const macAddress = settings.MacAddress || (isOwn ? record.config.MacAddress : undefined)
  return {
    networkId: network.id,
    names: isUserDefined(network) ? namesOf(record, settings) : [],
    ...(settings.IPAMConfig?.IPv4Address && { address: settings.IPAMConfig.IPv4Address }),
    ...(macAddress && { macAddress }),
    ...(settings.GwPriority && { priority: settings.GwPriority })
  }
}

/** Whether a caller's word for a network means this one: its name, its id, or enough of its beginning. */
export function names(word: string, { id, name }: Pick<NetworkRecord, 'id' | 'name'>): boolean {
  return word === name || word === id || (word.length >= shortIdLength && id.startsWith(word))
}

/** By which the containers of a user-defined network find it: its name, what it is called there, its short id, its host name. */
export function namesOf(record: Pick<ContainerRecord, 'id' | 'name' | 'config'>, settings: EndpointSettings): readonly string[] {
  return [...new Set([record.name, ...aliasesOf(record, settings)])]
}

/** Docker's `Aliases`, the short id and the host name among them. */
export function aliasesOf(record: Pick<ContainerRecord, 'id' | 'config'>, settings: EndpointSettings): readonly string[] {
  const hostname = record.config.Hostname
  return [...new Set([...(settings.Aliases ?? []), record.id.slice(0, 12), ...(hostname ? [hostname] : [])])]
}

function notBuilt(field: string, value: unknown): EngineError {
  return new EngineError(
    'not_implemented',
    `EndpointsConfig.${field}: ${JSON.stringify(value)} is not built yet in the in-process runtime`,
    {
      details: { field: `EndpointsConfig.${field}`, value }
    }
  )
}
