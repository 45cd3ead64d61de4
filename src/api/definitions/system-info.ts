import type { ClusterInfo } from './swarm.js'
import type { GenericResource } from './task-spec.js'

/** Drivers by kind. */
export interface PluginsInfo {
  readonly Volume?: readonly string[] | undefined
  readonly Network?: readonly string[] | undefined
  readonly Authorization?: readonly string[] | undefined
  readonly Log?: readonly string[] | undefined
}

/** A registry as the engine is set up for it. */
export interface IndexInfo {
  readonly Name?: string | undefined
  readonly Mirrors?: readonly string[] | undefined
  readonly Secure?: boolean | undefined
  readonly Official?: boolean | undefined
}

/** How the engine is set up for registries. */
export interface RegistryServiceConfig {
  readonly InsecureRegistryCIDRs?: readonly string[] | undefined
  readonly IndexConfigs?: Readonly<Record<string, IndexInfo>> | undefined
  readonly Mirrors?: readonly string[] | undefined
  /** No longer in API 1.51. */
  readonly AllowNondistributableArtifactsCIDRs?: readonly string[] | undefined
  /** No longer in API 1.51. */
  readonly AllowNondistributableArtifactsHostnames?: readonly string[] | undefined
}

/** An OCI runtime. */
export interface Runtime {
  readonly path?: string | undefined
  readonly runtimeArgs?: readonly string[] | null | undefined
  readonly status?: Readonly<Record<string, string>> | null | undefined
}

/** The version of a part, as a commit. */
export interface Commit {
  readonly ID?: string | undefined
  /** No longer in API 1.51. */
  readonly Expected?: string | undefined
}

/** A manager of the swarm. */
export interface PeerNode {
  readonly NodeID?: string | undefined
  readonly Addr?: string | undefined
}

/** The engine's place in a swarm. */
export interface SwarmInfo {
  readonly NodeID?: string | undefined
  readonly NodeAddr?: string | undefined
  readonly LocalNodeState?: '' | 'inactive' | 'pending' | 'active' | 'error' | 'locked' | undefined
  readonly ControlAvailable?: boolean | undefined
  readonly Error?: string | undefined
  readonly RemoteManagers?: readonly PeerNode[] | null | undefined
  readonly Nodes?: number | null | undefined
  readonly Managers?: number | null | undefined
  readonly Cluster?: ClusterInfo | undefined
}

/** A device that a driver has found. */
export interface DeviceInfo {
  readonly Source?: string | undefined
  readonly ID?: string | undefined
}

/** The node resource interface. */
export interface NRIInfo {
  readonly Info?: readonly (readonly string[])[] | undefined
}

/** What makes the firewall rules. */
export interface FirewallInfo {
  readonly Driver?: string | undefined
  readonly Info?: readonly (readonly string[])[] | undefined
}

/** containerd's namespaces that the engine uses. */
export interface ContainerdNamespaces {
  readonly Containers?: string | undefined
  readonly Plugins?: string | undefined
}

/** The containerd the engine uses. */
export interface ContainerdInfo {
  readonly Address?: string | undefined
  readonly Namespaces?: ContainerdNamespaces | undefined
}

/** Where networks without a subnet take theirs from. */
export interface AddressPool {
  readonly Base?: string | undefined
  readonly Size?: number | undefined
}

/** The engine, its host and what it can do. */
export interface SystemInfoResponse {
  readonly ID: string
  readonly Containers: number
  readonly ContainersRunning: number
  readonly ContainersPaused: number
  readonly ContainersStopped: number
  readonly Images: number
  readonly Driver: string
  readonly DriverStatus?: readonly (readonly string[])[] | undefined
  readonly DockerRootDir: string
  readonly Plugins?: PluginsInfo | undefined
  readonly MemoryLimit?: boolean | undefined
  readonly SwapLimit?: boolean | undefined
  readonly CpuCfsPeriod?: boolean | undefined
  readonly CpuCfsQuota?: boolean | undefined
  readonly CPUShares?: boolean | undefined
  readonly CPUSet?: boolean | undefined
  readonly PidsLimit?: boolean | undefined
  readonly OomKillDisable?: boolean | undefined
  readonly IPv4Forwarding?: boolean | undefined
  readonly Debug?: boolean | undefined
  /** Open files; only while debugging. */
  readonly NFd?: number | undefined
  /** Only while debugging. */
  readonly NGoroutines?: number | undefined
  /** RFC 3339. */
  readonly SystemTime?: string | undefined
  readonly LoggingDriver?: string | undefined
  readonly CgroupDriver?: 'cgroupfs' | 'systemd' | 'none' | undefined
  readonly CgroupVersion?: '1' | '2' | undefined
  readonly NEventsListener?: number | undefined
  readonly KernelVersion: string
  readonly OperatingSystem: string
  readonly OSVersion?: string | undefined
  readonly OSType: string
  readonly Architecture: string
  readonly NCPU: number
  /** Bytes. */
  readonly MemTotal: number
  readonly IndexServerAddress?: string | undefined
  readonly RegistryConfig?: RegistryServiceConfig | undefined
  readonly GenericResources?: readonly GenericResource[] | null | undefined
  readonly HttpProxy?: string | undefined
  readonly HttpsProxy?: string | undefined
  readonly NoProxy?: string | undefined
  readonly Name: string
  /** `key=value` each. */
  readonly Labels?: readonly string[] | null | undefined
  readonly ExperimentalBuild?: boolean | undefined
  readonly ServerVersion: string
  readonly Runtimes?: Readonly<Record<string, Runtime>> | undefined
  readonly DefaultRuntime?: string | undefined
  readonly Swarm?: SwarmInfo | undefined
  readonly LiveRestoreEnabled?: boolean | undefined
  readonly Isolation?: 'default' | 'hyperv' | 'process' | '' | undefined
  readonly InitBinary?: string | undefined
  readonly ContainerdCommit?: Commit | undefined
  readonly RuncCommit?: Commit | undefined
  readonly InitCommit?: Commit | undefined
  /** Such as `name=seccomp,profile=builtin`. */
  readonly SecurityOptions?: readonly string[] | undefined
  readonly ProductLicense?: string | undefined
  readonly DefaultAddressPools?: readonly AddressPool[] | undefined
  readonly FirewallBackend?: FirewallInfo | undefined
  readonly DiscoveredDevices?: readonly DeviceInfo[] | undefined
  readonly NRI?: NRIInfo | undefined
  readonly Warnings?: readonly string[] | null | undefined
  readonly CDISpecDirs?: readonly string[] | undefined
  readonly Containerd?: ContainerdInfo | undefined
  /** Until API 1.51. */
  readonly KernelMemoryTCP?: boolean | undefined
  /** No longer in API 1.51. */
  readonly KernelMemory?: boolean | undefined
  /** No longer in API 1.51. */
  readonly BridgeNfIptables?: boolean | undefined
  /** No longer in API 1.51. */
  readonly BridgeNfIp6tables?: boolean | undefined
  /** No longer in API 1.51. */
  readonly ClusterStore?: string | undefined
  /** No longer in API 1.51. */
  readonly ClusterAdvertise?: string | undefined
}
