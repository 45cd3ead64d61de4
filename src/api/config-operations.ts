import { defineOperation } from './define-operation.js'
import type { IDResponse } from './definitions/responses.js'
import type { Config } from './definitions/secret.js'
import { configSpec } from './definitions/secret-spec.js'
import type { Done } from './operation.js'
import { filters, integer, required } from './parameter.js'
import { optional } from './schema.js'

/** Configs of the swarm. `docker config ls` */
export const ConfigList = defineOperation<readonly Config[]>()({
  id: 'ConfigList',
  method: 'GET',
  path: '/configs',
  since: '1.30',
  request: 'none',
  response: 'json',
  query: { filters }
})

/** Keep a config. `docker config create` */
export const ConfigCreate = defineOperation<IDResponse>()({
  id: 'ConfigCreate',
  method: 'POST',
  path: '/configs/create',
  since: '1.30',
  request: 'json',
  response: 'json',
  body: () => optional(configSpec())
})

/** One config. `docker config inspect` */
export const ConfigInspect = defineOperation<Config>()({
  id: 'ConfigInspect',
  method: 'GET',
  path: '/configs/{id}',
  since: '1.30',
  request: 'none',
  response: 'json'
})

/** Remove a config that no service uses. `docker config rm` */
export const ConfigDelete = defineOperation<Done>()({
  id: 'ConfigDelete',
  method: 'DELETE',
  path: '/configs/{id}',
  since: '1.30',
  request: 'none',
  response: 'none'
})

/** Change a config's labels; nothing else of it can be changed. */
export const ConfigUpdate = defineOperation<Done>()({
  id: 'ConfigUpdate',
  method: 'POST',
  path: '/configs/{id}/update',
  since: '1.30',
  request: 'json',
  response: 'none',
  query: {
    /** The version that is changed, from {@link ConfigInspect}. */
    version: required(integer)
  },
  body: () => optional(configSpec())
})
