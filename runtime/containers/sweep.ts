import { removeCgroup } from '../host/cgroups.js'
import { isAlive } from '../host/process-identity.js'
import { cgroupOf } from './cgroup-of.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import { removeContainerVolumes, takeAway } from './remove.js'

/**
 * Remove the containers of sessions whose process is gone, SIGKILL included, with everything they had. Containers of live processes
 * are not touched. Safe to run in several processes at once: each step is idempotent.
 */
export async function sweepContainers(context: ContainerContext): Promise<void> {
  const orphans = context.store.list().filter(record => !record.keep && !isAlive(record.owner))
  await Promise.all(orphans.map(record => removeOrphan(context, record)))
}

async function removeOrphan(context: ContainerContext, record: ContainerRecord): Promise<void> {
  // Whether or not the record says that it ran: it may have been killed while it started.
  await context.oci.remove(record.id)
  await removeCgroup(context.cgroups, cgroupOf(context.paths, record))
  await context.networks.disconnect(record.id)
  await takeAway(context, record)
  await removeContainerVolumes(context, record)
}
