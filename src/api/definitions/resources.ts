import { boolean, integer, lazy, list, map, object, type Shape, string, word } from '../schema.js'

/** A limit for one block device. */
export interface ThrottleDevice {
  readonly Path?: string | undefined
  /** Bytes or operations a second. */
  readonly Rate?: number | undefined
}

/** Schema of {@link ThrottleDevice}. */
export const throttleDevice = lazy(() => object<ThrottleDevice>({ Path: string(), Rate: integer() }))

/** A device of the host in the container. */
export interface DeviceMapping {
  readonly PathOnHost?: string | undefined
  readonly PathInContainer?: string | undefined
  /** Any of `r`, `w` and `m` (make nodes). */
  readonly CgroupPermissions?: string | undefined
}

/** Schema of {@link DeviceMapping}. */
export const deviceMapping = lazy(() =>
  object<DeviceMapping>({ PathOnHost: string(), PathInContainer: string(), CgroupPermissions: string() })
)

/** Devices asked for by what they can do, such as GPUs. */
export interface DeviceRequest {
  /** When given, the capabilities do not choose the driver. */
  readonly Driver?: string | undefined
  /** -1 for all. */
  readonly Count?: number | undefined
  readonly DeviceIDs?: readonly string[] | null | undefined
  /** Alternatives, each a list of things needed together. */
  readonly Capabilities?: readonly (readonly string[])[] | null | undefined
  readonly Options?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link DeviceRequest}. */
export const deviceRequest = lazy(() =>
  object<DeviceRequest>({
    Driver: string(),
    Count: integer(),
    DeviceIDs: list(string()),
    Capabilities: list(list(string())),
    Options: map(string())
  })
)

/** What happens when a container ends by itself. Attempts are spaced out, 100 ms at first, then twice as long each time. */
export interface RestartPolicy {
  readonly Name?: '' | 'no' | 'always' | 'unless-stopped' | 'on-failure' | undefined
  /** With `on-failure`; 0 for no limit. */
  readonly MaximumRetryCount?: number | undefined
}

/** Schema of {@link RestartPolicy}. */
export const restartPolicy = lazy(() =>
  object<RestartPolicy>({ Name: word<NonNullable<RestartPolicy['Name']>>(), MaximumRetryCount: integer() })
)

/** A share of one block device. */
export interface WeightDevice {
  readonly Path?: string | undefined
  /** 10 to 1000. */
  readonly Weight?: number | undefined
}

/** Schema of {@link WeightDevice}. */
export const weightDevice = lazy(() => object<WeightDevice>({ Path: string(), Weight: integer() }))

/** A resource limit of the processes, as setrlimit(2). */
export interface Ulimit {
  /** Lower case without `RLIMIT_`, e.g. `nofile`. */
  readonly Name?: string | undefined
  /** -1 for no limit. */
  readonly Soft?: number | undefined
  /** -1 for no limit. */
  readonly Hard?: number | undefined
}

/** Schema of {@link Ulimit}. */
export const ulimit = lazy(() => object<Ulimit>({ Name: string(), Soft: integer(), Hard: integer() }))

/** Limits on what a container may use. 0 is no limit. */
export interface Resources {
  /** Weight among containers; 1024 is one share. */
  readonly CpuShares?: number | undefined
  /** Bytes. */
  readonly Memory?: number | undefined
  /** Cgroup under which the container gets its own. */
  readonly CgroupParent?: string | undefined
  /** 10 to 1000. */
  readonly BlkioWeight?: number | undefined
  readonly BlkioWeightDevice?: readonly WeightDevice[] | null | undefined
  readonly BlkioDeviceReadBps?: readonly ThrottleDevice[] | null | undefined
  readonly BlkioDeviceWriteBps?: readonly ThrottleDevice[] | null | undefined
  readonly BlkioDeviceReadIOps?: readonly ThrottleDevice[] | null | undefined
  readonly BlkioDeviceWriteIOps?: readonly ThrottleDevice[] | null | undefined
  /** Microseconds. */
  readonly CpuPeriod?: number | undefined
  /** Microseconds in a period. */
  readonly CpuQuota?: number | undefined
  /** Microseconds. */
  readonly CpuRealtimePeriod?: number | undefined
  /** Microseconds. */
  readonly CpuRealtimeRuntime?: number | undefined
  /** Such as `0-3` or `0,1`. */
  readonly CpusetCpus?: string | undefined
  /** NUMA nodes, such as `0-3`. */
  readonly CpusetMems?: string | undefined
  readonly Devices?: readonly DeviceMapping[] | null | undefined
  /** Such as `c 13:* rwm`. */
  readonly DeviceCgroupRules?: readonly string[] | null | undefined
  readonly DeviceRequests?: readonly DeviceRequest[] | null | undefined
  /** Bytes it is pushed back to when memory is short. */
  readonly MemoryReservation?: number | undefined
  /** Bytes, memory included; -1 for no limit. */
  readonly MemorySwap?: number | undefined
  /** 0 to 100; -1 for the default. */
  readonly MemorySwappiness?: number | null | undefined
  /** Billionths of a CPU. */
  readonly NanoCpus?: number | undefined
  readonly OomKillDisable?: boolean | null | undefined
  /** Run an init process that forwards signals and reaps. */
  readonly Init?: boolean | null | undefined
  /** 0 or -1 for no limit; null leaves it as it is. */
  readonly PidsLimit?: number | null | undefined
  readonly Ulimits?: readonly Ulimit[] | null | undefined
  /** Windows only. */
  readonly CpuCount?: number | undefined
  /** Windows only. */
  readonly CpuPercent?: number | undefined
  /** Windows only. */
  readonly IOMaximumIOps?: number | undefined
  /** Windows only. Bytes a second. */
  readonly IOMaximumBandwidth?: number | undefined
  /** Bytes. Until API 1.51. */
  readonly KernelMemoryTCP?: number | undefined
  /** Bytes. No longer in API 1.51. */
  readonly KernelMemory?: number | undefined
}

export const resourcesShape = lazy(
  (): Shape<Resources> => ({
    CpuShares: integer(),
    Memory: integer(),
    CgroupParent: string(),
    BlkioWeight: integer(),
    BlkioWeightDevice: list(weightDevice()),
    BlkioDeviceReadBps: list(throttleDevice()),
    BlkioDeviceWriteBps: list(throttleDevice()),
    BlkioDeviceReadIOps: list(throttleDevice()),
    BlkioDeviceWriteIOps: list(throttleDevice()),
    CpuPeriod: integer(),
    CpuQuota: integer(),
    CpuRealtimePeriod: integer(),
    CpuRealtimeRuntime: integer(),
    CpusetCpus: string(),
    CpusetMems: string(),
    Devices: list(deviceMapping()),
    DeviceCgroupRules: list(string()),
    DeviceRequests: list(deviceRequest()),
    MemoryReservation: integer(),
    MemorySwap: integer(),
    MemorySwappiness: integer(),
    NanoCpus: integer(),
    OomKillDisable: boolean(),
    Init: boolean(),
    PidsLimit: integer(),
    Ulimits: list(ulimit()),
    CpuCount: integer(),
    CpuPercent: integer(),
    IOMaximumIOps: integer(),
    IOMaximumBandwidth: integer(),
    KernelMemoryTCP: integer(),
    KernelMemory: integer()
  })
)

/** Schema of {@link Resources}. */
export const resources = lazy(() => object<Resources>(resourcesShape()))
