import type { Duplex } from 'node:stream'
import type { buildConnector, Dispatcher } from 'undici'
import type { TlsOptions } from '../tls-options.js'
import type { Endpoint } from './endpoint.js'
import { sshConnector } from './ssh-connector.js'

/** Connections to one engine. */
export interface Connections {
  /** For calls that are over soon: a few connections that all of them share. */
  readonly short: Dispatcher
  /** For calls that may take as long as they like: as many connections as there are calls, so that none waits for another. */
  readonly long: Dispatcher
  /** A connection for one request, whose socket the caller gets hold of. */
  single(): SingleConnection
  /** Lets requests end, then frees everything. */
  close(): Promise<void>
  /** Frees everything at once, whatever is under way. */
  destroy(): Promise<void>
}

/** A connection for one request. */
export interface SingleConnection {
  readonly dispatcher: Dispatcher
  /** The connection, once it is there. */
  readonly socket: () => ConnectedSocket | undefined
  /** No further request; what is under way goes on. To be called once the request was dispatched. */
  seal(): void
}

/** A connected stream; sockets and ssh connections can be told not to keep the process alive. */
export type ConnectedSocket = Duplex & { ref?(): unknown; unref?(): unknown }

/**
 * More calls than this at once queue up: a socket's accept queue is finite. Over ssh every connection is a process and
 * a session, of which sshd allows ten by default (MaxSessions).
 */
const shortLimit = { unix: 32, npipe: 32, tcp: 32, ssh: 4 }

const connectTimeoutMs = 30_000

/** Prepare connections; none is made yet. */
export async function openConnections(endpoint: Endpoint, tls: TlsOptions | undefined): Promise<Connections> {
  const { Client, Pool, buildConnector } = await import('undici')
  const { origin, connect, close } = connectorOf(endpoint, tls, buildConnector)
  // A connection over ssh is dear: keep an idle one longer.
  const keepAliveTimeout = endpoint.kind === 'ssh' ? 20_000 : 4_000
  const short = new Pool(origin, { connect, keepAliveTimeout, connections: shortLimit[endpoint.kind] })
  const long = new Pool(origin, { connect, keepAliveTimeout })
  return {
    short,
    long,
    single() {
      let connected: ConnectedSocket | undefined
      const dispatcher = new Client(origin, {
        connect(options, callback) {
          connect(options, (error, socket) => {
            if (error !== null) return callback(error, null)
            connected = socket ?? undefined
            return callback(null, socket)
          })
        }
      })
      return { dispatcher, socket: () => connected, seal: () => void dispatcher.close() }
    },
    async close() {
      await Promise.all([short.close(), long.close()])
      await close()
    },
    async destroy() {
      await Promise.all([short.destroy(), long.destroy()])
      await close()
    }
  }
}

interface Connector {
  readonly origin: string
  readonly connect: buildConnector.connector
  close(): Promise<void>
}

function connectorOf(endpoint: Endpoint, tls: TlsOptions | undefined, build: typeof buildConnector): Connector {
  const close = async (): Promise<void> => {}
  switch (endpoint.kind) {
    case 'unix':
    case 'npipe':
      return { origin: 'http://localhost', connect: build({ socketPath: endpoint.socketPath, timeout: connectTimeoutMs }), close }
    case 'ssh':
      return { origin: 'http://localhost', ...sshConnector(endpoint.target) }
    case 'tcp': {
      const origin = `${tls === undefined ? 'http' : 'https'}://${endpoint.hostname}:${endpoint.port ?? (tls === undefined ? 2375 : 2376)}`
      return { origin, connect: build({ ...(tls === undefined ? {} : tlsOptions(tls)), timeout: connectTimeoutMs }), close }
    }
  }
}

function tlsOptions(tls: TlsOptions): buildConnector.BuildOptions {
  const { verify, ...pem } = tls
  return { ...pem, rejectUnauthorized: verify ?? true }
}
