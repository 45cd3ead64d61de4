import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { EngineError } from '../../src/errors/index.js'

/** A connection that failed at the proxy. Its message names the proxy, and none of its credentials. */
export class ProxyFailure extends Error {
  override readonly name = 'ProxyFailure'
  /** Whether trying again may help. */
  readonly retryable: boolean

  constructor(proxy: URL, problem: string, retryable = false) {
    super(`the proxy ${proxy.host} ${problem}`)
    this.retryable = retryable
  }
}

/** What Node hands to an agent that makes a connection. */
interface ConnectionOptions extends tls.ConnectionOptions, TunnelRequestOptions {
  readonly host?: string
  readonly port?: number
}

/** What a request through a {@link TunnelAgent} may have beside its other options. */
export interface TunnelRequestOptions {
  /** Ends the making of a connection, of which node:http does not tell an agent. Of no meaning once there is one. */
  readonly until?: AbortSignal | undefined
}

type Connected = (error: Error | null, socket?: Duplex) => void

/** How long a proxy may take to reach a host, in milliseconds. */
const connectMs = 60_000

/** An agent whose connections lead through a proxy to a TLS server: HTTP's CONNECT, RFC 9110, section 9.3.6. */
export class TunnelAgent extends https.Agent {
  readonly #proxy: URL
  readonly #connecting = new Set<ClientRequest>()

  constructor(proxy: URL, options: https.AgentOptions) {
    super(options)
    this.#proxy = proxy
  }

  /** Called by node:http. */
  override createConnection(options: ConnectionOptions, connected: Connected): undefined {
    const target = `${options.host?.includes(':') ? `[${options.host}]` : options.host}:${options.port}`
    const request = requestTo(this.#proxy, { method: 'CONNECT', path: target, headers: { host: target, ...proxyHeaders(this.#proxy) } })
    const abort = (): void => void request.destroy(new Error('aborted'))
    options.until?.addEventListener('abort', abort, { once: true })
    const end = (error: Error | null, socket?: Duplex): void => {
      options.until?.removeEventListener('abort', abort)
      // A failure after the success is the connection's to tell.
      if (!this.#connecting.delete(request)) return
      connected(error, socket)
    }
    this.#connecting.add(request)
    request.setTimeout(connectMs, () => request.destroy(new ProxyFailure(this.#proxy, `did not reach ${target} within ${connectMs} ms`)))
    request.once('connect', (response: IncomingMessage, socket: Socket) => {
      socket.setTimeout(0)
      if (response.statusCode !== 200) {
        socket.destroy()
        return end(refusal(this.#proxy, response, target))
      }
      end(null, tls.connect({ ...options, socket, servername: options.servername ?? options.host ?? '' }))
    })
    // A proxy that answers as if it had been asked for a page.
    request.once('response', response => {
      response.destroy()
      end(refusal(this.#proxy, response, target))
    })
    request.once('error', error => end(proxyFailure(this.#proxy, error)))
    request.end()
  }

  override destroy(): void {
    for (const request of this.#connecting) request.destroy()
    super.destroy()
  }
}

/** Ask a proxy for something. */
export function requestTo(proxy: URL, options: http.RequestOptions): ClientRequest {
  const { protocol, hostname, port } = proxy
  const isSecure = protocol === 'https:'
  return (isSecure ? https : http).request({ host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port || (isSecure ? 443 : 80), ...options })
}

/** The proxy's own credentials, for the proxy alone. */
export function proxyHeaders({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {}
  const credentials = Buffer.from(`${unescaped(username)}:${unescaped(password)}`, 'utf8').toString('base64')
  return { 'proxy-authorization': `Basic ${credentials}` }
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** A failure on the way to the proxy: of nothing behind it. */
export function proxyFailure(proxy: URL, error: Error): Error {
  // What was to be sent may have failed, too.
  if (error instanceof ProxyFailure || EngineError.is(error)) return error
  const { code } = error as NodeJS.ErrnoException // a system's, OpenSSL's or node:http's error has one
  return new ProxyFailure(proxy, `cannot be reached (${code ?? error.message})`, code === 'ECONNRESET' || code === 'EAI_AGAIN')
}

function refusal(proxy: URL, { statusCode = 0, statusMessage = '' }: IncomingMessage, target: string): ProxyFailure {
  if (statusCode === 407) {
    return new ProxyFailure(
      proxy,
      `wants ${proxy.username === '' ? '' : 'other '}credentials: set them as http://user:password@${proxy.host}`
    )
  }
  return new ProxyFailure(proxy, `does not lead to ${target}: it answered ${`${statusCode} ${statusMessage}`.trim()}`, statusCode >= 500)
}
