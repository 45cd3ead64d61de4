import { defineOperation } from './define-operation.js'
import { type RegistrySummary, registryCreateRequest } from './definitions/registry.js'
import type { Done } from './operation.js'
import { filters } from './parameter.js'

// Gantry's own: Docker's engine has no call for it.

/** Registries that this engine serves. `label` is the only filter. */
export const RegistryList = defineOperation<readonly RegistrySummary[]>()({
  id: 'RegistryList',
  method: 'GET',
  path: '/gantry/registries',
  request: 'none',
  response: 'json',
  query: { filters }
})

/** Serve a registry, until it is removed or the engine ends. What it keeps stays where it is. */
export const RegistryCreate = defineOperation<RegistrySummary>()({
  id: 'RegistryCreate',
  method: 'POST',
  path: '/gantry/registries',
  request: 'json',
  response: 'json',
  body: registryCreateRequest
})

/** Serve a registry no longer. What it keeps stays where it is. */
export const RegistryDelete = defineOperation<Done>()({
  id: 'RegistryDelete',
  method: 'DELETE',
  path: '/gantry/registries/{id}',
  request: 'none',
  response: 'none'
})
