import { basename } from 'node:path'
import type { CgroupLayout } from '../host/cgroup-layout.js'
import type { SpecMount } from './runtime-spec.js'

/**
 * A container's control groups, below /sys/fs/cgroup. On v1 hosts each hierarchy is mounted by itself, into a folder that only root may write:
 * crun's own way to mount them leaves a folder that everybody in the container may write. On v2 hosts the OCI runtime does it.
 */
export function cgroupMounts(
  layout: CgroupLayout,
  { path, privileged }: { readonly path: string; readonly privileged: boolean }
): readonly SpecMount[] {
  const access = privileged ? 'rw' : 'ro'
  const hierarchies = layout.hierarchies.filter(({ version }) => version === 1)
  if (hierarchies.length === 0) {
    return [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [access, 'nosuid', 'noexec', 'nodev'] }]
  }
  return [
    { destination: '/sys/fs/cgroup', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'noexec', 'nodev', 'mode=555', 'size=1024k'] },
    ...hierarchies.map(({ mountPoint }) => ({
      destination: `/sys/fs/cgroup/${basename(mountPoint)}`,
      type: 'bind',
      source: `${mountPoint}${path}`,
      options: ['bind', access, 'nosuid', 'noexec', 'nodev', 'relatime']
    }))
  ]
}
