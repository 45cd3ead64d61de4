import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { EngineError } from '../../src/errors/index.js'
import type { Unwind } from '../../src/util/unwind.js'
import { errnoOf } from '../host/system-call-error.js'
import type { SpecMount } from '../oci/runtime-spec.js'
import type { BindMount, MountPoint, VolumeMount } from '../volumes/volume-record.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import { fillVolumes } from './fill-volumes.js'

/** Have everything ready that a container mounts for one run, and say what that is in the OCI runtime's words. */
export async function openMounts(context: ContainerContext, record: ContainerRecord, unwind: Unwind): Promise<readonly SpecMount[]> {
  const { mounts = [] } = record
  if (mounts.length === 0) return []
  // The process that made the container was killed before it was done.
  if (record.volumesPending) await fillVolumes(context, record)
  const opened = mounts.map(mount => specMount(context, mount))
  unwind.add(() => closeMounts(context, record))
  for (const mount of mounts) if (mount.type === 'volume') publishMount(context, record, mount)
  return opened
}

/** The counterpart of {@link openMounts}. */
export function closeMounts(context: ContainerContext, record: ContainerRecord): void {
  for (const mount of record.mounts ?? []) {
    if (mount.type !== 'volume') continue
    const attributes = { container: record.id, driver: 'local' }
    context.events.publish({ Type: 'volume', Action: 'unmount', id: mount.name, attributes })
  }
}

function publishMount(context: ContainerContext, record: ContainerRecord, mount: VolumeMount): void {
  context.events.publish({
    Type: 'volume',
    Action: 'mount',
    id: mount.name,
    attributes: {
      container: record.id,
      destination: mount.destination,
      driver: 'local',
      propagation: '',
      'read/write': String(!mount.readOnly)
    }
  })
}

function specMount(context: ContainerContext, mount: MountPoint): SpecMount {
  const { destination } = mount
  switch (mount.type) {
    case 'bind':
      makeSource(mount)
      return {
        destination,
        type: 'bind',
        source: mount.source,
        options: [mount.recursive ? 'rbind' : 'bind', mount.readOnly ? 'ro' : 'rw', mount.propagation]
      }
    case 'volume': {
      const { path, readOnly } = context.volumes.source(mount)
      return { destination, type: 'bind', source: path, options: ['rbind', readOnly ? 'ro' : 'rw', 'rprivate'] }
    }
    case 'tmpfs':
      return { destination, type: 'tmpfs', source: 'tmpfs', options: ['noexec', 'nosuid', 'nodev', 'rprivate', ...mount.options] }
  }
}

/** As Docker does: what a short-form bind names and is not there becomes a folder. */
function makeSource(mount: BindMount): void {
  try {
    if (statSync(mount.source, { throwIfNoEntry: false }) !== undefined) return
    if (!mount.makesSource) {
      throw new EngineError('invalid_argument', `invalid mount config for type "bind": bind source path does not exist: ${mount.source}`, {
        details: { source: mount.source }
      })
    }
    // The umask of this process is not what a container's folders are to have.
    for (let path = mkdirSync(mount.source, { recursive: true }); path !== undefined; path = below(path, mount.source))
      chmodSync(path, 0o755)
  } catch (cause) {
    if (EngineError.is(cause)) throw cause
    throw new EngineError('failed', `error while creating mount source path '${mount.source}': ${(cause as Error).message}`, {
      details: { source: mount.source, errno: errnoOf(cause) },
      cause
    })
  }
}

/** The next folder on the way from one to another; undefined at its end. */
function below(path: string, end: string): string | undefined {
  if (path === end || !end.startsWith(`${path}/`)) return undefined
  const slash = end.indexOf('/', path.length + 1)
  return slash === -1 ? end : end.slice(0, slash)
}
