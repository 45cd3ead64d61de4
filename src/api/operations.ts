import * as config from './config-operations.js'
import * as container from './container-operations.js'
import * as exec from './exec-operations.js'
import * as image from './image-operations.js'
import * as network from './network-operations.js'
import * as node from './node-operations.js'
import type { Handler } from './operation.js'
import * as plugin from './plugin-operations.js'
import * as registry from './registry-operations.js'
import * as secret from './secret-operations.js'
import * as service from './service-operations.js'
import * as swarm from './swarm-operations.js'
import * as system from './system-operations.js'
import * as task from './task-operations.js'
import * as trust from './trust-operations.js'
import * as volume from './volume-operations.js'

/** Every operation, by id. */
export const operations = Object.freeze({
  ...container,
  ...exec,
  ...image,
  ...trust,
  ...network,
  ...volume,
  ...system,
  ...plugin,
  ...swarm,
  ...node,
  ...service,
  ...task,
  ...secret,
  ...config,
  ...registry
})

/** The id of an operation, as in the published description. */
export type OperationId = keyof typeof operations

/** The server side: what an engine can do. An operation without a handler is answered with `not_implemented`. */
export type Handlers = { readonly [Id in OperationId]?: Handler<(typeof operations)[Id]> }
