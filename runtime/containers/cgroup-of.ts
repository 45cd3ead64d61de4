import { posix } from 'node:path'
import { firstMissingCgroup, removeEmptyCgroups } from '../host/cgroups.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import type { RuntimePaths } from './runtime-paths.js'

/**
 * A container's control group, as in the OCI configuration's `cgroupsPath`: below the engine's, or below the one that was asked for, which is
 * looked for from the root of each hierarchy.
 */
export function cgroupOf(paths: RuntimePaths, { id, hostConfig }: Pick<ContainerRecord, 'id' | 'hostConfig'>): string {
  const parent = parentOf(hostConfig)
  return parent === undefined ? paths.cgroup(id) : posix.join(parent, id)
}

/** What of the groups that a new container asks for has to be made, and so to be taken away again; containers share it. */
export function madeCgroup({ cgroups, store }: ContainerContext, hostConfig: ContainerRecord['hostConfig']): string | undefined {
  const parent = parentOf(hostConfig)
  if (parent === undefined) return undefined
  const others = store.list().flatMap(({ madeCgroup: made }) => (made !== undefined && isBelow(parent, made) ? [made] : []))
  return others[0] ?? firstMissingCgroup(cgroups, parent)
}

/** A container is gone: so are the groups that were made for it, where nothing else is in them. */
export async function leaveCgroups({ cgroups }: ContainerContext, { hostConfig, madeCgroup: made }: ContainerRecord): Promise<void> {
  const parent = parentOf(hostConfig)
  if (parent !== undefined && made !== undefined) await removeEmptyCgroups(cgroups, parent, made)
}

function parentOf({ CgroupParent }: ContainerRecord['hostConfig']): string | undefined {
  return CgroupParent ? posix.join('/', CgroupParent).replace(/(?<=.)\/$/, '') : undefined
}

function isBelow(group: string, above: string): boolean {
  return group === above || group.startsWith(`${above}/`)
}
