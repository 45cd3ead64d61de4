import { defineOperation } from './define-operation.js'
import type { Swarm, UnlockKeyResponse } from './definitions/swarm.js'
import { swarmInitRequest, swarmJoinRequest, swarmUnlockRequest } from './definitions/swarm-requests.js'
import { swarmSpec } from './definitions/swarm-spec.js'
import type { Done } from './operation.js'
import { flag, integer, required, since } from './parameter.js'

/** The swarm this engine manages. */
export const SwarmInspect = defineOperation<Swarm>()({
  id: 'SwarmInspect',
  method: 'GET',
  path: '/swarm',
  request: 'none',
  response: 'json'
})

/** Found a swarm; gives the node's id. `docker swarm init` */
export const SwarmInit = defineOperation<string>()({
  id: 'SwarmInit',
  method: 'POST',
  path: '/swarm/init',
  request: 'json',
  response: 'json',
  body: swarmInitRequest
})

/** Join a swarm. `docker swarm join` */
export const SwarmJoin = defineOperation<Done>()({
  id: 'SwarmJoin',
  method: 'POST',
  path: '/swarm/join',
  request: 'json',
  response: 'none',
  body: swarmJoinRequest
})

/** Leave the swarm. `docker swarm leave` */
export const SwarmLeave = defineOperation<Done>()({
  id: 'SwarmLeave',
  method: 'POST',
  path: '/swarm/leave',
  request: 'none',
  response: 'none',
  query: {
    /** Also as the last manager, which ends the swarm. */
    force: flag
  }
})

/** Change the swarm's settings and secrets. `docker swarm update` */
export const SwarmUpdate = defineOperation<Done>()({
  id: 'SwarmUpdate',
  method: 'POST',
  path: '/swarm/update',
  request: 'json',
  response: 'none',
  query: {
    /** The version that is changed, from {@link SwarmInspect}. */
    version: required(integer),
    rotateWorkerToken: flag,
    rotateManagerToken: flag,
    rotateManagerUnlockKey: since('1.25', flag)
  },
  body: swarmSpec
})

/** The key that opens a locked manager. `docker swarm unlock-key` */
export const SwarmUnlockkey = defineOperation<UnlockKeyResponse>()({
  id: 'SwarmUnlockkey',
  method: 'GET',
  path: '/swarm/unlockkey',
  since: '1.25',
  request: 'none',
  response: 'json'
})

/** Open a locked manager. `docker swarm unlock` */
export const SwarmUnlock = defineOperation<Done>()({
  id: 'SwarmUnlock',
  method: 'POST',
  path: '/swarm/unlock',
  since: '1.25',
  request: 'json',
  response: 'none',
  body: swarmUnlockRequest
})
