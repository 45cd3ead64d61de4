import { appendFileSync } from 'node:fs'
import type { EndpointSettings } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { NetworkRecord } from '../networks/network-record.js'
import { wayOut } from '../networks/way-out.js'
import type { ContainerContext } from './container-context.js'
import { containerFiles, hostsLine, serveResolvConf } from './container-files.js'
import { endpointRequest, endpointSettings, isUserDefined, networkOfMode } from './container-networks.js'
import type { ContainerRecord } from './container-record.js'
import { withEngineDefaults } from './engine-defaults.js'
import { announceEndpoints } from './network-events.js'
import { nameServiceRequest, publishPorts, resolverFacts } from './open-network.js'

/**
 * Put a container in one more network: at once when it runs, else when it starts.
 *
 * @throws EngineError `not_found`; `invalid_argument` and `permission_denied` in Docker's words
 */
export async function connectNetwork(
  context: ContainerContext,
  network: NetworkRecord,
  idOrName: string,
  given: EndpointSettings | null | undefined,
  signal: AbortSignal
): Promise<void> {
  const { id } = context.store.get(idOrName)
  await context.live.exclusive(id, async () => {
    const record = context.store.get(id)
    refuseMode(record, network)
    const settings = endpointSettings(network, given)
    if (record.state.pid === 0) {
      await context.store.update(id, current => withNetwork(current, network.name, settings))
      return
    }
    const present = record.state.endpoints ?? []
    if (present.some(({ networkId }) => networkId === network.id)) {
      throw new EngineError('permission_denied', `endpoint with name ${record.name} already exists in network ${network.name}`, {
        details: { container: record.name, network: network.name }
      })
    }
    await joinRunning(context, record, network, settings, signal)
  })
}

async function joinRunning(
  context: ContainerContext,
  record: ContainerRecord,
  network: NetworkRecord,
  settings: EndpointSettings,
  signal: AbortSignal
): Promise<void> {
  const { networks, store, paths } = context
  const { id, name, state } = record
  const present = state.endpoints ?? []
  const endpoint = await networks.join(
    {
      containerId: id,
      containerName: name,
      endpoint: endpointRequest(record, network, settings),
      namespacePath: `/proc/${state.pid}/ns/net`,
      present
    },
    { signal }
  )
  const endpoints = [...present, endpoint]
  if (isUserDefined(network) && !present.some(({ networkName }) => isUserDefined({ name: networkName }))) {
    await networks.serveNames(nameServiceRequest(withEngineDefaults(record, context.settings.current), `/proc/${state.pid}/ns/net`))
    serveResolvConf(paths.containerFolder(id), resolverFacts(withEngineDefaults(record, context.settings.current)))
  }
  const ports = await followWayOut(context, record, endpoints)
  const { Hostname: hostname = '', Domainname: domainname } = record.config
  appendFileSync(
    containerFiles(paths.containerFolder(id)).hosts,
    hostsLine({ hostname, ...(domainname && { domainname }) }, endpoint.address)
  )
  await store.update(id, current => ({
    ...withNetwork(current, network.name, settings),
    state: { ...current.state, endpoints, ...(ports !== undefined && { ports }) }
  }))
  announceEndpoints(context, record, 'connect', [endpoint])
}

/** Published ports lead to where the container's way out is. Undefined: nothing has changed. */
export async function followWayOut(
  context: ContainerContext,
  record: ContainerRecord,
  endpoints: NonNullable<ContainerRecord['state']['endpoints']>
): Promise<ContainerRecord['state']['ports'] | undefined> {
  const before = wayOut(record.state.endpoints ?? [])
  if (before?.endpointId === wayOut(endpoints)?.endpointId) return undefined
  await context.networks.unpublish(record.id)
  return publishPorts(context, record, endpoints)
}

function withNetwork(record: ContainerRecord, name: string, settings: EndpointSettings): ContainerRecord {
  const own = networkOfMode(record.hostConfig)
  const before = record.networks ?? (own === undefined ? {} : { [own]: {} })
  return { ...record, networks: { ...before, [name]: settings } }
}

function refuseMode(record: ContainerRecord, network: NetworkRecord): void {
  const details = { container: record.name, network: network.name }
  const mode = networkOfMode(record.hostConfig)
  if (mode === undefined) {
    throw new EngineError(
      'invalid_argument',
      'container sharing network namespace with another container or host cannot be connected to any other network',
      { details }
    )
  }
  if (mode === 'host' || network.driver === 'host') {
    throw new EngineError('invalid_argument', 'container cannot be disconnected from host network or connected to host network', {
      details
    })
  }
  const isAlone = Object.keys(record.networks ?? { [mode]: {} }).length === 0
  if ((mode === 'none' && !isAlone) || network.driver === 'null') {
    throw new EngineError(
      'invalid_argument',
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
      { details }
    )
  }
}
