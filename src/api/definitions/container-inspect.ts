import type { ContainerConfig } from './container-config.js'
import type { EndpointSettings } from './endpoint-settings.js'
import type { HostConfig, PortBinding } from './host-config.js'
import type { OCIDescriptor } from './oci-descriptor.js'
import type { DriverData, Storage } from './storage.js'

export interface HealthcheckResult {
  readonly Start: string
  readonly End: string
  readonly ExitCode: number
  readonly Output: string
}

export interface Health {
  readonly Status: 'none' | 'starting' | 'healthy' | 'unhealthy'
  readonly FailingStreak: number
  readonly Log?: readonly HealthcheckResult[] | undefined
}

export interface ContainerState {
  readonly Status: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead'
  readonly Running: boolean
  readonly Paused: boolean
  readonly Restarting: boolean
  readonly OOMKilled: boolean
  readonly Dead: boolean
  readonly Pid: number
  readonly ExitCode: number
  readonly Error: string
  readonly StartedAt: string
  readonly FinishedAt: string
  readonly Health?: Health | undefined
}

export interface Address {
  readonly Addr?: string | undefined
  readonly PrefixLen?: number | undefined
}

export interface NetworkSettings {
  readonly SandboxID?: string | undefined
  readonly SandboxKey?: string | undefined
  readonly Ports: Readonly<Record<string, readonly PortBinding[] | null>>
  readonly Networks: Readonly<Record<string, EndpointSettings>>
  /** Gone after API 1.51. */
  readonly Bridge?: string | undefined
  /** Gone after API 1.51. */
  readonly HairpinMode?: boolean | undefined
  /** Gone after API 1.51. */
  readonly LinkLocalIPv6Address?: string | undefined
  /** Gone after API 1.51. */
  readonly LinkLocalIPv6PrefixLen?: number | undefined
  /** Gone after API 1.51. */
  readonly SecondaryIPAddresses?: readonly Address[] | null | undefined
  /** Gone after API 1.51. */
  readonly SecondaryIPv6Addresses?: readonly Address[] | null | undefined
  /** Gone after API 1.51. */
  readonly EndpointID?: string | undefined
  /** Gone after API 1.51. */
  readonly Gateway?: string | undefined
  /** Gone after API 1.51. */
  readonly GlobalIPv6Address?: string | undefined
  /** Gone after API 1.51. */
  readonly GlobalIPv6PrefixLen?: number | undefined
  /** Gone after API 1.51. */
  readonly IPAddress?: string | undefined
  /** Gone after API 1.51. */
  readonly IPPrefixLen?: number | undefined
  /** Gone after API 1.51. */
  readonly IPv6Gateway?: string | undefined
  /** Gone after API 1.51. */
  readonly MacAddress?: string | undefined
}

export interface MountPoint {
  readonly Type: 'bind' | 'cluster' | 'image' | 'npipe' | 'tmpfs' | 'volume'
  readonly Name?: string | undefined
  readonly Source: string
  readonly Destination: string
  readonly Driver?: string | undefined
  readonly Mode: string
  readonly RW: boolean
  readonly Propagation: string
}

export interface ContainerInspectResponse {
  readonly Id: string
  readonly Created: string | null
  readonly Path: string
  readonly Args: readonly string[]
  readonly State: ContainerState
  readonly Image: string
  readonly ResolvConfPath: string
  readonly HostnamePath: string
  readonly HostsPath: string
  readonly LogPath: string | null
  readonly Name: string
  readonly RestartCount: number
  readonly Driver: string
  readonly Platform: string
  readonly ImageManifestDescriptor?: OCIDescriptor | undefined
  readonly MountLabel: string
  readonly ProcessLabel: string
  readonly AppArmorProfile: string
  readonly ExecIDs?: readonly string[] | null | undefined
  readonly HostConfig: HostConfig
  readonly GraphDriver?: DriverData | null | undefined
  readonly Storage?: Storage | null | undefined
  readonly SizeRw?: number | null | undefined
  readonly SizeRootFs?: number | null | undefined
  readonly Mounts: readonly MountPoint[]
  readonly Config: ContainerConfig
  readonly NetworkSettings: NetworkSettings
}
