import { mkdirSync } from 'node:fs'
import { EngineError } from '../../src/errors/index.js'
import type { Unwind } from '../../src/util/unwind.js'
import { sharedWith } from '../oci/namespaces.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'

/** Whose namespaces a container joins, as its specification is told. */
export interface NamespaceOwners {
  readonly pidOwner?: number
  readonly ipcOwner?: { readonly pid: number; readonly sharedMemory: string }
}

/**
 * First processes of the containers whose namespaces a container joins. Shared memory of another is mounted for the run.
 *
 * @throws EngineError `not_found`, `failed` (as in Docker) where one does not run or does not share
 */
export async function namespaceOwners(context: ContainerContext, record: ContainerRecord, unwind: Unwind): Promise<NamespaceOwners> {
  const { PidMode, IpcMode } = record.hostConfig
  const pidDonor = sharedWith(PidMode)
  const ipcDonor = sharedWith(IpcMode)
  return {
    ...(pidDonor !== undefined && { pidOwner: processOf(context.store.get(pidDonor)) }),
    ...(ipcDonor !== undefined && { ipcOwner: await shareIpc(context, record, context.store.get(ipcDonor), unwind) })
  }
}

function processOf({ id, state }: ContainerRecord): number {
  if (state.status !== 'running' || state.pid === 0) throw new EngineError('failed', `container ${id} is not running`, { details: { id } })
  return state.pid
}

async function shareIpc(context: ContainerContext, record: ContainerRecord, donor: ContainerRecord, unwind: Unwind) {
  const { host, paths } = context
  const cannot = `can't join IPC of container ${donor.id}`
  if (donor.state.status !== 'running' || donor.state.pid === 0) {
    throw new EngineError('failed', `${cannot}: container ${donor.id} is not running`, { details: { id: donor.id } })
  }
  const mode = donor.hostConfig.IpcMode ?? ''
  if (mode !== 'shareable' && mode !== 'host' && sharedWith(mode) === undefined) {
    throw new EngineError('failed', `${cannot}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`, {
      details: { id: donor.id }
    })
  }
  const sharedMemory = `${paths.bundle(record.id)}/shm`
  mkdirSync(sharedMemory, { recursive: true, mode: 0o700 })
  await host.attachFromProcess(donor.state.pid, '/dev/shm', sharedMemory)
  unwind.add(() => host.unmount(sharedMemory))
  return { pid: donor.state.pid, sharedMemory }
}

/** The counterpart, after a run. */
export async function closeSharedNamespaces({ host, paths }: ContainerContext, { id, hostConfig }: ContainerRecord): Promise<void> {
  if (sharedWith(hostConfig.IpcMode) !== undefined) await host.unmount(`${paths.bundle(id)}/shm`)
}
