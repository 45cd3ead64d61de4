import { defineOperation } from './define-operation.js'
import type { Service, ServiceCreateResponse, ServiceUpdateResponse } from './definitions/service.js'
import { serviceSpec } from './definitions/service-spec.js'
import type { Done, Frame } from './operation.js'
import { filters, flag, integer, oneOf, required, since, text, timestamp } from './parameter.js'

/** Services of the swarm. `docker service ls` */
export const ServiceList = defineOperation<readonly Service[]>()({
  id: 'ServiceList',
  method: 'GET',
  path: '/services',
  request: 'none',
  response: 'json',
  query: {
    filters,
    /** Count their tasks. */
    status: since('1.41', flag)
  }
})

/** Make a service. `docker service create` */
export const ServiceCreate = defineOperation<ServiceCreateResponse>()({
  id: 'ServiceCreate',
  method: 'POST',
  path: '/services/create',
  request: 'json',
  response: 'json',
  headers: {
    /** Credentials for the nodes to pull with, see `encodeRegistryAuth`. */
    'X-Registry-Auth': text
  },
  body: serviceSpec
})

/** One service. `docker service inspect` */
export const ServiceInspect = defineOperation<Service>()({
  id: 'ServiceInspect',
  method: 'GET',
  path: '/services/{id}',
  request: 'none',
  response: 'json',
  query: {
    /** Fill in what the specification leaves open. */
    insertDefaults: since('1.29', flag)
  }
})

/** Remove a service and its tasks. `docker service rm` */
export const ServiceDelete = defineOperation<Done>()({
  id: 'ServiceDelete',
  method: 'DELETE',
  path: '/services/{id}',
  request: 'none',
  response: 'none'
})

/** Replace a service's specification; the tasks follow step by step. `docker service update` */
export const ServiceUpdate = defineOperation<ServiceUpdateResponse>()({
  id: 'ServiceUpdate',
  method: 'POST',
  path: '/services/{id}/update',
  request: 'json',
  response: 'json',
  query: {
    /** The version that is changed, from {@link ServiceInspect}. */
    version: required(integer),
    /** Where credentials come from when the header is absent. @default spec */
    registryAuthFrom: oneOf('spec', 'previous-spec'),
    /** `previous` goes back to the specification before; the body is ignored then. */
    rollback: since('1.25', text)
  },
  headers: {
    /** Credentials for the nodes to pull with, see `encodeRegistryAuth`. */
    'X-Registry-Auth': text
  },
  body: serviceSpec
})

const logsQuery = {
  /** Put the log driver's extra attributes before every line. */
  details: flag,
  /** Go on with what comes. */
  follow: flag,
  stdout: flag,
  stderr: flag,
  since: timestamp,
  /** Put an RFC 3339 time before every line. */
  timestamps: flag,
  /** Lines from the end, or `all`. */
  tail: text
}

/** What the tasks of a service have written to their output. `docker service logs` */
export const ServiceLogs = defineOperation<AsyncIterable<Frame>>()({
  id: 'ServiceLogs',
  method: 'GET',
  path: '/services/{id}/logs',
  since: '1.25',
  request: 'none',
  response: 'frames',
  query: logsQuery
})

/** What one task has written to its output. `docker service logs` */
export const TaskLogs = defineOperation<AsyncIterable<Frame>>()({
  id: 'TaskLogs',
  method: 'GET',
  path: '/tasks/{id}/logs',
  since: '1.29',
  request: 'none',
  response: 'frames',
  query: logsQuery
})
