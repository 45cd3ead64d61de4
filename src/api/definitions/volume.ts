import type { Empty } from '../schema.js'
import type { ObjectVersion } from './object-version.js'
import type { ClusterVolumeSpec, Topology } from './volume-requests.js'

export interface ClusterVolumeInfo {
  readonly CapacityBytes?: number | undefined
  readonly VolumeContext?: Readonly<Record<string, string>> | undefined
  readonly VolumeID?: string | undefined
  readonly AccessibleTopology?: readonly Topology[] | undefined
}

export interface ClusterVolumePublishStatus {
  readonly NodeID?: string | undefined
  readonly State?: 'pending-publish' | 'published' | 'pending-node-unpublish' | 'pending-controller-unpublish' | undefined
  readonly PublishContext?: Readonly<Record<string, string>> | undefined
}

export interface ClusterVolume {
  readonly ID?: string | undefined
  readonly Version?: ObjectVersion | undefined
  readonly CreatedAt?: string | undefined
  readonly UpdatedAt?: string | undefined
  readonly Spec?: ClusterVolumeSpec | undefined
  readonly Info?: ClusterVolumeInfo | undefined
  readonly PublishStatus?: readonly ClusterVolumePublishStatus[] | undefined
}

export interface VolumeUsageData {
  readonly Size: number
  readonly RefCount: number
}

export interface Volume {
  readonly Name: string
  readonly Driver: string
  readonly Mountpoint: string
  readonly CreatedAt?: string | undefined
  readonly Status?: Readonly<Record<string, Empty>> | undefined
  readonly Labels: Readonly<Record<string, string>>
  readonly Scope: 'local' | 'global'
  readonly ClusterVolume?: ClusterVolume | undefined
  readonly Options: Readonly<Record<string, string>>
  readonly UsageData?: VolumeUsageData | null | undefined
}

export interface VolumeListResponse {
  readonly Volumes: readonly Volume[]
  readonly Warnings?: readonly string[] | undefined
}
