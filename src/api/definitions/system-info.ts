import type { ClusterInfo } from './swarm.js'

export interface PluginsInfo {
  readonly Volume?: readonly string[] | undefined
  readonly Network?: readonly string[] | undefined
  readonly Authorization?: readonly string[] | undefined
  readonly Log?: readonly string[] | undefined
}

export interface IndexInfo {
  readonly Name?: string | undefined
  readonly Mirrors?: readonly string[] | undefined
  readonly Secure?: boolean | undefined
  readonly Official?: boolean | undefined
}

export interface RegistryServiceConfig {
  readonly InsecureRegistryCIDRs?: readonly string[] | undefined
  readonly IndexConfigs?: Readonly<Record<string, IndexInfo>> | undefined
  readonly Mirrors?: readonly string[] | undefined
  /** Gone after API 1.41. */
  readonly AllowNondistributableArtifactsCIDRs?: readonly string[] | undefined
  /** Gone after API 1.41. */
  readonly AllowNondistributableArtifactsHostnames?: readonly string[] | undefined
}

export interface Runtime {
  readonly path?: string | undefined
  readonly runtimeArgs?: readonly string[] | null | undefined
  readonly status?: Readonly<Record<string, string>> | null | undefined
}

export interface Commit {
  readonly ID?: string | undefined
  /** Gone after API 1.41. */
  readonly Expected?: string | undefined
}

export interface PeerNode {
  readonly NodeID?: string | undefined
  readonly Addr?: string | undefined
}

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

export interface DeviceInfo {
  readonly Source?: string | undefined
  readonly ID?: string | undefined
}

export interface NRIInfo {
  readonly Info?: readonly (readonly string[])[] | undefined
}

export interface FirewallInfo {
  readonly Driver?: string | undefined
  readonly Info?: readonly (readonly string[])[] | undefined
}

export interface ContainerdInfoNamespaces {
  readonly Containers?: string | undefined
  readonly Plugins?: string | undefined
}

export interface ContainerdInfo {
  readonly Address?: string | undefined
  readonly Namespaces?: ContainerdInfoNamespaces | undefined
}

export interface GenericResourcesNamedResourceSpec {
  readonly Kind?: string | undefined
  readonly Value?: string | undefined
}

export interface GenericResourcesDiscreteResourceSpec {
  readonly Kind?: string | undefined
  readonly Value?: number | undefined
}

export interface GenericResources {
  readonly NamedResourceSpec?: GenericResourcesNamedResourceSpec | undefined
  readonly DiscreteResourceSpec?: GenericResourcesDiscreteResourceSpec | undefined
}

export interface AddressPool {
  readonly Base?: string | undefined
  readonly Size?: number | undefined
}

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
  readonly NFd?: number | undefined
  readonly NGoroutines?: number | undefined
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
  readonly MemTotal: number
  readonly IndexServerAddress?: string | undefined
  readonly RegistryConfig?: RegistryServiceConfig | undefined
  readonly GenericResources?: readonly GenericResources[] | undefined
  readonly HttpProxy?: string | undefined
  readonly HttpsProxy?: string | undefined
  readonly NoProxy?: string | undefined
  readonly Name: string
  readonly Labels?: readonly string[] | undefined
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
  readonly SecurityOptions?: readonly string[] | undefined
  readonly ProductLicense?: string | undefined
  readonly DefaultAddressPools?: readonly AddressPool[] | undefined
  readonly FirewallBackend?: FirewallInfo | undefined
  readonly DiscoveredDevices?: readonly DeviceInfo[] | undefined
  readonly NRI?: NRIInfo | undefined
  readonly Warnings?: readonly string[] | undefined
  readonly CDISpecDirs?: readonly string[] | undefined
  readonly Containerd?: ContainerdInfo | undefined
  /** Gone after API 1.51. */
  readonly KernelMemoryTCP?: boolean | undefined
  /** Gone after API 1.41. */
  readonly KernelMemory?: boolean | undefined
  /** Gone after API 1.41. */
  readonly BridgeNfIptables?: boolean | undefined
  /** Gone after API 1.41. */
  readonly BridgeNfIp6tables?: boolean | undefined
  /** Gone after API 1.41. */
  readonly ClusterStore?: string | undefined
  /** Gone after API 1.41. */
  readonly ClusterAdvertise?: string | undefined
}
