import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { type Deferred, deferred } from '../../src/util/deferred.js'
import { Unwind } from '../../src/util/unwind.js'
import type { RootedFolder } from '../host/host.js'
import type { ContainerContext } from './container-context.js'
import { containerFiles } from './container-files.js'
import type { ContainerRecord } from './container-record.js'
import { openMounts } from './open-mounts.js'

/** A container's files as it sees them. */
export interface ArchiveView {
  readonly root: RootedFolder
  /** It runs: what it has mounted itself is seen as well. */
  readonly isLive: boolean
  close(): Promise<void>
}

/**
 * See a container's files: those of a running one from its first process; of another one its layers are mounted for the time, with its volumes
 * and binds on top. It cannot be started or removed until the view is closed.
 */
export async function openArchiveView(context: ContainerContext, id: string): Promise<ArchiveView> {
  const live = liveView(context, id)
  if (live !== undefined) return live
  const opened = deferred<ArchiveView>()
  const closed = deferred<void>()
  const held = context.live.exclusive(id, async () => {
    const view = liveView(context, id) ?? (await mountedView(context, context.store.get(id), closed))
    opened.resolve(view)
    if (!view.isLive) await closed.promise
  })
  held.catch(error => opened.reject(error))
  return opened.promise
}

function liveView(context: ContainerContext, id: string): ArchiveView | undefined {
  const { state } = context.store.get(id)
  if (state.status !== 'running' || state.pid === 0) return undefined
  const root = context.host.openRootOf(state.pid)
  return root && { root, isLive: true, close: async () => root.close() }
}

async function mountedView(context: ContainerContext, record: ContainerRecord, closed: Deferred<void>): Promise<ArchiveView> {
  const unwind = new Unwind()
  try {
    const root = await mountRoot(context, record, unwind)
    return {
      root,
      isLive: false,
      async close() {
        await unwind.run()
        closed.resolve()
      }
    }
  } catch (error) {
    await unwind.run()
    throw error
  }
}

async function mountRoot(context: ContainerContext, record: ContainerRecord, unwind: Unwind): Promise<RootedFolder> {
  const { host, paths, snapshotter } = context
  const { id } = record
  const path = `${paths.rootfs(id)}-archive-${randomBytes(4).toString('hex')}`
  mkdirSync(path, { recursive: true, mode: 0o700 })
  unwind.add(() => rmSync(path, { recursive: true, force: true }))
  await host.mountOverlay(snapshotter.mounts(id), path)
  // What is mounted on it goes with it.
  unwind.add(() => host.unmount(path))
  if (record.mounts !== undefined) {
    unwind.add(() => rmSync(paths.bundle(id), { recursive: true, force: true }))
    for (const { type, source, destination, options } of await openMounts(context, record, unwind)) {
      if (type !== 'bind' || source === undefined) continue
      await host.bindOver(source, path, destination, { readOnly: options?.some(option => option === 'ro' || option === 'rro') ?? false })
    }
  }
  const { hostname, hosts, resolvConf } = containerFiles(paths.containerFolder(id))
  for (const [source, destination] of [
    [hostname, '/etc/hostname'],
    [hosts, '/etc/hosts'],
    [resolvConf, '/etc/resolv.conf']
  ] as const) {
    if (existsSync(source)) await host.bindOver(source, path, destination, { readOnly: false })
  }
  const root = await host.openRoot(path)
  unwind.add(() => root.close())
  return root
}
