import type { ContainerCreateRequest, HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'

/** Properties of the container configuration that take effect, or that only describe. */
const configProperties: ReadonlySet<string> = new Set<keyof ContainerCreateRequest>([
  'Hostname',
  'Domainname',
  'User',
  'AttachStdin',
  'AttachStdout',
  'AttachStderr',
  'ExposedPorts',
  'Tty',
  'Volumes',
  'Healthcheck',
  'OpenStdin',
  'StdinOnce',
  'Env',
  'Cmd',
  'ArgsEscaped',
  'Image',
  'WorkingDir',
  'Entrypoint',
  'NetworkDisabled',
  'OnBuild',
  'Labels',
  'StopSignal',
  'StopTimeout',
  'Shell',
  'MacAddress',
  'HostConfig',
  'NetworkingConfig'
])

/** Properties of the host configuration that take effect. */
const hostProperties: ReadonlySet<string> = new Set<keyof HostConfig>([
  'Binds',
  'LogConfig',
  'NetworkMode',
  'PortBindings',
  'PublishAllPorts',
  'RestartPolicy',
  'AutoRemove',
  'ConsoleSize',
  'OomKillDisable',
  'CapAdd',
  'CapDrop',
  'Dns',
  'DnsOptions',
  'DnsSearch',
  'ExtraHosts',
  'GroupAdd',
  'OomScoreAdj',
  'Privileged',
  'ReadonlyRootfs',
  'SecurityOpt',
  'Tmpfs',
  'Mounts',
  'VolumesFrom',
  'VolumeDriver',
  'ShmSize',
  'Sysctls',
  'MaskedPaths',
  'ReadonlyPaths',
  'BlkioWeight',
  'BlkioWeightDevice',
  'BlkioDeviceReadBps',
  'BlkioDeviceWriteBps',
  'BlkioDeviceReadIOps',
  'BlkioDeviceWriteIOps',
  'CpuRealtimePeriod',
  'CpuRealtimeRuntime',
  'CgroupParent',
  'CpuShares',
  'Memory',
  'CpuPercent',
  'CpuPeriod',
  'CpuQuota',
  'CpusetCpus',
  'CpusetMems',
  'MemoryReservation',
  'MemorySwap',
  'MemorySwappiness',
  'NanoCpus',
  'PidsLimit',
  'Ulimits',
  'Devices',
  'DeviceRequests',
  'KernelMemory',
  'DeviceCgroupRules',
  'PidMode',
  'IpcMode',
  'Isolation',
  'UTSMode',
  'CgroupnsMode',
  'UsernsMode',
  'Init',
  'Runtime'
])

/** Values that say the default in words. */
const defaults: Readonly<Record<string, readonly unknown[]>> = {
  IpcMode: ['private']
}

/**
 * Refuse what the in-process runtime does not do yet, by the name of the field. Nothing that is asked for is dropped without a word:
 * a property that is not known here counts as asked for when it says anything at all.
 *
 * @throws EngineError `not_implemented`
 */
export function refuseUnsupported(request: ContainerCreateRequest): void {
  for (const [name, value] of Object.entries(request)) {
    if (!configProperties.has(name) && saysSomething(name, value)) throw notImplemented(name, value)
  }
  const host = request.HostConfig ?? {}
  for (const [name, value] of Object.entries(host)) {
    if (!hostProperties.has(name) && saysSomething(name, value)) throw notImplemented(`HostConfig.${name}`, value)
  }
}

function saysSomething(name: string, value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return false
  if (defaults[name]?.includes(value)) return false
  if (typeof value !== 'object') return true
  // A list counts by being there; an object by what its properties say.
  return Array.isArray(value)
    ? value.length > 0
    : Object.entries(value).some(([key, inner]) => saysSomething(key, inner) || isMarker(inner))
}

/** `{ '/data': {} }`: the empty object is Go's set member, its key is what is said. */
function isMarker(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
}

function notImplemented(field: string, value: unknown): EngineError {
  return new EngineError('not_implemented', `${field}: ${JSON.stringify(value)} is not built yet in the in-process runtime`, {
    details: { field, value }
  })
}
