import { type Empty, empty, integer, lazy, list, map, object, oneOf, string } from '../schema.js'

/** A place in a cluster, by the words of the storage plugin. */
export interface Topology {
  readonly Segments?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link Topology}. */
export const topology = lazy(() => object<Topology>({ Segments: map(string()) }))

/** A swarm secret that the storage plugin gets. */
export interface VolumeSecret {
  readonly Key?: string | undefined
  readonly Secret?: string | undefined
}

/** Schema of {@link VolumeSecret}. */
export const volumeSecret = lazy(() => object<VolumeSecret>({ Key: string(), Secret: string() }))

/** Where in the cluster a volume has to be reachable. */
export interface TopologyRequirement {
  readonly Requisite?: readonly Topology[] | null | undefined
  readonly Preferred?: readonly Topology[] | null | undefined
}

/** Schema of {@link TopologyRequirement}. */
export const topologyRequirement = lazy(() => object<TopologyRequirement>({ Requisite: list(topology()), Preferred: list(topology()) }))

/** Size in bytes; 0 leaves it open. */
export interface CapacityRange {
  readonly RequiredBytes?: number | undefined
  readonly LimitBytes?: number | undefined
}

/** Schema of {@link CapacityRange}. */
export const capacityRange = lazy(() => object<CapacityRange>({ RequiredBytes: integer(), LimitBytes: integer() }))

/** Who may use a cluster volume, and how. */
export interface VolumeAccessMode {
  readonly Scope?: 'single' | 'multi' | undefined
  readonly Sharing?: 'none' | 'readonly' | 'onewriter' | 'all' | undefined
  readonly MountVolume?: Empty | undefined
  readonly Secrets?: readonly VolumeSecret[] | null | undefined
  readonly AccessibilityRequirements?: TopologyRequirement | undefined
  readonly CapacityRange?: CapacityRange | undefined
  readonly Availability?: 'active' | 'pause' | 'drain' | undefined
}

/** Schema of {@link VolumeAccessMode}. */
export const volumeAccessMode = lazy(() =>
  object<VolumeAccessMode>({
    Scope: oneOf('single', 'multi'),
    Sharing: oneOf('none', 'readonly', 'onewriter', 'all'),
    MountVolume: empty(),
    Secrets: list(volumeSecret()),
    AccessibilityRequirements: topologyRequirement(),
    CapacityRange: capacityRange(),
    Availability: oneOf('active', 'pause', 'drain')
  })
)

/** A volume of the whole swarm (CSI). Since API 1.42. */
export interface ClusterVolumeSpec {
  readonly Group?: string | undefined
  readonly AccessMode?: VolumeAccessMode | undefined
}

/** Schema of {@link ClusterVolumeSpec}. */
export const clusterVolumeSpec = lazy(() => object<ClusterVolumeSpec>({ Group: string(), AccessMode: volumeAccessMode() }))

/** A volume to make. */
export interface VolumeCreateRequest {
  /** Made up when absent. */
  readonly Name?: string | undefined
  readonly Driver?: string | undefined
  readonly DriverOpts?: Readonly<Record<string, string>> | null | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  readonly ClusterVolumeSpec?: ClusterVolumeSpec | undefined
}

/** Schema of {@link VolumeCreateRequest}. */
export const volumeCreateRequest = lazy(() =>
  object<VolumeCreateRequest>({
    Name: string(),
    Driver: string(),
    DriverOpts: map(string()),
    Labels: map(string()),
    ClusterVolumeSpec: clusterVolumeSpec()
  })
)

/** What to change about a cluster volume; only its availability can be. */
export interface VolumeUpdateRequest {
  readonly Spec?: ClusterVolumeSpec | undefined
}

/** Schema of {@link VolumeUpdateRequest}. */
export const volumeUpdateRequest = lazy(() => object<VolumeUpdateRequest>({ Spec: clusterVolumeSpec() }))
