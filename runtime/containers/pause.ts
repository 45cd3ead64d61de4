import { EngineError } from '../../src/errors/index.js'
import { CgroupFiles } from '../host/cgroup-files.js'
import { cgroupOf } from './cgroup-of.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import { containerAttributes } from './event-attributes.js'

/** Freeze all processes of a container. @throws EngineError `conflict` where it does not run, or is paused already */
export function pauseContainer(context: ContainerContext, idOrName: string): Promise<void> {
  const { id } = context.store.get(idOrName)
  return context.live.exclusive(id, async () => {
    const record = context.store.get(id)
    if (record.state.status !== 'running') throw new EngineError('conflict', `Container ${id} is not running`, { details: { id } })
    if (record.state.paused) throw new EngineError('conflict', `Container ${id} is already paused`, { details: { id } })
    await new CgroupFiles(context.cgroups, cgroupOf(context.paths, record)).freeze(true)
    await change(context, record, true)
  })
}

/** Let a paused container go on. @throws EngineError `failed` where it is not paused, as dockerd has it */
export function unpauseContainer(context: ContainerContext, idOrName: string): Promise<void> {
  const { id } = context.store.get(idOrName)
  return context.live.exclusive(id, async () => {
    const record = context.store.get(id)
    if (!record.state.paused) throw new EngineError('failed', `Container ${id} is not paused`, { details: { id } })
    await new CgroupFiles(context.cgroups, cgroupOf(context.paths, record)).freeze(false)
    await change(context, record, false)
  })
}

/** For a container that is being ended. Never rejects: one that is gone meanwhile is what was wanted. */
export async function letGoOn(context: ContainerContext, record: ContainerRecord): Promise<void> {
  await new CgroupFiles(context.cgroups, cgroupOf(context.paths, record)).freeze(false).catch(() => {})
  await change(context, record, false).catch(() => {})
}

async function change(context: ContainerContext, record: ContainerRecord, paused: boolean): Promise<void> {
  await context.store.setState(record.id, { paused })
  context.events.publish({
    Type: 'container',
    Action: paused ? 'pause' : 'unpause',
    id: record.id,
    attributes: containerAttributes(record)
  })
}
