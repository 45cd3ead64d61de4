import { defineOperation } from './define-operation.js'
import type { IDResponse } from './definitions/responses.js'
import type { Secret } from './definitions/secret.js'
import { secretSpec } from './definitions/secret-spec.js'
import type { Done } from './operation.js'
import { filters, integer, required } from './parameter.js'
import { optional } from './schema.js'

/** Secrets of the swarm, without their content. `docker secret ls` */
export const SecretList = defineOperation<readonly Secret[]>()({
  id: 'SecretList',
  method: 'GET',
  path: '/secrets',
  since: '1.25',
  request: 'none',
  response: 'json',
  query: { filters }
})

/** Keep a secret. `docker secret create` */
export const SecretCreate = defineOperation<IDResponse>()({
  id: 'SecretCreate',
  method: 'POST',
  path: '/secrets/create',
  since: '1.25',
  request: 'json',
  response: 'json',
  body: () => optional(secretSpec())
})

/** One secret. `docker secret inspect` */
export const SecretInspect = defineOperation<Secret>()({
  id: 'SecretInspect',
  method: 'GET',
  path: '/secrets/{id}',
  since: '1.25',
  request: 'none',
  response: 'json'
})

/** Remove a secret that no service uses. `docker secret rm` */
export const SecretDelete = defineOperation<Done>()({
  id: 'SecretDelete',
  method: 'DELETE',
  path: '/secrets/{id}',
  since: '1.25',
  request: 'none',
  response: 'none'
})

/** Change a secret's labels; nothing else of it can be changed. */
export const SecretUpdate = defineOperation<Done>()({
  id: 'SecretUpdate',
  method: 'POST',
  path: '/secrets/{id}/update',
  since: '1.25',
  request: 'json',
  response: 'none',
  query: {
    /** The version that is changed, from {@link SecretInspect}. */
    version: required(integer)
  },
  body: () => optional(secretSpec())
})
