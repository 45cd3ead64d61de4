import type { TlsOptions } from '../tls-options.js'
import type { Transport } from '../transport.js'
import { CallScope } from './call-scope.js'
import { connectionError } from './connection-error.js'
import { openConnections } from './connections.js'
import { parseEndpoint } from './endpoint.js'
import { exchange, type HttpResponse } from './exchange.js'
import { HttpTransport } from './http-transport.js'
import { negotiate, pingFacts } from './negotiate.js'

/** Where an engine is and how to speak with it. */
export interface OpenHttpOptions {
  /** `unix://`, `npipe://`, `tcp://` or `ssh://`, as `DOCKER_HOST` spells it. */
  readonly host: string
  /** Speak TLS on `tcp://`; an empty object does so with the system's authorities and no client certificate. */
  readonly tls?: TlsOptions
  /** Ends the opening; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal
  /**
   * How long an ordinary call may wait for its answer. Streams, and calls that wait for a process or move data, have
   * no deadline but their signal.
   *
   * @default 60_000
   */
  readonly deadlineMs?: number
}

/**
 * Reach an engine over HTTP, and agree on an API version with it.
 *
 * @throws invalid_argument for an address that is none; unavailable, saying what to do, when no engine answers;
 * not_supported when it is too old
 */
export async function openHttp(options: OpenHttpOptions): Promise<Transport> {
  const { signal, deadlineMs = 60_000 } = options
  signal?.throwIfAborted()
  const target = parseEndpoint(options.host)
  const connections = await openConnections(target, options.tls)
  const prefix = target.kind === 'tcp' ? target.basePath : ''
  try {
    let server = ''
    const ping = async (method: 'HEAD' | 'GET'): Promise<HttpResponse> => {
      const request = { method, path: `${prefix}/_ping`, headers: {}, timeoutMs: deadlineMs }
      const response = await exchange(connections.short, request, new CallScope(signal, () => {}), (error, headArrived) =>
        connectionError(error, target, pingFacts(method), headArrived)
      )
      server = response.headers.server ?? ''
      return response
    }
    const apiVersion = await negotiate(ping, target.display, { methods: target.kind === 'ssh' ? 'GET' : 'HEAD, then GET' })
    return new HttpTransport({
      target,
      connections,
      apiVersion,
      isGantry: /^Gantry\//.test(server),
      deadlineMs,
      reach: { host: options.host, ...(options.tls && { tls: options.tls }) }
    })
  } catch (error) {
    await connections.destroy()
    throw error
  }
}
