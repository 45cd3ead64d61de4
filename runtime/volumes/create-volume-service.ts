import { readdirSync } from 'node:fs'
import { EngineError } from '../../src/errors/index.js'
import type { EventLog } from '../events/event-log.js'
import type { Host } from '../host/host.js'
import type { ProcessIdentity } from '../host/process-identity.js'
import { removeTree } from '../host/remove-tree.js'
import type { MetadataStore } from '../metadata/metadata-store.js'
import { treeUsage } from '../snapshots/tree-usage.js'
import { volumeSource } from './driver-options.js'
import { fillVolume, resumeFilling } from './fill-volume.js'
import { mountedVolumes } from './mounted-volumes.js'
import { secondsNow } from './plan-mounts.js'
import { volumeFolders } from './volume-folders.js'
import { anonymousVolumeName, checkVolumeDriver, checkVolumeName } from './volume-name.js'
import { anonymousLabel, type VolumeRecord } from './volume-record.js'
import type { CreateVolumeRequest, VolumeService } from './volume-service.js'
import { VolumeStore } from './volume-store.js'

export interface VolumeServiceOptions {
  readonly host: Host
  readonly metadata: MetadataStore
  readonly events: EventLog
  /** The data root. */
  readonly root: string
  /** Path of a lock file, by name. */
  lockPath(name: string): string
  readonly session: { readonly id: string; readonly owner: ProcessIdentity }
}

/** Volumes of a data root. */
export function createVolumeService(options: VolumeServiceOptions): VolumeService {
  const { host, metadata, events, session } = options
  const folders = volumeFolders(options.root)
  const store = new VolumeStore(metadata, folders)
  const filling = { host, folders, lockPath: (name: string) => options.lockPath(`volume-${name}`) }

  const publish = (action: string, name: string) =>
    events.publish({ Type: 'volume', Action: action, id: name, attributes: { driver: 'local' } })

  const ensure = async (wanted: readonly VolumeRecord[]) => {
    const made = await store.ensure(wanted)
    const names = made.flatMap(({ record, isNew }) => (isNew ? [record.name] : []))
    for (const name of names) publish('create', name)
    return { made, names }
  }

  /** @returns whether it was there */
  const remove = async (name: string, except?: string) => {
    const removed = await store.remove(name, except)
    if (removed === undefined) return false
    if (removed.aside !== undefined) {
      // A container that goes at this moment may not have unmounted it yet.
      if (removed.mayBeMounted) await host.unmountFromHost(`${removed.aside}/_data`)
      await removeTree(removed.aside)
    }
    publish('destroy', name)
    return true
  }

  /** Of several, whichever are not in use: somebody may have taken one meanwhile. */
  const removeUnused = async (names: readonly string[], except?: string) => {
    const results = await Promise.allSettled(names.map(async name => ((await remove(name, except)) ? name : undefined)))
    const failed = results.find(
      result => result.status === 'rejected' && !(EngineError.is(result.reason) && result.reason.code === 'conflict')
    )
    if (failed?.status === 'rejected') throw failed.reason
    return results.flatMap(result => (result.status === 'fulfilled' && result.value !== undefined ? [result.value] : []))
  }

  const mounted = mountedVolumes({ host, store, folders, lockPath: filling.lockPath })
  const sourceOf = (name: string) => volumeSource(name, find(store, name).options)

  return {
    async create(request) {
      const { made } = await ensure([newRecord(request, session)])
      // One record was asked for.
      return (made[0] as (typeof made)[number]).record
    },
    get: name => find(store, name),
    list: () => store.list(),
    users: () => store.users(),
    async remove(name) {
      if (!(await remove(name))) throw notFound(name)
    },
    async prune(matches) {
      const users = store.users()
      const unused = store.list().filter(record => !users.has(record.name) && matches(record))
      const sizes = new Map(await Promise.all(unused.map(async ({ name }) => [name, await treeUsage(folders.data(name))] as const)))
      const names = await removeUnused(unused.map(({ name }) => name))
      const reclaimedBytes = names.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0)
      events.publish({ Type: 'volume', Action: 'prune', id: '', attributes: { reclaimed: String(reclaimedBytes) } })
      return { names, reclaimedBytes }
    },
    usage: name => treeUsage(folders.data(name)),
    mountpoint: name => folders.data(name),
    ensure: async wanted => (wanted.length === 0 ? [] : (await ensure(wanted)).names),
    async open(mount, containerId) {
      const { name, readOnly } = mount
      const source = sourceOf(name)
      switch (source?.kind) {
        case undefined:
          return { path: folders.data(name), readOnly, isOnHostOnly: false }
        case 'bind':
          return { path: source.device, readOnly: readOnly || source.readOnly, isOnHostOnly: false }
        case 'mount':
          await mounted.mount(name, source, containerId)
          return { path: folders.data(name), readOnly, isOnHostOnly: true }
      }
    },
    async close({ name }, containerId) {
      if (store.find(name)?.mountedBy?.includes(containerId)) await mounted.unmount(name, containerId)
    },
    takesContent(name) {
      const source = sourceOf(name)
      // Memory would have forgotten it by the start.
      return source?.kind !== 'mount' && isEmptyFolder(source?.device ?? folders.data(name))
    },
    async fill(name, findSource) {
      const source = sourceOf(name)
      await fillVolume(filling, { name, data: source?.device ?? folders.data(name), isOutside: source !== undefined, findSource })
    },
    async removeAnonymous({ id, mounts }) {
      await removeUnused(
        mounts.flatMap(mount => (mount.anonymous ? [mount.name] : [])),
        id
      )
    },
    async endSession() {
      await removeUnused(store.list().flatMap(record => (record.session?.id === session.id ? [record.name] : [])))
    },
    async sweep() {
      await store.putOrphansAside()
      await Promise.all(folders.list().aside.map(removeTree))
      await removeUnused(store.orphans().map(({ name }) => name))
      await mounted.sweep()
      for (const { name } of store.list()) await resumeFilling(filling, name)
    }
  }
}

function newRecord(request: CreateVolumeRequest, session: VolumeServiceOptions['session']): VolumeRecord {
  const isNamed = request.name !== undefined && request.name !== ''
  const name = isNamed ? checkVolumeName(request.name) : anonymousVolumeName()
  checkVolumeDriver(name, request.driver ?? '')
  volumeSource(name, request.options)
  const labels = request.labels ?? null
  return {
    name,
    driver: 'local',
    createdAt: secondsNow(),
    labels: isNamed ? labels : { ...labels, [anonymousLabel]: '' },
    options: request.options ?? null,
    ...(request.ofSession && { session: { id: session.id, owner: session.owner } })
  }
}

function find(store: VolumeStore, name: string): VolumeRecord {
  const record = store.find(name)
  if (record === undefined) throw notFound(name)
  return record
}

function notFound(name: string): EngineError {
  return new EngineError('not_found', `get ${name}: no such volume`, { details: { volume: name } })
}

function isEmptyFolder(path: string): boolean {
  return readdirSync(path).length === 0
}
