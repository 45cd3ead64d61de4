import { readFile } from 'node:fs/promises'
import { createServer, type Server, type ServerOptions } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { EngineError } from '../../src/errors/index.js'
import { Unwind } from '../../src/util/unwind.js'
import type { ContentStore } from '../content/content-store.js'
import { collectGarbage } from './collect-garbage.js'
import { Gatekeeper } from './gatekeeper.js'
import { openUpstream, type Reach } from './open-upstream.js'
import { RegistryHandler } from './registry-handler.js'
import { createStorage, type Storage } from './storage.js'
import { type Secret, Users } from './users.js'

/** What a registry is to be like. */
export interface RegistryOptions {
  /** Folder it keeps everything in; made where it is not there. Several registries may use one. */
  readonly storage: string
  /** @default '127.0.0.1' */
  readonly host?: string
  /** @default 0: a free one */
  readonly port?: number
  /** Who may use it, by name. @default everybody */
  readonly users?: ReadonlyMap<string, Secret>
  /** Whether those without a name may pull, where there are users. @default false */
  readonly anonymousPull?: boolean
  /** Its certificate and key: PEM texts, or paths. @default plain HTTP */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Nothing is pushed or deleted. @default false */
  readonly readOnly?: boolean
  /** URL of a registry that this one is a cache of. */
  readonly proxy?: string
  /** How that registry is reached. @default nothing is set */
  readonly reach?: Reach
  /** Another content store: what it has is linked to instead of stored again. */
  readonly known?: ContentStore
  /** Told a line for each request, and for each failure. */
  readonly log?: (line: string) => void
}

/** A registry that runs. */
export interface Registry {
  /** As in references: `127.0.0.1:5000`. */
  readonly address: string
  readonly storage: string
  /**
   * Take no more requests, let those under way finish for `graceMs`, free everything. An upload that is cut off can be gone on with by the
   * next registry on this storage. Idempotent.
   *
   * @param options.graceMs - @default 0
   */
  close(options?: { readonly graceMs?: number }): Promise<void>
}

/** How long a blob that nobody names is kept, in milliseconds: longer than any push takes from its first blob to its manifest. */
export const garbageGraceMs = 24 * 60 * 60 * 1000

/** How often a registry that runs looks for garbage, in milliseconds. */
const collectionMs = 60 * 60 * 1000

/** A connection on which nothing moves is closed after this many milliseconds. */
const silenceMs = 120_000

const limits: ServerOptions = { headersTimeout: 60_000, requestTimeout: 0, connectionsCheckingInterval: 10_000, keepAliveTimeout: 75_000 }

/**
 * Serve a registry: OCI distribution specification 1.1.
 *
 * @throws EngineError `invalid_argument` for settings that cannot work; `conflict` where somebody listens there; `permission_denied`,
 * `not_supported`, `failed` for a storage that cannot be used
 */
export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  const { host = '127.0.0.1', port = 0, users, log = () => {}, anonymousPull = false, readOnly = false, known } = options
  const parts = new Unwind()
  try {
    const storage = await createStorage({ root: options.storage, ...(known && { known }) })
    const upstream = options.proxy === undefined ? undefined : openUpstream(options.proxy, { storage, reach: options.reach ?? {} })
    if (upstream !== undefined) parts.add(() => upstream.close())
    const gatekeeper = new Gatekeeper({ isSecure: options.tls !== undefined, anonymousPull, ...(users && { users: new Users(users) }) })
    const handler = new RegistryHandler({ storage, gatekeeper, readOnly, ...(upstream && { upstream }) }, log)
    const server = await createHttpServer(options.tls)
    server.setTimeout(silenceMs)
    server.on('request', (request, response) => void handler.answer(request, response))
    const connections = trackConnections(server)
    await listenOn(server, { host, port })
    parts.add(collectRegularly(storage, log))
    return {
      address: addressOf(server, host),
      storage: options.storage,
      close: onlyOnce(async graceMs => {
        const ended = new Promise<void>(resolve => server.close(() => resolve()))
        server.closeIdleConnections()
        await Promise.race([ended, delay(graceMs)])
        handler.close()
        for (const connection of connections) connection.destroy()
        // Readers of what is on its way are told that it will not come.
        await Promise.all([ended, upstream?.close(), handler.settled()])
        await parts.run()
      })
    }
  } catch (error) {
    await parts.run()
    throw error
  }
}

async function createHttpServer(tls: RegistryOptions['tls']): Promise<Server> {
  if (tls === undefined) return createServer(limits)
  const { createServer: createSecureServer } = await import('node:https')
  const cert = await readPem('cert', tls.cert)
  const key = await readPem('key', tls.key)
  try {
    return createSecureServer({ ...limits, cert, key, minVersion: 'TLSv1.2' })
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw new EngineError('invalid_argument', `tls: the certificate and its key cannot be used: ${problem}`, {
      details: { field: 'tls' },
      cause
    })
  }
}

function trackConnections(server: Server): ReadonlySet<Socket> {
  const connections = new Set<Socket>()
  server.on('connection', (connection: Socket) => {
    connections.add(connection)
    connection.once('close', () => connections.delete(connection))
  })
  return connections
}

function listenOn(server: Server, place: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const code = error.code === 'EADDRINUSE' ? 'conflict' : error.code === 'EACCES' ? 'permission_denied' : 'invalid_argument'
      reject(
        new EngineError(code, `the registry cannot listen on ${place.host}:${place.port}: ${error.message}`, {
          details: place,
          cause: error
        })
      )
    }
    server.once('error', fail)
    server.listen(place, () => {
      server.off('error', fail)
      // What goes wrong with one connection is that connection's business.
      server.on('error', () => {})
      resolve()
    })
  })
}

/** As somebody on this machine writes it: an address that stands for all is none to write. */
function addressOf(server: Server, host: string): string {
  // Of a server on TCP.
  const { port } = server.address() as AddressInfo
  if (host === '0.0.0.0') return `127.0.0.1:${port}`
  if (host === '::') return `[::1]:${port}`
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** @returns what ends it */
function collectRegularly(storage: Storage, log: (line: string) => void): () => Promise<void> {
  let running: Promise<void> = Promise.resolve()
  const collect = (): void => {
    running = collectGarbage(storage, { graceMs: garbageGraceMs }).then(
      ({ blobs, uploads }) => log(`garbage: ${blobs} blobs and ${uploads} uploads removed`),
      (error: unknown) => log(`garbage cannot be collected: ${error instanceof Error ? error.message : String(error)}`)
    )
  }
  const timer = setInterval(collect, collectionMs).unref()
  return async () => {
    clearInterval(timer)
    await running
  }
}

function onlyOnce(work: (graceMs: number) => Promise<void>): Registry['close'] {
  let done: Promise<void> | undefined
  return ({ graceMs = 0 } = {}) => {
    done ??= work(graceMs)
    return done
  }
}

async function readPem(field: 'cert' | 'key', value: string): Promise<string> {
  if (value.includes('-----BEGIN ')) return value
  return readFile(value, 'utf8').catch((cause: Error) => {
    throw new EngineError('invalid_argument', `tls.${field}: ${cause.message}. Give the path of a PEM file, or its text`, {
      details: { field: `tls.${field}` },
      cause
    })
  })
}
