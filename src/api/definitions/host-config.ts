import { boolean, integer, lazy, list, map, object, string, word } from '../schema.js'
import { type Mount, mount } from './mount.js'
import { type Resources, type RestartPolicy, resourcesShape, restartPolicy } from './resources.js'

/** Where on the host a port is published. */
export interface PortBinding {
  /** All addresses when empty. */
  readonly HostIp?: string | undefined
  /** A port or a range; a free one is taken when empty. */
  readonly HostPort?: string | undefined
}

/** Schema of {@link PortBinding}. */
export const portBinding = lazy(() => object<PortBinding>({ HostIp: string(), HostPort: string() }))

/** Where the output goes. */
export interface LogConfig {
  readonly Type?: 'json-file' | 'local' | 'none' | (string & {}) | undefined
  readonly Config?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link LogConfig}. */
export const logConfig = lazy(() => object<LogConfig>({ Type: string(), Config: map(string()) }))

/** How a container stands on its host. */
export interface HostConfig extends Resources {
  /** `source:target[:options]` each. */
  readonly Binds?: readonly string[] | null | undefined
  /** Only kept for clients to read back. */
  readonly ContainerIDFile?: string | undefined
  readonly LogConfig?: LogConfig | undefined
  /** `bridge`, `host`, `none`, `container:<id>`, or the name of a network. */
  readonly NetworkMode?: string | undefined
  /** By container port, e.g. `80/tcp`. */
  readonly PortBindings?: Readonly<Record<string, readonly PortBinding[] | null>> | null | undefined
  readonly RestartPolicy?: RestartPolicy | undefined
  /** Remove it when it has ended. */
  readonly AutoRemove?: boolean | undefined
  readonly VolumeDriver?: string | undefined
  /** `<container>[:ro|rw]` each. */
  readonly VolumesFrom?: readonly string[] | null | undefined
  readonly Mounts?: readonly Mount[] | null | undefined
  /** `[height, width]` of the first terminal. */
  readonly ConsoleSize?: readonly number[] | null | undefined
  /** For the OCI runtime. Since API 1.43. */
  readonly Annotations?: Readonly<Record<string, string>> | null | undefined
  /** `ALL` or names, with or without `CAP_`. */
  readonly CapAdd?: readonly string[] | null | undefined
  /** `ALL` or names, with or without `CAP_`. */
  readonly CapDrop?: readonly string[] | null | undefined
  readonly CgroupnsMode?: 'private' | 'host' | undefined
  readonly Dns?: readonly string[] | null | undefined
  readonly DnsOptions?: readonly string[] | null | undefined
  readonly DnsSearch?: readonly string[] | null | undefined
  /** `name:address` each, for /etc/hosts. */
  readonly ExtraHosts?: readonly string[] | null | undefined
  /** Further groups, names or numbers. */
  readonly GroupAdd?: readonly string[] | null | undefined
  /** `none`, `private`, `shareable`, `host` or `container:<id>`. */
  readonly IpcMode?: string | undefined
  /** Not used on Linux. */
  readonly Cgroup?: string | undefined
  /** `<container>:<alias>` each. */
  readonly Links?: readonly string[] | null | undefined
  /** -1000 to 1000. */
  readonly OomScoreAdj?: number | undefined
  /** `host` or `container:<id>`; its own when empty. */
  readonly PidMode?: string | undefined
  readonly Privileged?: boolean | undefined
  /** Publish every exposed port on a free one of the host. */
  readonly PublishAllPorts?: boolean | undefined
  readonly ReadonlyRootfs?: boolean | undefined
  /** Such as `no-new-privileges`, `seccomp=...`, `apparmor=...`, `label=...`. */
  readonly SecurityOpt?: readonly string[] | null | undefined
  /** Such as `{ size: '120G' }`. */
  readonly StorageOpt?: Readonly<Record<string, string>> | null | undefined
  /** Mount options by path. */
  readonly Tmpfs?: Readonly<Record<string, string>> | null | undefined
  /** `host`, or its own when empty. */
  readonly UTSMode?: string | undefined
  /** `host` turns a remap off. */
  readonly UsernsMode?: string | undefined
  /** Bytes; 64 MiB when 0. */
  readonly ShmSize?: number | undefined
  readonly Sysctls?: Readonly<Record<string, string>> | null | undefined
  /** Name of an OCI runtime the engine knows. */
  readonly Runtime?: string | null | undefined
  /** Windows only. */
  readonly Isolation?: 'default' | 'process' | 'hyperv' | '' | undefined
  /** Replaces the usual list. */
  readonly MaskedPaths?: readonly string[] | null | undefined
  /** Replaces the usual list. */
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
    CgroupnsMode: word<NonNullable<HostConfig['CgroupnsMode']>>(),
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
    Isolation: word<NonNullable<HostConfig['Isolation']>>(),
    MaskedPaths: list(string()),
    ReadonlyPaths: list(string())
  })
)
