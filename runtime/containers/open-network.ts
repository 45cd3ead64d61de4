import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { EndpointSettings } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { Unwind } from '../../src/util/unwind.js'
import type { NameServiceRequest } from '../networks/names/name-service.js'
import type { Sandbox } from '../networks/network-manager.js'
import type { Endpoint, NetworkRecord, PublishedPort } from '../networks/network-record.js'
import { wayOut } from '../networks/way-out.js'
import type { ContainerContext } from './container-context.js'
import type { NetworkFacts } from './container-files.js'
import { endpointRequest, isUserDefined, networkOfMode, refuseSettings } from './container-networks.js'
import { portRequests } from './container-ports.js'
import type { ContainerNetworks, ContainerRecord, ContainerState } from './container-record.js'

/** A container's place on its networks for one run. */
export interface OpenNetwork {
  readonly sandbox?: Sandbox
  /** For the OCI runtime; undefined is the host's own namespace. */
  readonly namespacePath: string | undefined
  /** Where the mode decides it. */
  readonly hostname?: string
  /** Its own addresses, for /etc/hosts. */
  readonly addresses: readonly string[]
  /** A container whose files it shares, with its network. */
  readonly filesOf?: string
  /** The engine answers its questions about names. */
  readonly servesNames?: boolean
  /** It shares the host's names too. */
  readonly isHost?: boolean
  /** What the record of the run says of it. */
  readonly state: Pick<ContainerState, 'endpoints' | 'ports' | 'sandboxId'>
}

/** Make or find the network namespace that `HostConfig.NetworkMode` asks for, and publish the container's ports. */
export async function openNetwork(
  context: ContainerContext,
  record: ContainerRecord,
  { unwind, signal, prepared }: { readonly unwind: Unwind; readonly signal: AbortSignal; readonly prepared?: Sandbox }
): Promise<OpenNetwork> {
  const { networks } = context
  const mode = networkOfMode(record.hostConfig)
  if (mode === undefined) return shareNetwork(context, (record.hostConfig.NetworkMode ?? '').slice('container:'.length))
  const sandboxId = randomBytes(32).toString('hex')
  if (mode === 'host') {
    const endpoints = [unplugged(await networks.get('host'))]
    return {
      namespacePath: undefined,
      hostname: record.config.Hostname || hostname(),
      isHost: true,
      addresses: [],
      state: { endpoints, sandboxId }
    }
  }
  const wanted = await findNetworks(context, record, mode)
  const plugged = wanted.filter(({ network }) => network.driver === 'bridge')
  const sandbox =
    prepared ??
    (await networks.connect(
      {
        containerId: record.id,
        containerName: record.name,
        endpoints: plugged.map(({ network, settings }) => endpointRequest(record, network, settings))
      },
      { signal }
    ))
  const { endpoints } = sandbox
  unwind.add(async () => {
    sandbox.release()
    await networks.disconnect(record.id, endpoints)
  })
  const servesNames = wanted.some(({ network }) => isUserDefined(network))
  const [ports] = await Promise.all([
    publishPorts(context, record, endpoints),
    servesNames ? networks.serveNames(nameServiceRequest(record, sandbox.namespacePath)) : undefined
  ])
  const others = wanted.filter(({ network }) => network.driver !== 'bridge').map(({ network }) => unplugged(network))
  return {
    sandbox,
    namespacePath: sandbox.namespacePath,
    servesNames,
    addresses: endpoints.map(({ address }) => address),
    state: { endpoints: [...endpoints, ...others], sandboxId, ...(ports.length > 0 && { ports }) }
  }
}

/** Publish what the container asks for by its way out. Without one nothing is published, as in Docker. */
export async function publishPorts(
  context: ContainerContext,
  record: ContainerRecord,
  endpoints: readonly Endpoint[]
): Promise<readonly PublishedPort[]> {
  const ports = portRequests(record.config, record.hostConfig)
  const endpoint = wayOut(endpoints)
  if (ports.length === 0 || endpoint === undefined) return []
  return context.networks.publish({ containerId: record.id, containerName: record.name, endpoint, ports })
}

/** What a container's name server is told of it. */
export function nameServiceRequest({ id, hostConfig }: ContainerRecord, namespacePath: string): NameServiceRequest {
  return {
    containerId: id,
    namespacePath,
    servers: hostConfig.Dns ?? [],
    keepsWords: (hostConfig.DnsOptions ?? []).some(option => /^ndots:[1-9]/.test(option))
  }
}

/** What the container's files say of its network. */
export function networkFacts(record: ContainerRecord, network: OpenNetwork): NetworkFacts {
  const { config, hostConfig } = record
  return {
    hostname: network.hostname ?? config.Hostname ?? '',
    ...(config.Domainname && { domainname: config.Domainname }),
    addresses: network.addresses,
    isHost: network.isHost ?? false,
    servesNames: network.servesNames ?? false,
    extraHosts: hostConfig.ExtraHosts ?? [],
    hostGateway: hostAddressFor(network.state.endpoints ?? []),
    ...resolverFacts(record)
  }
}

/** What the container asks for in its resolv.conf. */
export function resolverFacts({ hostConfig }: Pick<ContainerRecord, 'hostConfig'>) {
  return {
    nameservers: hostConfig.Dns ?? [],
    searchDomains: hostConfig.DnsSearch ?? [],
    resolverOptions: hostConfig.DnsOptions ?? []
  }
}

/** The host as a container reaches it: by its gateway, or as itself. */
function hostAddressFor(endpoints: readonly Endpoint[]): string {
  return wayOut(endpoints)?.gateway || endpoints.find(({ gateway }) => gateway !== '')?.gateway || '127.0.0.1'
}

/** That of the mode first: it is eth0. The others by name. */
async function findNetworks(context: ContainerContext, record: ContainerRecord, mode: string) {
  const networks: ContainerNetworks = record.networks ?? { [mode]: {} }
  const names = Object.keys(networks).sort((a, b) => (a === mode ? -1 : b === mode ? 1 : a < b ? -1 : 1))
  const found = new Map<string, { readonly network: NetworkRecord; readonly settings: EndpointSettings }>()
  for (const name of names) {
    const network = await context.networks.get(name)
    // One network may be asked for by its name and by its id.
    const settings = { ...found.get(network.id)?.settings, ...networks[name] }
    refuseSettings(network, settings)
    found.set(network.id, { network, settings })
  }
  return [...found.values()]
}

/** The place in a network that has no interfaces of its own. */
function unplugged({ id, name, internal }: NetworkRecord): Endpoint {
  return {
    networkId: id,
    networkName: name,
    endpointId: randomBytes(32).toString('hex'),
    address: '',
    prefixLength: 0,
    gateway: '',
    macAddress: '',
    hostInterface: '',
    interfaceName: '',
    priority: 0,
    internal
  }
}

function shareNetwork(context: ContainerContext, other: string): OpenNetwork {
  const { id, name, state, config } = context.store.get(other)
  if (state.status !== 'running') {
    throw new EngineError('conflict', `cannot join network of a non running container: ${id}`, { details: { container: name } })
  }
  return {
    namespacePath: `/proc/${state.pid}/ns/net`,
    ...(config.Hostname && { hostname: config.Hostname }),
    filesOf: id,
    addresses: [],
    state: {}
  }
}
