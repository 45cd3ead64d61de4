import { lstatSync } from 'node:fs'
import type { Mount } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { canReadOnlyRecursively } from '../host/mount-options.js'
import { checkAbsolute, cleanPath, invalid, mountDestination } from './mount-paths.js'
import { anonymousVolumeName } from './volume-name.js'
import type { BindMount, MountPoint, TmpfsMount, VolumeMount } from './volume-record.js'

/**
 * Docker's `--mount`, as it comes in `HostConfig.Mounts`.
 *
 * @throws EngineError `invalid_argument`; `not_implemented` for images and cluster volumes
 */
export function parseMount(mount: Mount): MountPoint {
  const type = mount.Type ?? ''
  const prefix = `invalid mount config for type ${JSON.stringify(type)}: `
  if (type === 'image' || type === 'cluster') {
    throw new EngineError('not_implemented', `HostConfig.Mounts: mounts of type ${type} are not built yet in the in-process runtime`, {
      details: { field: 'HostConfig.Mounts.Type', value: type }
    })
  }
  if (type !== 'bind' && type !== 'volume' && type !== 'tmpfs') throw invalid(`${prefix}mount type unknown`, mount)
  if (!mount.Target) throw invalid(`${prefix}field Target must not be empty`, mount)
  const destination = mountDestination(mount.Target, prefix)
  switch (type) {
    case 'bind':
      return bindMount(mount, destination, prefix)
    case 'volume':
      return volumeMount(mount, destination, prefix)
    case 'tmpfs':
      return tmpfsMount(mount, destination, prefix)
  }
}

function bindMount(mount: Mount, destination: string, prefix: string): BindMount {
  const { Source: source, BindOptions: options = {} } = mount
  if (!source) throw invalid(`${prefix}field Source must not be empty`, mount)
  if (mount.VolumeOptions) throw invalid(`${prefix}field VolumeOptions must not be specified`, mount)
  if (mount.ImageOptions) throw invalid(`${prefix}field ImageOptions must not be specified`, mount)
  checkAbsolute(source, prefix)
  const makesSource = options.CreateMountpoint ?? false
  if (!makesSource && lstatSync(source, { throwIfNoEntry: false }) === undefined) {
    throw invalid(`${prefix}bind source path does not exist: ${source}`, mount)
  }
  checkRecursion(mount, prefix)
  return {
    type: 'bind',
    source: cleanPath(source),
    destination,
    mode: '',
    readOnly: mount.ReadOnly ?? false,
    propagation: options.Propagation || 'rprivate',
    makesSource,
    recursive: !options.NonRecursive,
    ...(options.ReadOnlyNonRecursive && { writableBelow: true as const })
  }
}

function checkRecursion(mount: Mount, prefix: string): void {
  const { ReadOnlyNonRecursive: below, ReadOnlyForceRecursive: forced, NonRecursive: alone, Propagation = '' } = mount.BindOptions ?? {}
  if (!below && !forced) return
  if (!mount.ReadOnly) throw invalid(`${prefix}mount must be read-only for ReadOnlyNonRecursive and ReadOnlyForceRecursive`, mount)
  if (below && forced) throw invalid(`${prefix}ReadOnlyForceRecursive conflicts with ReadOnlyNonRecursive`, mount)
  if (forced && alone) throw invalid(`${prefix}ReadOnlyForceRecursive conflicts with NonRecursive`, mount)
  if (forced && !['', 'private', 'rprivate'].includes(Propagation)) {
    throw invalid(`${prefix}ReadOnlyForceRecursive needs the propagation private or rprivate, not ${Propagation}`, mount)
  }
  if (forced && !canReadOnlyRecursively()) {
    throw new EngineError('not_supported', `${prefix}ReadOnlyForceRecursive needs Linux 5.12 or later`, { details: { mount } })
  }
}

function volumeMount(mount: Mount, destination: string, prefix: string): VolumeMount {
  const { Source: name, VolumeOptions: options = {} } = mount
  if (mount.BindOptions) throw invalid(`${prefix}field BindOptions must not be specified`, mount)
  if (mount.ImageOptions) throw invalid(`${prefix}field ImageOptions must not be specified`, mount)
  if (!name && mount.ReadOnly) throw invalid(`${prefix}must not set ReadOnly mode when using anonymous volumes`, mount)
  return {
    type: 'volume',
    name: name || anonymousVolumeName(),
    anonymous: !name,
    destination,
    mode: 'z',
    readOnly: mount.ReadOnly ?? false,
    copies: !options.NoCopy && !options.Subpath,
    ...(options.Subpath && { subpath: checkSubpath(options.Subpath, mount, prefix) })
  }
}

function checkSubpath(subpath: string, mount: Mount, prefix: string): string {
  const clean = cleanPath(subpath)
  if (clean.startsWith('/') || clean === '..' || clean.startsWith('../') || clean.includes('\0')) {
    throw invalid(`${prefix}subpath must be a relative path within the volume`, mount)
  }
  return clean
}

function tmpfsMount(mount: Mount, destination: string, prefix: string): TmpfsMount {
  const { SizeBytes: sizeBytes = 0, Mode: mode, Options: words } = mount.TmpfsOptions ?? {}
  if (mount.BindOptions) throw invalid(`${prefix}field BindOptions must not be specified`, mount)
  if (mount.Source) throw invalid(`${prefix}field Source must not be specified`, mount)
  if (mode !== undefined && (mode < 0 || mode > 0o7777)) throw invalid(`${prefix}invalid mode ${mode}: expected permission bits`, mount)
  const readOnly = mount.ReadOnly ?? false
  return {
    type: 'tmpfs',
    destination,
    mode: '',
    readOnly,
    options: [
      ...(readOnly ? ['ro'] : []),
      ...(mode ? [`mode=${mode.toString(8).padStart(4, '0')}`] : []),
      ...(sizeBytes !== 0 ? [`size=${sizeBytes}`] : []),
      ...(words ?? []).map(word => word.join('='))
    ]
  }
}
