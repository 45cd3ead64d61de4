import { boolean, integer, lazy, list, map, object, oneOf, string } from '../schema.js'
import { type Mount, mount } from './mount.js'
import { type Resources, type RestartPolicy, resourcesShape, restartPolicy } from './resources.js'

export interface PortBinding {
  readonly HostIp?: string | undefined
  readonly HostPort?: string | undefined
}

/** Schema of {@link PortBinding}. */
export const portBinding = lazy(() => object<PortBinding>({ HostIp: string(), HostPort: string() }))

export interface LogConfig {
  readonly Type?: 'json-file' | 'local' | 'none' | (string & {}) | undefined
  readonly Config?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link LogConfig}. */
export const logConfig = lazy(() => object<LogConfig>({ Type: string(), Config: map(string()) }))

export interface HostConfig extends Resources {
  readonly Binds?: readonly string[] | null | undefined
  readonly ContainerIDFile?: string | undefined
  readonly LogConfig?: LogConfig | undefined
  readonly NetworkMode?: string | undefined
  readonly PortBindings?: Readonly<Record<string, readonly PortBinding[]>> | null | undefined
  readonly RestartPolicy?: RestartPolicy | undefined
  readonly AutoRemove?: boolean | undefined
  readonly VolumeDriver?: string | undefined
  readonly VolumesFrom?: readonly string[] | null | undefined
  readonly Mounts?: readonly Mount[] | null | undefined
  readonly ConsoleSize?: readonly number[] | null | undefined
  readonly Annotations?: Readonly<Record<string, string>> | null | undefined
  readonly CapAdd?: readonly string[] | null | undefined
  readonly CapDrop?: readonly string[] | null | undefined
  readonly CgroupnsMode?: 'private' | 'host' | undefined
  readonly Dns?: readonly string[] | null | undefined
  readonly DnsOptions?: readonly string[] | null | undefined
  readonly DnsSearch?: readonly string[] | null | undefined
  readonly ExtraHosts?: readonly string[] | null | undefined
  readonly GroupAdd?: readonly string[] | null | undefined
  readonly IpcMode?: string | undefined
  readonly Cgroup?: string | undefined
  readonly Links?: readonly string[] | null | undefined
  readonly OomScoreAdj?: number | undefined
  readonly PidMode?: string | undefined
  readonly Privileged?: boolean | undefined
  readonly PublishAllPorts?: boolean | undefined
  readonly ReadonlyRootfs?: boolean | undefined
  readonly SecurityOpt?: readonly string[] | null | undefined
  readonly StorageOpt?: Readonly<Record<string, string>> | null | undefined
  readonly Tmpfs?: Readonly<Record<string, string>> | null | undefined
  readonly UTSMode?: string | undefined
  readonly UsernsMode?: string | undefined
  readonly ShmSize?: number | undefined
  readonly Sysctls?: Readonly<Record<string, string>> | null | undefined
  readonly Runtime?: string | null | undefined
  readonly Isolation?: 'default' | 'process' | 'hyperv' | '' | undefined
  readonly MaskedPaths?: readonly string[] | null | undefined
  readonly ReadonlyPaths?: readonly string[] | null | undefined
}

/** Schema of {@link HostConfig}. */
export const hostConfig = lazy(() =>
  object<HostConfig>({
    ...resourcesShape(),
    Binds: list(string()),
    ContainerIDFile: string(),
    LogConfig: logConfig(),
    NetworkMode: string(),
    PortBindings: map(list(portBinding())),
    RestartPolicy: restartPolicy(),
    AutoRemove: boolean(),
    VolumeDriver: string(),
    VolumesFrom: list(string()),
    Mounts: list(mount()),
    ConsoleSize: list(integer()),
    Annotations: map(string()),
    CapAdd: list(string()),
    CapDrop: list(string()),
    CgroupnsMode: oneOf('private', 'host'),
    Dns: list(string()),
    DnsOptions: list(string()),
    DnsSearch: list(string()),
    ExtraHosts: list(string()),
    GroupAdd: list(string()),
    IpcMode: string(),
    Cgroup: string(),
    Links: list(string()),
    OomScoreAdj: integer(),
    PidMode: string(),
    Privileged: boolean(),
    PublishAllPorts: boolean(),
    ReadonlyRootfs: boolean(),
    SecurityOpt: list(string()),
    StorageOpt: map(string()),
    Tmpfs: map(string()),
    UTSMode: string(),
    UsernsMode: string(),
    ShmSize: integer(),
    Sysctls: map(string()),
    Runtime: string(),
    Isolation: oneOf('default', 'process', 'hyperv', ''),
    MaskedPaths: list(string()),
    ReadonlyPaths: list(string())
  })
)
