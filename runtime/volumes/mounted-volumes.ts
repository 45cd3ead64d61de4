import { rmSync } from 'node:fs'
import { EngineError } from '../../src/errors/index.js'
import type { Host } from '../host/host.js'
import { mountTable } from '../host/mount-table.js'
import type { MountedFileSystem } from './driver-options.js'
import type { VolumeFolders } from './volume-folders.js'
import type { VolumeStore } from './volume-store.js'

export interface MountedVolumes {
  /** Mount a volume's file system for a container, if it is not mounted. */
  mount(name: string, source: MountedFileSystem, containerId: string): Promise<void>
  /** The counterpart: the last container unmounts it. Idempotent. */
  unmount(name: string, containerId: string): Promise<void>
  /** Unmount what only containers that are gone have mounted. */
  sweep(): Promise<void>
}

/** Nothing aborts it half-way. */
const never = new AbortController().signal

/**
 * File systems of volumes, mounted on the host as Docker does, so that the containers of all processes share them. The record says who
 * has one mounted; a lock for each volume keeps the record and the mount together.
 */
export function mountedVolumes(parts: {
  readonly host: Host
  readonly store: VolumeStore
  readonly folders: VolumeFolders
  lockPath(name: string): string
}): MountedVolumes {
  const { host, store, folders } = parts

  const locked = async (name: string, work: () => Promise<void>) => {
    const path = parts.lockPath(name)
    const lock = await host.lock(path, { signal: never })
    try {
      await work()
    } finally {
      rmSync(path, { force: true })
      lock.release()
    }
  }
  const unmountUnused = async (name: string, users: readonly string[] | undefined) => {
    if (users?.length === 0) await host.unmountFromHost(folders.data(name))
  }

  return {
    mount: (name, source, containerId) =>
      locked(name, async () => {
        const target = folders.data(name)
        await store.setMounters(name, users => [...users.filter(id => id !== containerId), containerId])
        if (mountTable().some(entry => entry.mountPoint === target)) return
        try {
          await host.mountOnHost(source, target)
        } catch (cause) {
          await store.setMounters(name, users => users.filter(id => id !== containerId))
          throw mountFailure(name, source, cause)
        }
      }),
    unmount: (name, containerId) =>
      locked(name, async () => {
        await unmountUnused(name, await store.setMounters(name, users => users.filter(id => id !== containerId)))
      }),
    async sweep() {
      for (const { name, mountedBy = [] } of store.list()) {
        if (mountedBy.every(id => store.isInUse(id))) continue
        await locked(name, async () => unmountUnused(name, await store.setMounters(name, users => users.filter(id => store.isInUse(id)))))
      }
    }
  }
}

function mountFailure(name: string, source: MountedFileSystem, cause: unknown): EngineError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new EngineError('failed', `error while mounting volume '${name}': failed to mount local volume ${source.device}: ${why}`, {
    details: { volume: name, ...source },
    cause
  })
}
