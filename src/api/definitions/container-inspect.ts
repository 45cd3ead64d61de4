import type { ContainerConfig } from './container-config.js'
import type { EndpointSettings } from './endpoint-settings.js'
import type { HostConfig, PortBinding } from './host-config.js'
import type { OCIDescriptor } from './oci-descriptor.js'
import type { DriverData, Storage } from './storage.js'

/** One check. */
export interface HealthcheckResult {
  readonly Start: string
  readonly End: string
  /** 0 healthy, 1 unhealthy, 2 reserved, others an error of the check. */
  readonly ExitCode: number
  readonly Output: string
}

/** A container's health. */
export interface Health {
  readonly Status: 'none' | 'starting' | 'healthy' | 'unhealthy'
  /** Failures in a row. */
  readonly FailingStreak: number
  /** The last checks, oldest first. */
  readonly Log?: readonly HealthcheckResult[] | undefined
}

/** A container's state. */
export interface ContainerState {
  readonly Status: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead'
  /** Also true while paused or restarting. */
  readonly Running: boolean
  readonly Paused: boolean
  readonly Restarting: boolean
  readonly OOMKilled: boolean
  readonly Dead: boolean
  /** On the host; 0 when it does not run. */
  readonly Pid: number
  readonly ExitCode: number
  /** Why it could not be started; empty otherwise. */
  readonly Error: string
  /** `0001-01-01T00:00:00Z` when never. */
  readonly StartedAt: string
  /** `0001-01-01T00:00:00Z` when never. */
  readonly FinishedAt: string
  readonly Health?: Health | undefined
}

/** An address with its prefix length. */
export interface Address {
  readonly Addr?: string | undefined
  readonly PrefixLen?: number | undefined
}

/** A container's networks and published ports. */
export interface NetworkSettings {
  readonly SandboxID?: string | undefined
  /** Path of the network namespace. */
  readonly SandboxKey?: string | undefined
  /** By container port; null where it is exposed only. */
  readonly Ports: Readonly<Record<string, readonly PortBinding[] | null>>
  readonly Networks: Readonly<Record<string, EndpointSettings>>
  /** Until API 1.51. */
  readonly Bridge?: string | undefined
  /** Until API 1.51. */
  readonly HairpinMode?: boolean | undefined
  /** Until API 1.51. */
  readonly LinkLocalIPv6Address?: string | undefined
  /** Until API 1.51. */
  readonly LinkLocalIPv6PrefixLen?: number | undefined
  /** Until API 1.51. */
  readonly SecondaryIPAddresses?: readonly Address[] | null | undefined
  /** Until API 1.51. */
  readonly SecondaryIPv6Addresses?: readonly Address[] | null | undefined
  /** Until API 1.51. */
  readonly EndpointID?: string | undefined
  /** Until API 1.51. */
  readonly Gateway?: string | undefined
  /** Until API 1.51. */
  readonly GlobalIPv6Address?: string | undefined
  /** Until API 1.51. */
  readonly GlobalIPv6PrefixLen?: number | undefined
  /** Until API 1.51. */
  readonly IPAddress?: string | undefined
  /** Until API 1.51. */
  readonly IPPrefixLen?: number | undefined
  /** Until API 1.51. */
  readonly IPv6Gateway?: string | undefined
  /** Until API 1.51. */
  readonly MacAddress?: string | undefined
}

/** A mount as the container has it. */
export interface MountPoint {
  readonly Type: 'bind' | 'cluster' | 'image' | 'npipe' | 'tmpfs' | 'volume'
  /** Of the volume. */
  readonly Name?: string | undefined
  readonly Source: string
  readonly Destination: string
  readonly Driver?: string | undefined
  /** Options as they were given. */
  readonly Mode: string
  readonly RW: boolean
  readonly Propagation: string
}

/** Everything about one container. */
export interface ContainerInspectResponse {
  readonly Id: string
  /** RFC 3339. */
  readonly Created: string | null
  readonly Path: string
  readonly Args: readonly string[]
  readonly State: ContainerState
  /** Id of its image. */
  readonly Image: string
  readonly ResolvConfPath: string
  readonly HostnamePath: string
  readonly HostsPath: string
  readonly LogPath: string | null
  /** With a leading slash. */
  readonly Name: string
  readonly RestartCount: number
  readonly Driver: string
  readonly Platform: string
  /** Since API 1.48, where containerd stores the image. */
  readonly ImageManifestDescriptor?: OCIDescriptor | undefined
  readonly MountLabel: string
  readonly ProcessLabel: string
  readonly AppArmorProfile: string
  /** Of those that run. */
  readonly ExecIDs?: readonly string[] | null | undefined
  readonly HostConfig: HostConfig
  readonly GraphDriver?: DriverData | null | undefined
  /** Since API 1.52, in place of GraphDriver where containerd stores the image. */
  readonly Storage?: Storage | null | undefined
  /** Bytes that differ from the image; only when asked for. */
  readonly SizeRw?: number | null | undefined
  /** Bytes in all; only when asked for. */
  readonly SizeRootFs?: number | null | undefined
  readonly Mounts: readonly MountPoint[]
  readonly Config: ContainerConfig
  readonly NetworkSettings: NetworkSettings
}
