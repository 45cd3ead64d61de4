import { boolean, integer, lazy, list, map, object, oneOf, type Shape, string } from '../schema.js'

export interface ThrottleDevice {
  readonly Path?: string | undefined
  readonly Rate?: number | undefined
}

/** Schema of {@link ThrottleDevice}. */
export const throttleDevice = lazy(() => object<ThrottleDevice>({ Path: string(), Rate: integer() }))

export interface DeviceMapping {
  readonly PathOnHost?: string | undefined
  readonly PathInContainer?: string | undefined
  readonly CgroupPermissions?: string | undefined
}

/** Schema of {@link DeviceMapping}. */
export const deviceMapping = lazy(() =>
  object<DeviceMapping>({ PathOnHost: string(), PathInContainer: string(), CgroupPermissions: string() })
)

export interface DeviceRequest {
  readonly Driver?: string | undefined
  readonly Count?: number | undefined
  readonly DeviceIDs?: readonly string[] | null | undefined
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

export interface RestartPolicy {
  readonly Name?: '' | 'no' | 'always' | 'unless-stopped' | 'on-failure' | undefined
  readonly MaximumRetryCount?: number | undefined
}

/** Schema of {@link RestartPolicy}. */
export const restartPolicy = lazy(() =>
  object<RestartPolicy>({ Name: oneOf('', 'no', 'always', 'unless-stopped', 'on-failure'), MaximumRetryCount: integer() })
)

export interface WeightDevice {
  readonly Path?: string | undefined
  readonly Weight?: number | undefined
}

/** Schema of {@link WeightDevice}. */
export const weightDevice = lazy(() => object<WeightDevice>({ Path: string(), Weight: integer() }))

export interface Ulimit {
  readonly Name?: string | undefined
  readonly Soft?: number | undefined
  readonly Hard?: number | undefined
}

/** Schema of {@link Ulimit}. */
export const ulimit = lazy(() => object<Ulimit>({ Name: string(), Soft: integer(), Hard: integer() }))

export interface Resources {
  readonly CpuShares?: number | undefined
  readonly Memory?: number | undefined
  readonly CgroupParent?: string | undefined
  readonly BlkioWeight?: number | undefined
  readonly BlkioWeightDevice?: readonly WeightDevice[] | null | undefined
  readonly BlkioDeviceReadBps?: readonly ThrottleDevice[] | null | undefined
  readonly BlkioDeviceWriteBps?: readonly ThrottleDevice[] | null | undefined
  readonly BlkioDeviceReadIOps?: readonly ThrottleDevice[] | null | undefined
  readonly BlkioDeviceWriteIOps?: readonly ThrottleDevice[] | null | undefined
  readonly CpuPeriod?: number | undefined
  readonly CpuQuota?: number | undefined
  readonly CpuRealtimePeriod?: number | undefined
  readonly CpuRealtimeRuntime?: number | undefined
  readonly CpusetCpus?: string | undefined
  readonly CpusetMems?: string | undefined
  readonly Devices?: readonly DeviceMapping[] | null | undefined
  readonly DeviceCgroupRules?: readonly string[] | null | undefined
  readonly DeviceRequests?: readonly DeviceRequest[] | null | undefined
  readonly MemoryReservation?: number | undefined
  readonly MemorySwap?: number | undefined
  readonly MemorySwappiness?: number | undefined
  readonly NanoCpus?: number | undefined
  readonly OomKillDisable?: boolean | undefined
  readonly Init?: boolean | null | undefined
  readonly PidsLimit?: number | null | undefined
  readonly Ulimits?: readonly Ulimit[] | null | undefined
  readonly CpuCount?: number | undefined
  readonly CpuPercent?: number | undefined
  readonly IOMaximumIOps?: number | undefined
  readonly IOMaximumBandwidth?: number | undefined
  /** Gone after API 1.51. */
  readonly KernelMemoryTCP?: number | undefined
  /** Gone after API 1.41. */
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
