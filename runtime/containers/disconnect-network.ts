import { readFileSync, writeFileSync } from 'node:fs'
import { EngineError } from '../../src/errors/index.js'
import type { Endpoint, NetworkRecord } from '../networks/network-record.js'
import { followWayOut } from './connect-network.js'
import type { ContainerContext } from './container-context.js'
import { containerFiles } from './container-files.js'
import { names, networkOfMode } from './container-networks.js'
import type { ContainerRecord } from './container-record.js'
import { announceEndpoints } from './network-events.js'

/**
 * Take a container out of a network: at once when it runs; it does not come back there when it starts again.
 *
 * @param options.force Also what a container that is gone left in the network
 * @throws EngineError `not_found`, `failed` when it is not in it, `invalid_argument`
 */
export async function disconnectNetwork(
  context: ContainerContext,
  network: NetworkRecord,
  idOrName: string,
  options: { readonly force: boolean }
): Promise<void> {
  if (network.driver === 'host') {
    throw new EngineError('invalid_argument', 'container cannot be disconnected from host network or connected to host network', {
      details: { network: network.name }
    })
  }
  const found = findContainer(context, idOrName, options.force)
  if (found === undefined) return disconnectGone(context, network, idOrName)
  const { id } = found
  await context.live.exclusive(id, async () => {
    const record = context.store.get(id)
    const endpoint = (record.state.endpoints ?? []).find(({ networkId }) => networkId === network.id)
    const name = nameOfNetwork(record, network)
    if (endpoint === undefined && name === undefined) throw notConnected(id, network)
    if (endpoint !== undefined && record.state.pid > 0) await leaveRunning(context, record, endpoint)
    await context.store.update(id, current => withoutNetwork(current, name))
    if (endpoint !== undefined) announceEndpoints(context, record, 'disconnect', [endpoint])
  })
}

async function leaveRunning(context: ContainerContext, record: ContainerRecord, endpoint: Endpoint): Promise<void> {
  const { id, state } = record
  const remaining = (state.endpoints ?? []).filter(({ endpointId }) => endpointId !== endpoint.endpointId)
  if (endpoint.hostInterface !== '') {
    await context.networks.leave({ containerId: id, endpoint, namespacePath: `/proc/${state.pid}/ns/net`, remaining })
  }
  const ports = await followWayOut(context, record, remaining)
  forgetAddress(containerFiles(context.paths.containerFolder(id)).hosts, endpoint.address)
  await context.store.update(id, current => ({
    ...current,
    state: { ...current.state, endpoints: remaining, ...(ports !== undefined && { ports }) }
  }))
}

/** The file is mounted in the container: its content changes, the file stays. */
function forgetAddress(path: string, address: string): void {
  const lines = readFileSync(path, 'utf8').split('\n')
  writeFileSync(path, lines.filter(line => address === '' || !line.startsWith(`${address}\t`)).join('\n'))
}

function nameOfNetwork(record: ContainerRecord, network: NetworkRecord): string | undefined {
  const mode = networkOfMode(record.hostConfig)
  const words = Object.keys(record.networks ?? (mode === undefined ? {} : { [mode]: {} }))
  return words.find(word => names(word, network))
}

function withoutNetwork(record: ContainerRecord, name: string | undefined): ContainerRecord {
  if (name === undefined) return record
  const { [name]: _left, ...networks } = record.networks ?? {}
  return { ...record, networks }
}

function findContainer(context: ContainerContext, idOrName: string, force: boolean): ContainerRecord | undefined {
  try {
    return context.store.get(idOrName)
  } catch (error) {
    if (force && EngineError.is(error) && error.code === 'not_found') return undefined
    throw error
  }
}

async function disconnectGone(context: ContainerContext, network: NetworkRecord, idOrName: string): Promise<void> {
  const left = context.networks
    .members(network.id)
    .find(({ containerId, containerName }) => containerId === idOrName || containerName === idOrName)
  if (left === undefined) throw notConnected(idOrName, network)
  await context.networks.disconnect(left.containerId, [left.endpoint])
}

function notConnected(container: string, network: NetworkRecord): EngineError {
  return new EngineError('failed', `container ${container} is not connected to network ${network.name}`, {
    details: { container, network: network.name }
  })
}
