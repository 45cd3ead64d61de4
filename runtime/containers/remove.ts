import { rmSync } from 'node:fs'
import { EngineError } from '../../src/errors/index.js'
import { isAlive } from '../host/process-identity.js'
import { leaveCgroups } from './cgroup-of.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import { containerAttributes } from './event-attributes.js'
import { signalContainer } from './kill.js'
import { exitOf } from './wait.js'

const sigkill = 9

/**
 * Remove a container and everything it had on the host.
 *
 * @throws EngineError `not_found`; `conflict` for a running one without `force`
 */
export async function removeContainer(
  context: ContainerContext,
  idOrName: string,
  options: { readonly force: boolean; readonly volumes?: boolean }
): Promise<void> {
  const found = context.store.get(idOrName)
  const { id } = found
  await endRun(context, found, options.force)
  await context.live.exclusive(id, async () => {
    const record = context.store.find(id)
    if (record === undefined) return
    await endRun(context, record, options.force)
    await takeAway(context, record)
    if (options.volumes) await removeContainerVolumes(context, record)
    forgetContainer(context, record)
  })
}

/** Tell that a container is gone. */
export function forgetContainer(context: ContainerContext, record: ContainerRecord): void {
  context.events.publish({ Type: 'container', Action: 'destroy', id: record.id, attributes: containerAttributes(record) })
  context.live.forget(record.id)
  context.execs.forget(record.id)
}

/**
 * Everything of a container that does not run. The folders first, then layer and record, asked for in one go so that they are one commit:
 * a clean-up that was cut short finds the record and does it again.
 */
export async function takeAway(context: ContainerContext, record: ContainerRecord): Promise<void> {
  const { id } = record
  const { paths } = context
  context.trash.take(paths.containerFolder(id))
  for (const path of [paths.bundle(id), paths.rootfs(id)]) rmSync(path, { recursive: true, force: true })
  if (record.madeCgroup !== undefined) await leaveCgroups(context, record)
  await Promise.all([context.snapshotter.remove(id), context.store.remove(id)])
}

/** Remove the volumes that were made for this container alone: nobody gave them a name, and no other container uses them. */
export async function removeContainerVolumes(context: ContainerContext, record: ContainerRecord): Promise<void> {
  const mounts = (record.mounts ?? []).filter(mount => mount.type === 'volume')
  if (mounts.length > 0) await context.volumes.removeAnonymous({ id: record.id, mounts })
}

async function endRun(context: ContainerContext, record: ContainerRecord, force: boolean): Promise<void> {
  if (record.state.status !== 'running') {
    await context.live.run(record.id)?.ended
    if (record.state.restarting && !force) {
      throw new EngineError(
        'conflict',
        `You cannot remove a restarting container ${record.id}. Stop the container before attempting removal or force remove`,
        {
          details: { id: record.id }
        }
      )
    }
    context.restarts.cancel(record.id)
    return
  }
  if (!force && record.state.paused) {
    throw new EngineError(
      'conflict',
      `You cannot remove a paused container ${record.id}. Unpause and then stop the container before attempting removal or force remove`,
      { details: { id: record.id } }
    )
  }
  if (!force) {
    throw new EngineError(
      'conflict',
      `You cannot remove a running container ${record.id}. Stop the container before attempting removal or force remove`,
      { details: { id: record.id } }
    )
  }
  const { monitor } = record.state
  const watched = context.live.run(record.id) !== undefined || (monitor !== undefined && isAlive(monitor))
  const ended = watched ? exitOf(context, record, never()) : undefined
  await context.store.setState(record.id, { stoppedByHand: true })
  await signalContainer(context, record, sigkill)
  if (ended !== undefined) await ended
  else await context.oci.remove(record.id)
}

/** Nothing aborts a clean-up half-way. A signal for each: many at once listen. */
function never(): AbortSignal {
  return new AbortController().signal
}
