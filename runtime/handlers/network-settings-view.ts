import type { EndpointSettings, NetworkSettings, PortBinding, PortSummary } from '../../src/api/index.js'
import { aliasesOf, names, namesOf, networkOfMode } from '../containers/container-networks.js'
import { exposedPorts, parsePort } from '../containers/container-ports.js'
import { type ContainerRecord, zeroTime } from '../containers/container-record.js'
import { predefinedNetworks } from '../networks/network-catalog.js'
import type { Endpoint } from '../networks/network-record.js'

/** `NetworkSettings` of `inspect`. What Docker says of one network only, it says of the default one. */
export function networkSettings(record: ContainerRecord): NetworkSettings {
  const { state } = record
  const networks = endpointViews(record)
  const { bridge } = networks
  return {
    Bridge: '',
    SandboxID: state.sandboxId ?? '',
    SandboxKey: state.pid > 0 ? `/proc/${state.pid}/ns/net` : '',
    Ports: isRunning(record) ? portMap(record) : {},
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: bridge?.EndpointID ?? '',
    Gateway: bridge?.Gateway ?? '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    IPAddress: bridge?.IPAddress ?? '',
    IPPrefixLen: bridge?.IPPrefixLen ?? 0,
    IPv6Gateway: '',
    MacAddress: bridge?.MacAddress ?? '',
    Networks: networks
  }
}

/** A container's places in networks by network name, as `inspect` and lists show them. */
export function endpointViews(record: ContainerRecord): Readonly<Record<string, EndpointSettings>> {
  const mode = networkOfMode(record.hostConfig)
  if (mode === undefined) return {}
  const asked = Object.entries(record.networks ?? { [mode]: {} })
  const endpoints = record.state.endpoints ?? []
  const shown = endpoints.map(endpoint => [endpoint.networkName, settingsOf(endpoint, asked)] as const)
  // A network may be named by its id: then it is known by its name once the container is in it.
  const absent = asked.filter(([name]) => !endpoints.some(endpoint => isMeant(name, endpoint)))
  return Object.fromEntries(
    [
      ...absent.map(([name, settings]) => [name, view(record, name, settings, undefined)] as const),
      ...shown.map(([name, { endpoint, settings }]) => [name, view(record, name, settings, endpoint)] as const)
    ].sort(([a], [b]) => (a < b ? -1 : 1))
  )
}

function settingsOf(endpoint: Endpoint, asked: readonly (readonly [string, EndpointSettings])[]) {
  return { endpoint, settings: asked.find(([name]) => isMeant(name, endpoint))?.[1] ?? {} }
}

function isMeant(word: string, { networkName, networkId }: Endpoint): boolean {
  return names(word, { name: networkName, id: networkId })
}

function view(record: ContainerRecord, name: string, settings: EndpointSettings, endpoint: Endpoint | undefined): EndpointSettings {
  const isUserDefined = !predefinedNetworks.includes(name)
  const known = endpoint !== undefined || record.state.startedAt !== zeroTime
  return {
    IPAMConfig: settings.IPAMConfig ?? null,
    Links: null,
    Aliases: isUserDefined && known ? aliasesOf(record, settings) : (settings.Aliases ?? null),
    MacAddress: endpoint?.macAddress ?? settings.MacAddress ?? '',
    DriverOpts: null,
    GwPriority: settings.GwPriority ?? 0,
    NetworkID: endpoint?.networkId ?? record.state.networkIds?.[name] ?? '',
    EndpointID: endpoint?.endpointId ?? '',
    Gateway: endpoint?.gateway ?? '',
    IPAddress: endpoint?.address ?? '',
    IPPrefixLen: endpoint?.prefixLength ?? 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    DNSNames: isUserDefined && known ? namesOf(record, settings) : null
  }
}

function isRunning({ state }: ContainerRecord): boolean {
  return state.pid > 0
}

/** By container port; null where it is exposed only. */
function portMap(record: ContainerRecord): Readonly<Record<string, readonly PortBinding[] | null>> {
  const map: Record<string, readonly PortBinding[] | null> = {}
  if (hasNoPorts(record)) return map
  for (const key of exposedPorts(record.config, record.hostConfig)) {
    const { port, protocol } = parsePort(key)
    const bindings = (record.state.ports ?? [])
      .filter(published => published.containerPort === port && published.protocol === protocol)
      .map(({ hostAddress, hostPort }): PortBinding => ({ HostIp: hostAddress, HostPort: String(hostPort) }))
    map[key] = bindings.length > 0 ? bindings : null
  }
  return map
}

/** Docker says nothing of ports where nothing can be published. */
function hasNoPorts({ state }: ContainerRecord): boolean {
  return !(state.endpoints ?? []).some(({ address, internal }) => address !== '' && !internal)
}

/** `Ports` of a row of `GET /containers/json`. */
export function portSummaries(record: ContainerRecord): readonly PortSummary[] {
  if (!isRunning(record)) return []
  return Object.entries(portMap(record)).flatMap(([key, bindings]) => {
    const { port: PrivatePort, protocol: Type } = parsePort(key)
    if (bindings === null) return [{ PrivatePort, Type }]
    return bindings.map(({ HostIp, HostPort }) => ({
      ...(HostIp !== undefined && { IP: HostIp }),
      PrivatePort,
      PublicPort: Number(HostPort),
      Type
    }))
  })
}
