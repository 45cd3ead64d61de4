import { type Empty, empty, integer, lazy, list, map, object, oneOf, string } from '../schema.js'

export interface Topology {
  readonly Segments?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link Topology}. */
export const topology = lazy(() => object<Topology>({ Segments: map(string()) }))

export interface AccessModeSecrets {
  readonly Key?: string | undefined
  readonly Secret?: string | undefined
}

/** Schema of {@link AccessModeSecrets}. */
export const accessModeSecrets = lazy(() => object<AccessModeSecrets>({ Key: string(), Secret: string() }))

export interface AccessModeAccessibilityRequirements {
  readonly Requisite?: readonly Topology[] | null | undefined
  readonly Preferred?: readonly Topology[] | null | undefined
}

/** Schema of {@link AccessModeAccessibilityRequirements}. */
export const accessModeAccessibilityRequirements = lazy(() =>
  object<AccessModeAccessibilityRequirements>({ Requisite: list(topology()), Preferred: list(topology()) })
)

export interface AccessModeCapacityRange {
  readonly RequiredBytes?: number | undefined
  readonly LimitBytes?: number | undefined
}

/** Schema of {@link AccessModeCapacityRange}. */
export const accessModeCapacityRange = lazy(() => object<AccessModeCapacityRange>({ RequiredBytes: integer(), LimitBytes: integer() }))

export interface ClusterVolumeSpecAccessMode {
  readonly Scope?: 'single' | 'multi' | undefined
  readonly Sharing?: 'none' | 'readonly' | 'onewriter' | 'all' | undefined
  readonly MountVolume?: Empty | undefined
  readonly Secrets?: readonly AccessModeSecrets[] | null | undefined
  readonly AccessibilityRequirements?: AccessModeAccessibilityRequirements | undefined
  readonly CapacityRange?: AccessModeCapacityRange | undefined
  readonly Availability?: 'active' | 'pause' | 'drain' | undefined
}

/** Schema of {@link ClusterVolumeSpecAccessMode}. */
export const clusterVolumeSpecAccessMode = lazy(() =>
  object<ClusterVolumeSpecAccessMode>({
    Scope: oneOf('single', 'multi'),
    Sharing: oneOf('none', 'readonly', 'onewriter', 'all'),
    MountVolume: empty(),
    Secrets: list(accessModeSecrets()),
    AccessibilityRequirements: accessModeAccessibilityRequirements(),
    CapacityRange: accessModeCapacityRange(),
    Availability: oneOf('active', 'pause', 'drain')
  })
)

export interface ClusterVolumeSpec {
  readonly Group?: string | undefined
  readonly AccessMode?: ClusterVolumeSpecAccessMode | undefined
}

/** Schema of {@link ClusterVolumeSpec}. */
export const clusterVolumeSpec = lazy(() => object<ClusterVolumeSpec>({ Group: string(), AccessMode: clusterVolumeSpecAccessMode() }))

export interface VolumeCreateRequest {
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

export interface VolumeUpdateRequest {
  readonly Spec?: ClusterVolumeSpec | undefined
}

/** Schema of {@link VolumeUpdateRequest}. */
export const volumeUpdateRequest = lazy(() => object<VolumeUpdateRequest>({ Spec: clusterVolumeSpec() }))
