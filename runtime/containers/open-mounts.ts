import { mkdirSync, readdirSync, statSync } from 'node:fs'
import type { Unwind } from '../../src/util/unwind.js'
import { canReadOnlyRecursively } from '../host/mount-options.js'
import { tmpfsMount } from '../oci/mounts.js'
import type { SpecMount } from '../oci/runtime-spec.js'
import type { BindMount, MountPoint, VolumeMount } from '../volumes/volume-record.js'
import { checkPropagation, makeNodeLike, makeSource } from './bind-source.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import { fillVolumes } from './fill-volumes.js'

/** Have everything ready that a container mounts for one run, and say what that is in the OCI runtime's words. */
export async function openMounts(context: ContainerContext, record: ContainerRecord, unwind: Unwind): Promise<readonly SpecMount[]> {
  const { mounts = [] } = record
  // The process that made the container was killed before it was done.
  if (record.volumesPending) await fillVolumes(context, record)
  unwind.add(() => closeMounts(context, record, attachedMounts(context, record)))
  const opened: SpecMount[] = []
  for (const mount of mounts) opened.push(await openMount(context, record, mount, String(opened.length)))
  return opened
}

/** What was attached for a run in the launcher's mount namespace: paths in the bundle's folder. */
export function attachedMounts(context: ContainerContext, record: ContainerRecord): readonly string[] {
  if (record.mounts === undefined) return []
  const folder = attachFolder(context, record)
  try {
    return readdirSync(folder).map(name => `${folder}/${name}`)
  } catch {
    // Most containers have nothing of the kind.
    return []
  }
}

/** The counterpart of {@link openMounts}. */
export async function closeMounts(context: ContainerContext, record: ContainerRecord, attached: readonly string[]): Promise<void> {
  const { events, host, volumes } = context
  for (const path of [...attached].reverse()) await host.unmount(path)
  for (const mount of record.mounts ?? []) {
    if (mount.type !== 'volume') continue
    await volumes.close(mount, record.id)
    events.publish({ Type: 'volume', Action: 'unmount', id: mount.name, attributes: { container: record.id, driver: 'local' } })
  }
}

async function openMount(context: ContainerContext, record: ContainerRecord, mount: MountPoint, name: string): Promise<SpecMount> {
  switch (mount.type) {
    case 'bind':
      return openBind(context, record, mount, name)
    case 'volume':
      return openVolume(context, record, mount, name)
    case 'tmpfs':
      return tmpfsMount(mount.destination, mount.options)
  }
}

async function openBind(context: ContainerContext, record: ContainerRecord, mount: BindMount, name: string): Promise<SpecMount> {
  const { destination, propagation, recursive } = mount
  makeSource(mount)
  let { source } = mount
  if (propagation !== 'rprivate' && propagation !== 'private') checkPropagation(source, propagation)
  if (propagation.endsWith('shared') || !recursive) {
    // The launcher's own mounts only follow the host's, and what the container mounts has to reach the host. And crun 1.8 takes along what
    // is mounted below, asked or not.
    const target = attachPath(context, record, name)
    makeNodeLike(source, target)
    await context.host.attachFromHost(source, target, { recursive })
    source = target
  }
  return {
    destination,
    type: 'bind',
    source,
    options: ['rbind', access(mount.readOnly, recursive && !mount.writableBelow && isFolder(source)), propagation]
  }
}

async function openVolume(context: ContainerContext, record: ContainerRecord, mount: VolumeMount, name: string): Promise<SpecMount> {
  const { host, volumes } = context
  const { path, readOnly, isOnHostOnly } = await volumes.open(mount, record.id)
  let source = path
  if (isOnHostOnly) {
    source = attachPath(context, record, name)
    makeNodeLike(path, source)
    await host.attachFromHost(path, source, { recursive: true })
  }
  if (mount.subpath !== undefined) {
    const target = attachPath(context, record, `${name}-sub`)
    await host.bindIn(source, mount.subpath, target)
    source = target
  }
  publishMount(context, record, mount)
  return { destination: mount.destination, type: 'bind', source, options: ['rbind', access(readOnly, isFolder(source)), 'rprivate'] }
}

/** Nothing can be mounted below a file, and crun 1.8 fails where it is asked to see to that. */
function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? true
}

/** Read-only with all that is mounted below, where the kernel can. */
function access(readOnly: boolean, isRecursive: boolean): string {
  if (!readOnly) return 'rw'
  return isRecursive && canReadOnlyRecursively() ? 'rro' : 'ro'
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

function attachPath(context: ContainerContext, record: ContainerRecord, name: string): string {
  const folder = attachFolder(context, record)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return `${folder}/${name}`
}

function attachFolder(context: ContainerContext, record: ContainerRecord): string {
  return `${context.paths.bundle(record.id)}/mounts`
}
