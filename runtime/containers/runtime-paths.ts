import { createHash } from 'node:crypto'
import { join } from 'node:path'

/**
 * Where things are, layout version 1.
 *
 * ```
 * <root>/
 *   metadata.lmdb               records (runtime/metadata)
 *   content/blobs/sha256/<hex>  blobs (runtime/content)
 *   snapshots/                  layers (runtime/snapshots)
 *   containers/<id>/            hostname, hosts, resolv.conf, <id>-json.log
 *   volumes/<name>/_data        files of a volume (runtime/volumes)
 * <run root>/                   /run/gantry for the default data root, <root>/run for others
 *   oci/                        state of the OCI runtime
 *   bundles/<id>/               config.json, runtime.log
 *   rootfs/<id>/                mount points, mounted only in a launcher's mount namespace
 *   sessions/<session>/<id>     containers that end with their session (runtime/supervise)
 *   events/                     what happened, for all processes (runtime/events)
 *   locks/
 * ```
 */
export interface RuntimePaths {
  readonly root: string
  readonly runRoot: string
  readonly metadata: string
  readonly content: string
  readonly ociState: string
  /** Folders with one for each container or layer, which come and go. */
  readonly crowded: readonly string[]
  /** What was removed and is being deleted. */
  readonly trash: string
  /** Control group above those of the containers, as in the OCI configuration's `cgroupsPath`. */
  readonly cgroupParent: string
  cgroup(id: string): string
  containerFolder(id: string): string
  log(id: string): string
  volumeData(name: string): string
  bundle(id: string): string
  rootfs(id: string): string
  session(id: string): string
  lock(name: string): string
}

/** The data root of root's engine. */
export const defaultRoot = '/var/lib/gantry'

/** Eight hexadecimal digits that tell one data root's devices, rules and run root from another's; none for the default one. */
export function rootTag(root: string): string {
  return root === defaultRoot ? '' : createHash('sha256').update(root).digest('hex').slice(0, 8)
}

export function runtimePaths(root: string): RuntimePaths {
  const runRoot = root === defaultRoot ? '/run/gantry' : join(root, 'run')
  const cgroupParent = root === defaultRoot ? '/gantry' : `/gantry-${rootTag(root)}`
  return {
    root,
    cgroupParent,
    cgroup: id => `${cgroupParent}/${id}`,
    runRoot,
    metadata: join(root, 'metadata.lmdb'),
    content: join(root, 'content'),
    ociState: join(runRoot, 'oci'),
    crowded: [
      join(root, 'containers'),
      join(root, 'snapshots'),
      join(root, 'snapshots', 'tmp'),
      ...['bundles', 'rootfs', 'oci'].map(name => join(runRoot, name))
    ],
    trash: join(root, 'trash'),
    containerFolder: id => join(root, 'containers', id),
    log: id => join(root, 'containers', id, `${id}-json.log`),
    volumeData: name => join(root, 'volumes', name, '_data'),
    bundle: id => join(runRoot, 'bundles', id),
    rootfs: id => join(runRoot, 'rootfs', id),
    session: id => join(runRoot, 'sessions', id),
    lock: name => join(runRoot, 'locks', name)
  }
}
