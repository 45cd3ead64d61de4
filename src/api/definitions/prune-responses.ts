import type { ImageDeleteResponseItem } from './image-responses.js'

/** Containers that were removed. */
export interface ContainerPruneResponse {
  readonly ContainersDeleted?: readonly string[] | null | undefined
  readonly SpaceReclaimed?: number | undefined
}

/** Images that were removed. */
export interface ImagePruneResponse {
  readonly ImagesDeleted?: readonly ImageDeleteResponseItem[] | null | undefined
  readonly SpaceReclaimed?: number | undefined
}

/** Cache records that were removed. */
export interface BuildPruneResponse {
  readonly CachesDeleted?: readonly string[] | null | undefined
  readonly SpaceReclaimed?: number | undefined
}

/** Networks that were removed. */
export interface NetworkPruneResponse {
  readonly NetworksDeleted?: readonly string[] | null | undefined
}

/** Volumes that were removed. */
export interface VolumePruneResponse {
  readonly VolumesDeleted?: readonly string[] | null | undefined
  readonly SpaceReclaimed?: number | undefined
}
