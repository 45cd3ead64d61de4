import type { HostConfig } from '../../src/api/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import { maskedPaths, readonlyPaths } from '../oci/default-mounts.js'
import type { EngineSettings } from '../settings/engine-settings.js'

/** What the defaults depend on. */
export interface DefaultsOptions {
  /** Name of the OCI runtime. */
  readonly runtime: string
  readonly cgroups: ContainerContext['cgroups']['kind']
  readonly settings: EngineSettings
}

/** A host configuration with what Docker fills in, so that `inspect` shows how the container really is. */
export function withDefaults(given: HostConfig, { runtime, cgroups, settings }: DefaultsOptions): HostConfig {
  const privileged = given.Privileged ?? false
  return {
    ...given,
    NetworkMode: given.NetworkMode || 'default',
    RestartPolicy: { Name: given.RestartPolicy?.Name || 'no', MaximumRetryCount: given.RestartPolicy?.MaximumRetryCount ?? 0 },
    LogConfig: logConfigOf(given, settings),
    AutoRemove: given.AutoRemove ?? false,
    Privileged: privileged,
    ReadonlyRootfs: given.ReadonlyRootfs ?? false,
    PublishAllPorts: given.PublishAllPorts ?? false,
    IpcMode: given.IpcMode || 'private',
    CgroupnsMode: given.CgroupnsMode || (cgroups === 'v2' ? 'private' : 'host'),
    PidMode: given.PidMode ?? '',
    UTSMode: given.UTSMode ?? '',
    UsernsMode: given.UsernsMode ?? '',
    Isolation: given.Isolation ?? '',
    OomScoreAdj: given.OomScoreAdj ?? 0,
    ShmSize: given.ShmSize || settings.shmBytes,
    Runtime: given.Runtime || runtime,
    ConsoleSize: given.ConsoleSize ?? [0, 0],
    Binds: given.Binds ?? null,
    PortBindings: given.PortBindings ?? {},
    CapAdd: given.CapAdd ?? null,
    CapDrop: given.CapDrop ?? null,
    Dns: given.Dns ?? null,
    DnsOptions: given.DnsOptions ?? null,
    DnsSearch: given.DnsSearch ?? null,
    ExtraHosts: given.ExtraHosts ?? null,
    GroupAdd: given.GroupAdd ?? null,
    SecurityOpt: securityOptions(given),
    OomKillDisable: given.OomKillDisable ?? (cgroups === 'v2' ? null : false),
    Memory: given.Memory ?? 0,
    // As much swap as memory.
    MemorySwap: given.MemorySwap || 2 * Math.max(0, given.Memory ?? 0),
    NanoCpus: given.NanoCpus ?? 0,
    CpuShares: given.CpuShares ?? 0,
    PidsLimit: given.PidsLimit ?? null,
    MaskedPaths: given.MaskedPaths ?? (privileged ? null : maskedPaths),
    ReadonlyPaths: given.ReadonlyPaths ?? (privileged ? null : readonlyPaths)
  }
}

/** Where the output goes: to the engine's own driver unless said, which takes the engine's options where they are not given. */
function logConfigOf({ LogConfig }: HostConfig, { logConfig }: EngineSettings): NonNullable<HostConfig['LogConfig']> {
  const type = LogConfig?.Type || logConfig.type
  const own = LogConfig?.Config ?? {}
  return { Type: type, Config: type === logConfig.type ? { ...logConfig.options, ...own } : own }
}

/** What shares with the host is not labelled: Docker says so even where nothing is. */
function securityOptions(given: HostConfig): HostConfig['SecurityOpt'] {
  const isShared = given.Privileged || given.PidMode === 'host' || given.IpcMode === 'host'
  return isShared ? [...(given.SecurityOpt ?? []), 'label=disable'] : (given.SecurityOpt ?? null)
}
