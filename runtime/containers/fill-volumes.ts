import { mkdirSync, rmSync } from 'node:fs'
import { EngineError } from '../../src/errors/index.js'
import type { VolumeMount } from '../volumes/volume-record.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'

/**
 * Fill a container's empty volumes with what its image has at their places. The image is mounted for it, where something has to be copied
 * at all.
 *
 * @throws EngineError `resource_exhausted` (disk full), `failed` (a file of the image is in the way)
 */
export async function fillVolumes(context: ContainerContext, record: ContainerRecord): Promise<void> {
  const { volumes, host } = context
  const empty = (record.mounts ?? []).filter(
    (mount): mount is VolumeMount => mount.type === 'volume' && mount.copies && volumes.takesContent(mount.name)
  )
  const { lower } = context.snapshotter.mounts(record.id)
  if (empty.length > 0 && lower.length > 0) {
    const root = `${context.paths.rootfs(record.id)}-volumes`
    mkdirSync(root, { recursive: true, mode: 0o700 })
    try {
      await host.mountOverlay({ lower }, root)
      for (const mount of empty) await volumes.fill(mount.name, () => folderOf(context, root, mount))
    } finally {
      await host.unmount(root)
      rmSync(root, { recursive: true, force: true })
    }
  }
  await context.store.update(record.id, ({ volumesPending: _pending, ...rest }) => rest)
}

/** Where the image has something for a volume. */
async function folderOf(context: ContainerContext, root: string, mount: VolumeMount): Promise<string | undefined> {
  const found = await context.host.realPathIn(root, mount.destination)
  if (found === undefined || found.isDirectory) return found?.path
  throw new EngineError('failed', `source ${mount.destination} of the image is not a directory: a volume cannot be mounted over it`, {
    details: { destination: mount.destination }
  })
}
