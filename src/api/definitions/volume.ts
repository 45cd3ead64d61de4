import type { ObjectVersion } from './object-version.js'
import type { ClusterVolumeSpec, Topology } from './volume-requests.js'

/** What the storage plugin says about a cluster volume. */
export interface ClusterVolumeInfo {
  readonly CapacityBytes?: number | undefined
  readonly VolumeContext?: Readonly<Record<string, string>> | undefined
  readonly VolumeID?: string | undefined
  readonly AccessibleTopology?: readonly Topology[] | undefined
}

/** The state of a cluster volume on one node. */
export interface ClusterVolumePublishStatus {
  readonly NodeID?: string | undefined
  readonly State?: 'pending-publish' | 'published' | 'pending-node-unpublish' | 'pending-controller-unpublish' | undefined
  readonly PublishContext?: Readonly<Record<string, string>> | undefined
}

/** The cluster side of a volume. */
export interface ClusterVolume {
  readonly ID?: string | undefined
  readonly Version?: ObjectVersion | undefined
  readonly CreatedAt?: string | undefined
  readonly UpdatedAt?: string | undefined
  readonly Spec?: ClusterVolumeSpec | undefined
  readonly Info?: ClusterVolumeInfo | undefined
  readonly PublishStatus?: readonly ClusterVolumePublishStatus[] | undefined
}

/** What a volume takes; only in disk usage. */
export interface VolumeUsageData {
  /** Bytes; -1 where it is not known. */
  readonly Size: number
  /** Containers that use it; -1 where it is not known. */
  readonly RefCount: number
}

/** A volume. */
export interface Volume {
  readonly Name: string
  readonly Driver: string
  /** Path on the host. */
  readonly Mountpoint: string
  readonly CreatedAt?: string | undefined
  readonly Status?: Readonly<Record<string, unknown>> | undefined
  readonly Labels: Readonly<Record<string, string>> | null
  readonly Scope: 'local' | 'global'
  readonly ClusterVolume?: ClusterVolume | undefined
  readonly Options: Readonly<Record<string, string>> | null
  readonly UsageData?: VolumeUsageData | null | undefined
}

/** Volumes, and what could not be listed. */
export interface VolumeListResponse {
  readonly Volumes: readonly Volume[] | null
  readonly Warnings?: readonly string[] | null | undefined
}
