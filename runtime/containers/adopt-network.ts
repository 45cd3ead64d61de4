import type { ContainerContext } from './container-context.js'
import { isUserDefined } from './container-networks.js'
import type { ContainerRecord } from './container-record.js'
import { withEngineDefaults } from './engine-defaults.js'
import { nameServiceRequest } from './open-network.js'

/**
 * Serve a running container that another process started and that is gone: its names are answered again, its published ports held
 * again. What the kernel does by itself (addresses, rules) went on meanwhile. Idempotent; nothing to do for a network of the host's or of
 * another container.
 */
export async function adoptNetwork(context: ContainerContext, record: ContainerRecord): Promise<void> {
  const { id, state } = record
  if (state.pid === 0) return
  const servesNames = (state.endpoints ?? []).some(({ networkName }) => isUserDefined({ name: networkName }))
  await Promise.all([
    context.networks.adopt(id),
    servesNames
      ? context.networks.serveNames(nameServiceRequest(withEngineDefaults(record, context.settings.current), `/proc/${state.pid}/ns/net`))
      : undefined
  ])
}
