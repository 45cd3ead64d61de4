import { defineOperation } from './define-operation.js'
import type { VolumePruneResponse } from './definitions/prune-responses.js'
import type { Volume, VolumeListResponse } from './definitions/volume.js'
import { volumeCreateRequest, volumeUpdateRequest } from './definitions/volume-requests.js'
import type { Done } from './operation.js'
import { filters, flag, integer, required, since } from './parameter.js'
import { optional } from './schema.js'

/** Volumes. `docker volume ls` */
export const VolumeList = defineOperation<VolumeListResponse>()({
  id: 'VolumeList',
  method: 'GET',
  path: '/volumes',
  request: 'none',
  response: 'json',
  query: { filters }
})

/** Make a volume; an existing one of that name is given back. `docker volume create` */
export const VolumeCreate = defineOperation<Volume>()({
  id: 'VolumeCreate',
  method: 'POST',
  path: '/volumes/create',
  request: 'json',
  response: 'json',
  body: volumeCreateRequest
})

/** One volume. `docker volume inspect` */
export const VolumeInspect = defineOperation<Volume>()({
  id: 'VolumeInspect',
  method: 'GET',
  path: '/volumes/{name}',
  request: 'none',
  response: 'json'
})

/** Change a cluster volume. `docker volume update` */
export const VolumeUpdate = defineOperation<Done>()({
  id: 'VolumeUpdate',
  method: 'PUT',
  path: '/volumes/{name}',
  since: '1.42',
  request: 'json',
  response: 'none',
  query: {
    /** The version that is changed, from VolumeInspect. */
    version: required(integer)
  },
  body: () => optional(volumeUpdateRequest())
})

/** Remove a volume that no container uses. `docker volume rm` */
export const VolumeDelete = defineOperation<Done>()({
  id: 'VolumeDelete',
  method: 'DELETE',
  path: '/volumes/{name}',
  request: 'none',
  response: 'none',
  query: {
    /** Also where its driver is gone; one that is not there is no error. */
    force: since('1.25', flag)
  }
})

/** Remove volumes that no container uses; since API 1.42 anonymous ones only, unless the filter `all` says otherwise. `docker volume prune` */
export const VolumePrune = defineOperation<VolumePruneResponse>()({
  id: 'VolumePrune',
  method: 'POST',
  path: '/volumes/prune',
  since: '1.25',
  request: 'none',
  response: 'json',
  query: { filters }
})
