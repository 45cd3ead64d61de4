import type { HostConfig } from '../../src/api/index.js'
import { defaultShmBytes, maskedPaths, readonlyPaths } from '../oci/default-mounts.js'

/** A host configuration with what Docker fills in, so that `inspect` shows how the container really is. */
export function withDefaults(given: HostConfig, runtimeName: string): HostConfig {
  const privileged = given.Privileged ?? false
  return {
    ...given,
    NetworkMode: given.NetworkMode || 'default',
    RestartPolicy: { Name: given.RestartPolicy?.Name || 'no', MaximumRetryCount: given.RestartPolicy?.MaximumRetryCount ?? 0 },
    LogConfig: { Type: given.LogConfig?.Type || 'json-file', Config: given.LogConfig?.Config ?? {} },
    AutoRemove: given.AutoRemove ?? false,
    Privileged: privileged,
    ReadonlyRootfs: given.ReadonlyRootfs ?? false,
    PublishAllPorts: given.PublishAllPorts ?? false,
    IpcMode: given.IpcMode || 'private',
    CgroupnsMode: given.CgroupnsMode || 'host',
    PidMode: given.PidMode ?? '',
    UTSMode: given.UTSMode ?? '',
    UsernsMode: given.UsernsMode ?? '',
    Isolation: given.Isolation ?? '',
    OomScoreAdj: given.OomScoreAdj ?? 0,
    ShmSize: given.ShmSize || defaultShmBytes,
    Runtime: given.Runtime || runtimeName,
    ConsoleSize: given.ConsoleSize ?? [0, 0],
    Binds: given.Binds ?? null,
    PortBindings: given.PortBindings ?? {},
    CapAdd: given.CapAdd ?? null,
    CapDrop: given.CapDrop ?? null,
    Dns: given.Dns ?? [],
    DnsOptions: given.DnsOptions ?? [],
    DnsSearch: given.DnsSearch ?? [],
    ExtraHosts: given.ExtraHosts ?? null,
    GroupAdd: given.GroupAdd ?? null,
    SecurityOpt: given.SecurityOpt ?? null,
    Memory: given.Memory ?? 0,
    NanoCpus: given.NanoCpus ?? 0,
    CpuShares: given.CpuShares ?? 0,
    PidsLimit: given.PidsLimit ?? null,
    MaskedPaths: given.MaskedPaths ?? (privileged ? null : maskedPaths),
    ReadonlyPaths: given.ReadonlyPaths ?? (privileged ? null : readonlyPaths)
  }
}
