import type { ImageDeleteResponseItem } from './image-responses.js'

export interface ContainerPruneResponse {
  readonly ContainersDeleted?: readonly string[] | undefined
  readonly SpaceReclaimed?: number | undefined
}

export interface ImagePruneResponse {
  readonly ImagesDeleted?: readonly ImageDeleteResponseItem[] | undefined
  readonly SpaceReclaimed?: number | undefined
}

export interface BuildPruneResponse {
  readonly CachesDeleted?: readonly string[] | undefined
  readonly SpaceReclaimed?: number | undefined
}

export interface NetworkPruneResponse {
  readonly NetworksDeleted?: readonly string[] | undefined
}

export interface VolumePruneResponse {
  readonly VolumesDeleted?: readonly string[] | undefined
  readonly SpaceReclaimed?: number | undefined
}
