import { readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { EngineError } from '../../src/errors/index.js'
import { answerBadRequest, writeError } from './client-failure.js'
import { ConnectionPool } from './connection-pool.js'
import type { DaemonEngine } from './daemon-engine.js'
import { DaemonServer } from './daemon-server.js'
import { parseListenAddress } from './listen-address.js'
import { RequestTracker } from './request-tracker.js'
import { backlog, listenOnUnixSocket } from './unix-socket.js'

/** How to listen. */
export interface ListenOptions {
  /** The server's certificate and key, and the authority that clients' certificates have to come from: PEM texts, or paths. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string }
  /** Listen on TCP without TLS and without knowing who calls. Whoever reaches the port is root on this machine. @default false */
  readonly withoutAuthentication?: boolean
  /** Who may use a UNIX socket besides its owner: a group's name or number. @default docker, where there is such a group */
  readonly group?: string
  /** Told a line for each request. */
  readonly log?: (line: string) => void
}

/** A daemon's ear. */
export interface Listener {
  /** Where it listens, with the port that was chosen for `:0`. */
  readonly address: string
  /**
   * Accept nothing more, let requests finish for `graceMs`, end streams, free everything. Idempotent.
   *
   * @param options.graceMs - @default 5000
   */
  close(options?: { readonly graceMs?: number }): Promise<void>
}

const defaultGraceMs = 5000

const limits: ServerOptions = {
  maxHeaderSize: 128 * 1024,
  // A request's headers have to come within this; for its body, who reads it decides: an archive may take as long as it likes.
  headersTimeout: 60_000,
  requestTimeout: 0,
  connectionsCheckingInterval: 10_000,
  // Clients keep connections for later, as long as they like.
  keepAliveTimeout: 0
}

/**
 * Serve an engine over HTTP.
 *
 * @param address - `unix:///run/gantry.sock` or `tcp://host:port`
 * @param pool - The connections of all listeners of one process
 * @throws EngineError `invalid_argument` for an address that is none, or TCP without client certificates; `conflict` where somebody listens
 * already
 */
export async function listen(
  engine: DaemonEngine,
  address: string,
  options: ListenOptions = {},
  pool: ConnectionPool = new ConnectionPool()
): Promise<Listener> {
  const place = parseListenAddress(address, options.tls !== undefined)
  if (place.kind === 'unix' && options.tls !== undefined) {
    throw new EngineError('invalid_argument', `${address}: tls is for tcp://, a UNIX socket has file permissions`, { details: { address } })
  }
  if (place.kind === 'tcp' && options.tls === undefined && !options.withoutAuthentication) throw unauthenticated(address)
  const tracker = new RequestTracker()
  const server = await createHttpServer(options.tls, new DaemonServer(engine, tracker, options.log), pool)
  const connections = trackConnections(server, { pool, isSecure: options.tls !== undefined })
  try {
    if (place.kind === 'unix') await listenOnUnixSocket(server, place.path, options.group)
    else await listenOnTcp(server, address, place)
  } catch (error) {
    server.close()
    throw error
  }
  // What goes wrong with one connection is that connection's business.
  server.on('error', () => {})
  let closed: Promise<void> | undefined
  const end = async (graceMs: number): Promise<void> => {
    const ended = new Promise<void>(resolve => server.close(() => resolve()))
    if (place.kind === 'unix') await rm(place.path, { force: true })
    server.closeIdleConnections()
    await tracker.drain(graceMs)
    for (const connection of connections) connection.destroy()
    await ended
  }
  return {
    address: place.kind === 'unix' ? `unix://${place.path}` : tcpText(server.address() as AddressInfo),
    close: ({ graceMs = defaultGraceMs } = {}) => {
      closed ??= end(graceMs)
      return closed
    }
  }
}

async function createHttpServer(tls: ListenOptions['tls'], daemon: DaemonServer, pool: ConnectionPool): Promise<Server> {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request
    // What was turned away has its answer already.
    if (!pool.begin(socket)) return
    const finish = (): void => pool.finish(socket)
    void daemon.answer(request, response).then(() => {
      // What was answered may still be on its way. A connection that was taken over has no response any more, and has ended.
      if (response.writableEnded && !response.writableFinished) response.once('close', finish)
      else finish()
    })
  }
  const server =
    tls === undefined
      ? createServer(limits, answer)
      : (await import('node:https')).createServer(
          { ...limits, ...(await readTls(tls)), requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
          answer
        )
  server.on('upgrade', (request, connection, head) => {
    // Until it is closed: it is no HTTP connection any more.
    if (pool.begin(request.socket)) void daemon.answerUpgrade(request, connection, head)
  })
  server.on('clientError', answerBadRequest)
  return server
}

/** Every connection of a listener, those that HTTP has let go of included. What there is no room for is turned away. */
function trackConnections(
  server: Server,
  { pool, isSecure }: { readonly pool: ConnectionPool; readonly isSecure: boolean }
): ReadonlySet<Socket> {
  const connections = new Set<Socket>()
  // By their peer: nothing public leads from what TLS has put on top to what is below.
  const bare = new Map<string, Socket>()
  server.on('connection', (connection: Socket) => {
    if (!pool.add(connection)) {
      if (isSecure) connection.destroy()
      else writeError(connection, new EngineError('unavailable', 'too many connections: all that the daemon can have are in use'))
      return
    }
    connections.add(connection)
    const peer = peerOf(connection)
    if (isSecure) bare.set(peer, connection)
    connection.once('close', () => {
      connections.delete(connection)
      bare.delete(peer)
    })
  })
  server.on('secureConnection', (secure: Socket) => {
    const connection = bare.get(peerOf(secure))
    // A peer that is gone already has no address any more.
    if (connection === undefined) secure.destroy()
    else pool.replace(connection, secure)
  })
  return connections
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

function listenOnTcp(server: Server, address: string, { hostname, port }: { readonly hostname: string; readonly port: number }) {
  return new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const code = error.code === 'EADDRINUSE' ? 'conflict' : error.code === 'EACCES' ? 'permission_denied' : 'failed'
      reject(new EngineError(code, `cannot listen on ${address}: ${error.message}`, { details: { address }, cause: error }))
    }
    server.once('error', fail)
    server.listen({ host: hostname, port, backlog }, () => {
      server.off('error', fail)
      resolve()
    })
  })
}

async function readTls(tls: { readonly ca: string; readonly cert: string; readonly key: string }) {
  // One after the other, so that the first that is wrong is the one that is told.
  return { ca: await readPem('ca', tls.ca), cert: await readPem('cert', tls.cert), key: await readPem('key', tls.key) }
}

async function readPem(field: string, value: string): Promise<string> {
  if (value.includes('-----BEGIN ')) return value
  return readFile(value, 'utf8').catch((cause: Error) => {
    throw new EngineError('invalid_argument', `tls.${field}: ${cause.message}. Give the path of a PEM file, or its text`, {
      details: { field: `tls.${field}` },
      cause
    })
  })
}

function tcpText({ address, port, family }: AddressInfo): string {
  return `tcp://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

function unauthenticated(address: string): EngineError {
  return new EngineError(
    'invalid_argument',
    `${address}: whoever reaches a TCP port of the engine is root on this machine, so it needs client certificates (tls with ca, cert ` +
      'and key). To listen for everybody all the same, say so: withoutAuthentication',
    { details: { address } }
  )
}
