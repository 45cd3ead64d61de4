import { defineOperation } from './define-operation.js'
import { authConfig } from './definitions/auth-config.js'
import type { SystemDataUsageResponse } from './definitions/disk-usage.js'
import type { EventMessage } from './definitions/event-message.js'
import type { AuthResponse } from './definitions/responses.js'
import type { SystemInfoResponse } from './definitions/system-info.js'
import type { SystemVersionResponse } from './definitions/system-version.js'
import type { Hijacked } from './operation.js'
import { filters, flag, since, text, texts } from './parameter.js'
import { optional } from './schema.js'

/** Whether the engine is there. The body is `OK`. */
export const SystemPing = defineOperation<string>()({ id: 'SystemPing', method: 'GET', path: '/_ping', request: 'none', response: 'text' })

/** What an engine says about itself in the headers of a ping, with lower-case names. Every engine after API 1.24 sends `api-version`. */
export interface PingHeaders {
  readonly 'api-version'?: string
  /** `1` classic, `2` BuildKit: what this engine builds with unless told. */
  readonly 'builder-version'?: string
  readonly 'docker-experimental'?: string
  readonly ostype?: string
  /** Swarm state: `inactive`, `pending`, `error`, `locked`, `active/worker` or `active/manager`. */
  readonly swarm?: string
  readonly [name: string]: string | undefined
}

/** A ping that costs no body: how a client finds out the engine's API version. */
export const SystemPingHead = defineOperation<PingHeaders>()({
  id: 'SystemPingHead',
  method: 'HEAD',
  path: '/_ping',
  since: '1.40',
  request: 'none',
  response: 'headers'
})

/** Versions of the engine and of the parts it is made of. `docker version` */
export const SystemVersion = defineOperation<SystemVersionResponse>()({
  id: 'SystemVersion',
  method: 'GET',
  path: '/version',
  request: 'none',
  response: 'json'
})

/** The engine's state, its host and what it can do. `docker info` */
export const SystemInfo = defineOperation<SystemInfoResponse>()({
  id: 'SystemInfo',
  method: 'GET',
  path: '/info',
  request: 'none',
  response: 'json'
})

/** Events as they happen, past ones first when `since` is given; ends at `until`, or never. `docker events` */
export const SystemEvents = defineOperation<AsyncIterable<EventMessage>>()({
  id: 'SystemEvents',
  method: 'GET',
  path: '/events',
  request: 'none',
  response: 'json-lines',
  query: {
    /** A Unix time or a Go duration before now, e.g. `10m`. */
    since: text,
    /** As `since`. */
    until: text,
    filters
  }
})

/** Check credentials with a registry; some registries give a token in exchange. `docker login` */
export const SystemAuth = defineOperation<AuthResponse>()({
  id: 'SystemAuth',
  method: 'POST',
  path: '/auth',
  request: 'json',
  response: 'json',
  body: () => optional(authConfig())
})

/** Disk space by kind of object. `docker system df` */
export const SystemDataUsage = defineOperation<SystemDataUsageResponse>()({
  id: 'SystemDataUsage',
  method: 'GET',
  path: '/system/df',
  since: '1.25',
  request: 'none',
  response: 'json',
  query: {
    /** Which kinds to count: `container`, `image`, `volume`, `build-cache`. */
    type: since('1.42', texts),
    /** List the objects besides the totals. */
    verbose: since('1.52', flag)
  }
})

/** A connection on which BuildKit talks gRPC to the client. Its output is raw bytes, all of it `stdout`. */
export const Session = defineOperation<Hijacked>()({
  id: 'Session',
  method: 'POST',
  path: '/session',
  since: '1.31',
  request: 'none',
  response: 'hijack'
})
