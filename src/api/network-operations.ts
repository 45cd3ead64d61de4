import { defineOperation } from './define-operation.js'
import type { Network, NetworkCreateResponse, NetworkInspectResponse } from './definitions/network.js'
import { networkConnectRequest, networkCreateRequest, networkDisconnectRequest } from './definitions/network-requests.js'
import type { NetworkPruneResponse } from './definitions/prune-responses.js'
import type { Done } from './operation.js'
import { filters, flag, since, text } from './parameter.js'

/** Networks, without what is in them. `docker network ls` */
export const NetworkList = defineOperation<readonly Network[]>()({
  id: 'NetworkList',
  method: 'GET',
  path: '/networks',
  request: 'none',
  response: 'json',
  query: { filters }
})

/** One network. `docker network inspect` */
export const NetworkInspect = defineOperation<NetworkInspectResponse>()({
  id: 'NetworkInspect',
  method: 'GET',
  path: '/networks/{id}',
  request: 'none',
  response: 'json',
  query: {
    /** Its services as well, of all nodes. */
    verbose: since('1.28', flag),
    /** `local`, `global` or `swarm`, where several have the name. */
    scope: since('1.31', text)
  }
})

/** Remove a network that no container is in. `docker network rm` */
export const NetworkDelete = defineOperation<Done>()({
  id: 'NetworkDelete',
  method: 'DELETE',
  path: '/networks/{id}',
  request: 'none',
  response: 'none'
})

/** Make a network. `docker network create` */
export const NetworkCreate = defineOperation<NetworkCreateResponse>()({
  id: 'NetworkCreate',
  method: 'POST',
  path: '/networks/create',
  request: 'json',
  response: 'json',
  body: networkCreateRequest
})

/** Put a container in a network. `docker network connect` */
export const NetworkConnect = defineOperation<Done>()({
  id: 'NetworkConnect',
  method: 'POST',
  path: '/networks/{id}/connect',
  request: 'json',
  response: 'none',
  body: networkConnectRequest
})

/** Take a container out of a network. `docker network disconnect` */
export const NetworkDisconnect = defineOperation<Done>()({
  id: 'NetworkDisconnect',
  method: 'POST',
  path: '/networks/{id}/disconnect',
  request: 'json',
  response: 'none',
  body: networkDisconnectRequest
})

/** Remove networks that no container is in. `docker network prune` */
export const NetworkPrune = defineOperation<NetworkPruneResponse>()({
  id: 'NetworkPrune',
  method: 'POST',
  path: '/networks/prune',
  since: '1.25',
  request: 'none',
  response: 'json',
  query: { filters }
})
