import { defineOperation } from './define-operation.js'
import type { ExecInspectResponse } from './definitions/exec-inspect.js'
import { execConfig, execStartConfig } from './definitions/exec-requests.js'
import type { IDResponse } from './definitions/responses.js'
import type { Done, Hijacked } from './operation.js'
import { integer, required } from './parameter.js'
import { optional } from './schema.js'

/** Set up a process in a running container. `docker exec`, first half */
export const ContainerExec = defineOperation<IDResponse>()({
  id: 'ContainerExec',
  method: 'POST',
  path: '/containers/{id}/exec',
  request: 'json',
  response: 'json',
  body: execConfig
})

/** Start it and connect to its standard streams. With `Detach` the connection carries nothing. `docker exec`, second half */
export const ExecStart = defineOperation<Hijacked>()({
  id: 'ExecStart',
  method: 'POST',
  path: '/exec/{id}/start',
  request: 'json',
  response: 'hijack',
  body: () => optional(execStartConfig())
})

/** Set the size of its terminal. */
export const ExecResize = defineOperation<Done>()({
  id: 'ExecResize',
  method: 'POST',
  path: '/exec/{id}/resize',
  request: 'none',
  response: 'none',
  query: {
    /** Rows. */
    h: required(integer),
    /** Columns. */
    w: required(integer)
  }
})

/** Whether it runs, and its exit code. */
export const ExecInspect = defineOperation<ExecInspectResponse>()({
  id: 'ExecInspect',
  method: 'GET',
  path: '/exec/{id}/json',
  request: 'none',
  response: 'json'
})
