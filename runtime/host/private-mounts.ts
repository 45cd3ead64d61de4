import { readFileSync } from 'node:fs'
import { type Kernel, mountFlags, namespaces, unmountDetach } from './kernel.js'

const unifiedHierarchy = '/sys/fs/cgroup/unified'

/**
 * Give the calling thread a mount namespace of its own, and a working directory of its own with it.
 *
 * The host sees nothing that is mounted here. The other way it does: what the host mounts and unmounts later happens
 * here as well (slave, not private), so a disk that the host unmounts is not held by a copy nobody can see.
 *
 * On a hybrid host whose cgroup v2 tree holds controllers the tree is taken out of sight: crun 1.8 refuses to start
 * there, and works with the v1 hierarchies that remain.
 *
 * @throws SystemCallError
 */
export function enterPrivateMounts(kernel: Kernel): void {
  kernel.unshare(namespaces.mount)
  kernel.mount({ source: 'none', target: '/', type: '', flags: mountFlags.recursive | mountFlags.slave, options: '' })
  if (hasHybridControllers()) kernel.unmount(unifiedHierarchy, unmountDetach)
  kernel.changeDirectory('/')
}

/** Whether this is a cgroup v1 host with a v2 tree beside it that controllers are bound to. */
export function hasHybridControllers(): boolean {
  try {
    return readFileSync(`${unifiedHierarchy}/cgroup.controllers`, 'utf8').trim() !== ''
  } catch {
    return false
  }
}
