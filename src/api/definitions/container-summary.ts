import type { MountPoint } from './container-inspect.js'
import type { EndpointSettings } from './endpoint-settings.js'
import type { OCIDescriptor } from './oci-descriptor.js'

/** A port of a container in a list. */
export interface PortSummary {
  /** Address on the host it is published on. */
  readonly IP?: string | undefined
  readonly PrivatePort: number
  readonly PublicPort?: number | undefined
  readonly Type: 'tcp' | 'udp' | 'sctp'
}

/** The part of HostConfig that lists show. */
export interface ContainerSummaryHostConfig {
  readonly NetworkMode?: string | undefined
  readonly Annotations?: Readonly<Record<string, string>> | null | undefined
}

/** The part of NetworkSettings that lists show. */
export interface ContainerSummaryNetworkSettings {
  readonly Networks?: Readonly<Record<string, EndpointSettings>> | undefined
}

/** The part of Health that lists show. */
export interface ContainerSummaryHealth {
  readonly Status?: 'none' | 'starting' | 'healthy' | 'unhealthy' | undefined
  readonly FailingStreak?: number | undefined
}

/** A container in a list. */
export interface ContainerSummary {
  readonly Id: string
  /** With a leading slash. */
  readonly Names: readonly string[]
  /** As it was named when the container was made. */
  readonly Image: string
  readonly ImageID: string
  readonly ImageManifestDescriptor?: OCIDescriptor | null | undefined
  readonly Command: string
  /** Unix seconds. */
  readonly Created: number
  readonly Ports: readonly PortSummary[]
  /** Only when asked for. */
  readonly SizeRw?: number | null | undefined
  /** Only when asked for. */
  readonly SizeRootFs?: number | null | undefined
  readonly Labels: Readonly<Record<string, string>>
  readonly State: 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'removing' | 'dead'
  /** For people, such as `Up 3 hours`. */
  readonly Status: string
  readonly HostConfig: ContainerSummaryHostConfig
  readonly NetworkSettings: ContainerSummaryNetworkSettings
  readonly Mounts: readonly MountPoint[]
  /** Since API 1.52. */
  readonly Health?: ContainerSummaryHealth | undefined
}
