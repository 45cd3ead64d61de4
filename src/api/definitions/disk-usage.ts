import type { ContainerSummary } from './container-summary.js'
import type { ImageSummary } from './image-summary.js'
import type { Volume } from './volume.js'

/** A record of the build cache. */
export interface BuildCache {
  readonly ID?: string | undefined
  readonly Parents?: readonly string[] | null | undefined
  readonly Type?: 'internal' | 'frontend' | 'source.local' | 'source.git.checkout' | 'exec.cachemount' | 'regular' | undefined
  readonly Description?: string | undefined
  readonly InUse?: boolean | undefined
  readonly Shared?: boolean | undefined
  readonly Size?: number | undefined
  readonly CreatedAt?: string | undefined
  readonly LastUsedAt?: string | null | undefined
  readonly UsageCount?: number | undefined
  /** No longer in API 1.51. */
  readonly Parent?: string | undefined
}

/** Disk space taken by images, in bytes. */
export interface ImagesDiskUsage {
  readonly ActiveCount?: number | undefined
  readonly TotalCount?: number | undefined
  readonly Reclaimable?: number | undefined
  readonly TotalSize?: number | undefined
  readonly Items?: readonly ImageSummary[] | undefined
}

/** Disk space taken by containers, in bytes. */
export interface ContainersDiskUsage {
  readonly ActiveCount?: number | undefined
  readonly TotalCount?: number | undefined
  readonly Reclaimable?: number | undefined
  readonly TotalSize?: number | undefined
  readonly Items?: readonly ContainerSummary[] | undefined
}

/** Disk space taken by volumes, in bytes. */
export interface VolumesDiskUsage {
  readonly ActiveCount?: number | undefined
  readonly TotalCount?: number | undefined
  readonly Reclaimable?: number | undefined
  readonly TotalSize?: number | undefined
  readonly Items?: readonly Volume[] | undefined
}

/** Disk space taken by the build cache, in bytes. */
export interface BuildCacheDiskUsage {
  readonly ActiveCount?: number | undefined
  readonly TotalCount?: number | undefined
  readonly Reclaimable?: number | undefined
  readonly TotalSize?: number | undefined
  readonly Items?: readonly BuildCache[] | undefined
}

/** Disk space by kind. The `...Usage` fields are there since API 1.52, the lists until 1.51. */
export interface SystemDataUsageResponse {
  readonly ImageUsage?: ImagesDiskUsage | undefined
  readonly ContainerUsage?: ContainersDiskUsage | undefined
  readonly VolumeUsage?: VolumesDiskUsage | undefined
  readonly BuildCacheUsage?: BuildCacheDiskUsage | undefined
  /** Until API 1.51. */
  readonly LayersSize?: number | undefined
  /** Until API 1.51. */
  readonly Images?: readonly ImageSummary[] | undefined
  /** Until API 1.51. */
  readonly Containers?: readonly ContainerSummary[] | undefined
  /** Until API 1.51. */
  readonly Volumes?: readonly Volume[] | undefined
  /** Until API 1.51. */
  readonly BuildCache?: readonly BuildCache[] | undefined
}
