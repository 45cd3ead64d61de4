import { defineOperation } from './define-operation.js'
import type { Node } from './definitions/node.js'
import { nodeSpec } from './definitions/node-spec.js'
import type { Done } from './operation.js'
import { filters, flag, integer, required } from './parameter.js'
import { optional } from './schema.js'

/** Members of the swarm. `docker node ls` */
export const NodeList = defineOperation<readonly Node[]>()({
  id: 'NodeList',
  method: 'GET',
  path: '/nodes',
  request: 'none',
  response: 'json',
  query: { filters }
})

/** One member of the swarm. `docker node inspect` */
export const NodeInspect = defineOperation<Node>()({
  id: 'NodeInspect',
  method: 'GET',
  path: '/nodes/{id}',
  request: 'none',
  response: 'json'
})

/** Remove a node that has left. `docker node rm` */
export const NodeDelete = defineOperation<Done>()({
  id: 'NodeDelete',
  method: 'DELETE',
  path: '/nodes/{id}',
  request: 'none',
  response: 'none',
  query: {
    /** Also when it has not left. */
    force: flag
  }
})

/** Change a node's role, availability and labels. `docker node update` */
export const NodeUpdate = defineOperation<Done>()({
  id: 'NodeUpdate',
  method: 'POST',
  path: '/nodes/{id}/update',
  request: 'json',
  response: 'none',
  query: {
    /** The version that is changed, from {@link NodeInspect}. */
    version: required(integer)
  },
  body: () => optional(nodeSpec())
})
