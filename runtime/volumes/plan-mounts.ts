import type { ContainerConfig, HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { volumeSource } from './driver-options.js'
import { isMountMode, parseMountMode } from './mount-mode.js'
import { invalid, mountDestination } from './mount-paths.js'
import { parseBind } from './parse-bind.js'
import { parseMount } from './parse-mount.js'
import { anonymousVolumeName, checkVolumeDriver, checkVolumeName } from './volume-name.js'
import { anonymousLabel, type MountPoint, type VolumeMount, type VolumeRecord } from './volume-record.js'

/** What a container has mounted, and the volumes that have to be there for it. */
export interface MountPlan {
  readonly mounts: readonly MountPoint[]
  readonly volumes: readonly VolumeRecord[]
}

export interface MountRequest {
  /** Merged from the caller's and the image's. */
  readonly config: Pick<ContainerConfig, 'Volumes'>
  readonly hostConfig: HostConfig
  /** What the container of that name or id has mounted. @throws EngineError `not_found` */
  mountsOf(container: string): readonly MountPoint[]
}

type VolumeSettings = Pick<VolumeRecord, 'labels' | 'options'>

/**
 * Docker's rules for who mounts what where: other containers' mounts first (`VolumesFrom`), over them `Binds` and `Mounts`, and the
 * image's and the caller's `Volumes` where nothing else stands.
 *
 * @throws EngineError `invalid_argument`, `not_found` (volume driver), `not_implemented`
 */
export function planMounts(request: MountRequest): MountPlan {
  const { config, hostConfig } = request
  const places = new Map<string, MountPoint>()
  const settings = new Map<string, VolumeSettings>()
  for (const from of hostConfig.VolumesFrom ?? []) {
    for (const mount of inherited(from, request)) places.set(mount.destination, mount)
  }
  const own = new Set<string>()
  const tmpfs = new Set(Object.keys(hostConfig.Tmpfs ?? {}).map(path => mountDestination(path, '')))
  const claim = (mount: MountPoint, written: string) => {
    if (own.has(mount.destination)) throw invalid(`Duplicate mount point: ${written}`, written)
    own.add(mount.destination)
    places.set(mount.destination, mount)
  }
  for (const bind of hostConfig.Binds ?? []) {
    const mount = parseBind(bind)
    if (tmpfs.has(mount.destination)) throw invalid(`Duplicate mount point: ${mount.destination}`, bind)
    if (mount.type === 'volume') checkVolume(mount, hostConfig.VolumeDriver ?? '')
    claim(mount, mount.destination)
  }
  for (const asked of hostConfig.Mounts ?? []) {
    const mount = parseMount(asked)
    if (mount.type === 'volume') {
      const { Labels: labels, DriverConfig: driver } = asked.VolumeOptions ?? {}
      checkVolume(mount, driver?.Name ?? '')
      volumeSource(mount.name, driver?.Options)
      settings.set(mount.name, { labels: labels ?? null, options: driver?.Options ?? null })
    }
    claim(mount, asked.Target ?? '')
  }
  for (const path of Object.keys(config.Volumes ?? {})) {
    const destination = mountDestination(path, `invalid volume ${JSON.stringify(path)}: `)
    if (places.has(destination) || tmpfs.has(destination)) continue
    const mount = anonymousVolume(destination)
    checkVolume(mount, hostConfig.VolumeDriver ?? '')
    places.set(destination, mount)
  }
  const mounts = [...places.values()]
  return { mounts, volumes: mounts.flatMap(mount => (mount.type === 'volume' ? [recordOf(mount, settings.get(mount.name))] : [])) }
}

/** `container[:options]`: what it has, read-only where that is said. */
function inherited(from: string, request: MountRequest): readonly MountPoint[] {
  if (from === '') throw invalid('volumes-from specification cannot be an empty string', from)
  const colon = from.indexOf(':')
  const mode = colon === -1 ? '' : from.slice(colon + 1)
  if (!isMountMode(mode)) throw invalid(`invalid mode: ${mode}`, from)
  const { readOnly, propagation } = parseMountMode(mode)
  if (propagation !== undefined) throw invalid(`invalid mode: ${mode}`, from)
  const container = colon === -1 ? from : from.slice(0, colon)
  try {
    return request.mountsOf(container).map(mount => ({ ...mount, mode: '', readOnly: mount.readOnly || readOnly }))
  } catch (cause) {
    if (!EngineError.is(cause)) throw cause
    throw new EngineError('invalid_argument', cause.message, { details: { field: 'HostConfig.VolumesFrom', value: from }, cause })
  }
}

function anonymousVolume(destination: string): VolumeMount {
  return { type: 'volume', name: anonymousVolumeName(), anonymous: true, destination, mode: '', readOnly: false, copies: true }
}

function checkVolume(mount: VolumeMount, driver: string): void {
  checkVolumeName(mount.name)
  checkVolumeDriver(mount.name, driver)
}

function recordOf(mount: VolumeMount, settings: VolumeSettings | undefined): VolumeRecord {
  const labels = settings?.labels ?? null
  return {
    name: mount.name,
    driver: 'local',
    createdAt: secondsNow(),
    labels: mount.anonymous ? { ...labels, [anonymousLabel]: '' } : labels,
    options: settings?.options ?? null
  }
}

/** RFC 3339 with seconds, as Docker writes a volume's age. */
export function secondsNow(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z')
}
