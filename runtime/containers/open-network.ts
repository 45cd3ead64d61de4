import { hostname } from 'node:os'
import { EngineError } from '../../src/errors/index.js'
import type { Unwind } from '../../src/util/unwind.js'
import type { Endpoint, Sandbox } from '../networks/network-manager.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'

/** A container's place on the network for one run. */
export interface OpenNetwork {
  readonly sandbox?: Sandbox
  readonly endpoint?: Endpoint
  /** For the OCI runtime; undefined is the host's own namespace. */
  readonly namespacePath: string | undefined
  /** Where the mode decides it. */
  readonly hostname?: string
}

/** Make or find the network namespace that `HostConfig.NetworkMode` asks for. */
export async function openNetwork(
  context: ContainerContext,
  record: ContainerRecord,
  unwind: Unwind,
  signal: AbortSignal
): Promise<OpenNetwork> {
  const mode = record.hostConfig.NetworkMode ?? 'default'
  if (mode === 'host') return { namespacePath: undefined, hostname: record.config.Hostname || hostname() }
  if (mode.startsWith('container:')) return shareNetwork(context, mode.slice('container:'.length))
  const sandbox = await context.networks.connect(
    {
      containerId: record.id,
      network: mode === 'none' ? 'none' : 'bridge',
      ...(record.config.MacAddress && { macAddress: record.config.MacAddress })
    },
    { signal }
  )
  unwind.add(async () => {
    sandbox.release()
    await context.networks.disconnect(record.id)
  })
  return { sandbox, namespacePath: sandbox.namespacePath, ...(sandbox.endpoint && { endpoint: sandbox.endpoint }) }
}

function shareNetwork(context: ContainerContext, other: string): OpenNetwork {
  const { name, state, config } = context.store.get(other)
  if (state.status !== 'running') {
    throw new EngineError('conflict', `cannot join network of a non running container: ${name}`, { details: { container: other } })
  }
  return { namespacePath: `/proc/${state.pid}/ns/net`, ...(config.Hostname && { hostname: config.Hostname }) }
}
