import type { ContainerInspectResponse, ContainerSummary, MountPoint } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import type { ContainerRecord, HealthState } from '../containers/container-record.js'
import type { RuntimePaths } from '../containers/runtime-paths.js'
import type { MountPoint as RecordedMount } from '../volumes/volume-record.js'
import { configDefaults, hostConfigDefaults } from './inspect-defaults.js'
import { endpointViews, networkSettings, portSummaries } from './network-settings-view.js'

/** What views are made with beside the record. */
export type ViewContext = Pick<ContainerContext, 'paths' | 'snapshotter'>

/** A record as `GET /containers/{id}/json` shows it. */
export function inspectView(record: ContainerRecord, context: ViewContext, execIds: readonly string[]): ContainerInspectResponse {
  const { paths } = context
  const { id, state, config, hostConfig } = record
  const folder = paths.containerFolder(id)
  return {
    Id: id,
    Created: record.createdAt,
    Path: record.path,
    Args: record.args,
    State: {
      Status: stateWord(record),
      Running: state.status === 'running' || (state.restarting ?? false),
      Paused: state.paused ?? false,
      Restarting: state.restarting ?? false,
      OOMKilled: state.oomKilled,
      Dead: state.status === 'dead',
      Pid: state.pid,
      ExitCode: state.exitCode,
      Error: state.error,
      StartedAt: state.startedAt,
      FinishedAt: state.finishedAt,
      ...(state.health && { Health: { Status: state.health.status, FailingStreak: state.health.failingStreak, Log: state.health.log } })
    },
    Image: record.imageId,
    ResolvConfPath: `${folder}/resolv.conf`,
    HostnamePath: `${folder}/hostname`,
    HostsPath: `${folder}/hosts`,
    LogPath: hostConfig.LogConfig?.Type === 'json-file' ? paths.log(id) : '',
    Name: `/${record.name}`,
    RestartCount: state.restartCount,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: execIds.length > 0 ? execIds : null,
    HostConfig: { ...hostConfigDefaults, ...hostConfig },
    GraphDriver: { Name: 'overlay2', Data: layersOf(record, context) },
    Mounts: mountPoints(record, paths),
    Config: { ...configDefaults, ...config },
    NetworkSettings: networkSettings(record)
  }
}

/**
 * Views of records that have not changed: who asks again gets the same one. Frozen all through, so that nobody changes what others get; whoever
 * writes it as JSON can keep that text too.
 */
export class InspectViews {
  readonly #views = new WeakMap<ContainerRecord, ContainerInspectResponse>()

  of(record: ContainerRecord, context: ViewContext): ContainerInspectResponse {
    const known = this.#views.get(record)
    if (known !== undefined) return known
    const view = frozen(inspectView(record, context, []))
    this.#views.set(record, view)
    return view
  }
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) frozen(inner)
  return Object.freeze(value)
}

/** Where its root file system is. Empty for one that is being removed: its layer goes first. */
function layersOf({ id }: ContainerRecord, { paths, snapshotter }: ViewContext): Readonly<Record<string, string>> {
  try {
    const { lower, upper = '', work = '' } = snapshotter.mounts(id)
    return { LowerDir: lower.join(':'), MergedDir: paths.rootfs(id), UpperDir: upper, WorkDir: work }
  } catch (error) {
    if (EngineError.is(error) && error.code === 'not_found') return {}
    throw error
  }
}

/** A record as a row of `GET /containers/json`. */
export function summaryView(record: ContainerRecord, paths: RuntimePaths, now: Date): ContainerSummary {
  const { config, hostConfig } = record
  return {
    Id: record.id,
    Names: [`/${record.name}`],
    Image: record.imageReference,
    ImageID: record.imageId,
    Command: [record.path, ...record.args].map(quoteWhereNeeded).join(' '),
    Created: Math.floor(Date.parse(record.createdAt) / 1000),
    Ports: portSummaries(record),
    Labels: config.Labels ?? {},
    State: stateWord(record),
    Status: statusText(record, now),
    HostConfig: { NetworkMode: hostConfig.NetworkMode ?? 'default' },
    NetworkSettings: { Networks: endpointViews(record) },
    // Where a volume is, rows do not say.
    Mounts: mountPoints(record, paths).map(mount => (mount.Type === 'volume' ? { ...mount, Source: '' } : mount))
  }
}

/** The state in one of Docker's words. */
export function stateWord({ state }: ContainerRecord): ContainerRecord['state']['status'] | 'paused' | 'restarting' {
  return state.paused ? 'paused' : state.restarting ? 'restarting' : state.status
}

/** What `docker ps` shows under STATUS. */
export function statusText(record: ContainerRecord, now: Date): string {
  const { state } = record
  const ago = (time: string) => humanDuration((now.getTime() - Date.parse(time)) / 1000)
  switch (state.status) {
    case 'created':
      return 'Created'
    case 'running':
      return `Up ${ago(state.startedAt)}${state.paused ? ' (Paused)' : healthText(state.health)}`
    case 'exited':
      if (state.restarting) return `Restarting (${state.exitCode}) ${ago(state.finishedAt)} ago`
      return `Exited (${state.exitCode}) ${ago(state.finishedAt)} ago`
    case 'dead':
      return 'Dead'
  }
}

function healthText(health: HealthState | undefined): string {
  if (health === undefined) return ''
  return health.status === 'starting' ? ' (health: starting)' : ` (${health.status})`
}

/** A duration as the docker command writes it. */
export function humanDuration(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  const hours = Math.round(seconds / 3600)
  if (seconds < 1) return 'Less than a second'
  if (seconds < 2) return '1 second'
  if (seconds < 60) return `${Math.floor(seconds)} seconds`
  if (minutes === 1) return 'About a minute'
  if (minutes < 60) return `${minutes} minutes`
  if (hours === 1) return 'About an hour'
  if (hours < 48) return `${hours} hours`
  if (hours < 24 * 14) return `${Math.floor(hours / 24)} days`
  if (hours < 24 * 60) return `${Math.floor(hours / 24 / 7)} weeks`
  if (hours < 24 * 730) return `${Math.floor(hours / 24 / 30)} months`
  return `${Math.floor(hours / 24 / 365)} years`
}

function mountPoints(record: ContainerRecord, paths: RuntimePaths): readonly MountPoint[] {
  return (record.mounts ?? []).map(mount => mountPoint(mount, paths))
}

function mountPoint(mount: RecordedMount, paths: RuntimePaths): MountPoint {
  const place = { Destination: mount.destination, Mode: mount.mode, RW: !mount.readOnly }
  switch (mount.type) {
    case 'bind':
      return { Type: mount.type, Source: mount.source, ...place, Propagation: mount.propagation }
    case 'volume':
      return { Type: mount.type, Name: mount.name, Source: paths.volumeData(mount.name), Driver: 'local', ...place, Propagation: '' }
    case 'tmpfs':
      return { Type: mount.type, Source: '', ...place, Propagation: '' }
  }
}

function quoteWhereNeeded(word: string): string {
  return word.includes(' ') ? `'${word.replaceAll("'", "\\'")}'` : word
}
