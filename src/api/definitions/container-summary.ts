import type { MountPoint } from './container-inspect.js'
import type { EndpointSettings } from './endpoint-settings.js'
import type { OCIDescriptor } from './oci-descriptor.js'

export interface PortSummary {
  readonly IP?: string | undefined
  readonly PrivatePort: number
  readonly PublicPort?: number | undefined
  readonly Type: 'tcp' | 'udp' | 'sctp'
}

export interface ContainerSummaryHostConfig {
  readonly NetworkMode?: string | undefined
  readonly Annotations?: Readonly<Record<string, string>> | null | undefined
}

export interface ContainerSummaryNetworkSettings {
  readonly Networks?: Readonly<Record<string, EndpointSettings>> | undefined
}

export interface ContainerSummaryHealth {
  readonly Status?: 'none' | 'starting' | 'healthy' | 'unhealthy' | undefined
  readonly FailingStreak?: number | undefined
}

export interface ContainerSummary {
  readonly Id: string
  readonly Names: readonly string[]
  readonly Image: string
  readonly ImageID: string
  readonly ImageManifestDescriptor?: OCIDescriptor | null | undefined
  readonly Command: string
  readonly Created: number
  readonly Ports: readonly PortSummary[]
  readonly SizeRw?: number | null | undefined
  readonly SizeRootFs?: number | null | undefined
  readonly Labels: Readonly<Record<string, string>>
  readonly State: 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'removing' | 'dead'
  readonly Status: string
  readonly HostConfig: ContainerSummaryHostConfig
  readonly NetworkSettings: ContainerSummaryNetworkSettings
  readonly Mounts: readonly MountPoint[]
  readonly Health?: ContainerSummaryHealth | undefined
}
