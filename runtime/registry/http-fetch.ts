import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { AsyncQueue } from '../../src/util/async-queue.js'
import { releaseMemory } from '../../src/util/release-memory.js'
import type { Answer, Fetch, FetchSettings } from './exchange.js'
import { closedEarly } from './network-failure.js'
import { proxyFailure, proxyHeaders, requestTo, type TunnelRequestOptions } from './proxy-tunnel.js'
import { sendPieces } from './send-pieces.js'

/** Pieces of a body that may wait for the reader before the connection is held up. */
const piecesAhead = 8

/** Asked of every server: what is compressed is compressed already. */
const defaultHeaders = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'gantry' }

/** What holds connections. */
interface FetchAgents {
  readonly http?: http.Agent
  readonly https?: https.Agent
  /** Where plain HTTP is sent to; `http` is then the agent for it. The way of TLS is up to `https`. */
  readonly proxy?: URL
}

/**
 * What `fetch` does for a registry, by node:http. A body's pieces are handed on as they come out of the socket: fetch copies each of them
 * twice, and a pull spends more time on that and on collecting the garbage than on hashing what it gets. For the same reason a piece's memory is
 * freed when the next one is asked for.
 *
 * @param agents which hold the connections. @default Node's own
 */
export function httpFetch(agents: FetchAgents = {}): Fetch {
  return (url, init) =>
    new Promise((resolve, reject) => {
      const target = new URL(url)
      const request = requestFor(target, agents, {
        method: init.method,
        headers: { ...defaultHeaders, ...lengthOf(init.body), ...init.headers },
        signal: init.signal
      })
      request.once('socket', socket => releaseReceived(request, socket))
      request.once('response', response => resolve(answerOf(response)))
      // One after the response is the body's to tell, and nobody else listens then.
      request.on('error', error => reject(isProxied(target, agents) ? proxyFailure(agents.proxy, error) : error))
      if (isPieces(init.body)) void sendPieces(request, init.body)
      else request.end(init.body)
    })
}

function isPieces(body: FetchSettings['body']): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && Symbol.asyncIterator in body
}

function lengthOf(body: FetchSettings['body']): Readonly<Record<string, number>> {
  return body === undefined || isPieces(body) ? {} : { 'content-length': Buffer.byteLength(body) }
}

/** Straight to its host, or to the proxy that plain HTTP leads through: RFC 9112, section 3.2.2. */
function requestFor(
  target: URL,
  agents: FetchAgents,
  options: http.RequestOptions & { readonly headers: http.OutgoingHttpHeaders }
): ClientRequest {
  if (target.protocol === 'https:') {
    const secure: https.RequestOptions & TunnelRequestOptions = { ...options, agent: agents.https, until: options.signal }
    return https.request(target, secure)
  }
  if (!isProxied(target, agents)) return http.request(target, { ...options, agent: agents.http })
  const headers = { host: target.host, ...options.headers, ...proxyHeaders(agents.proxy) }
  return requestTo(agents.proxy, { ...options, headers, path: `${target.origin}${target.pathname}${target.search}`, agent: agents.http })
}

function isProxied(target: URL, agents: FetchAgents): agents is FetchAgents & { readonly proxy: URL } {
  return agents.proxy !== undefined && target.protocol === 'http:'
}

function answerOf(response: IncomingMessage): Answer {
  return {
    status: response.statusCode ?? 0,
    headers: {
      get(name) {
        const value = response.headers[name]
        return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value
      }
    },
    body: {
      getReader: () => readerOf(response),
      cancel: async () => void response.destroy()
    }
  }
}

function readerOf(response: IncomingMessage) {
  const pieces = new AsyncQueue<Uint8Array>({ limit: piecesAhead })
  const body = decoded(response)
  // A plain listener: a stream's own iterator joins what waits into one piece, a copy of everything.
  body.on('data', (piece: Uint8Array) => {
    newestPiece = piece
    const room = pieces.push(piece)
    if (room === undefined) return
    body.pause()
    void room.then(() => body.resume())
  })
  body.on('end', () => pieces.end())
  if (body !== response) body.on('error', error => pieces.fail(error))
  response.on('error', error => pieces.fail(response.complete ? error : cutShort()))
  response.on('close', () => {
    if (!response.complete) pieces.fail(cutShort())
  })
  const iterator = pieces[Symbol.asyncIterator]()
  let lent: Uint8Array | undefined
  return {
    async read() {
      if (lent !== undefined) release(lent)
      const next = await iterator.next()
      lent = next.done === true ? undefined : next.value
      return next
    },
    cancel: async () => {
      await iterator.return?.()
      // What was read to its end stays open for the next request.
      if (!response.complete) response.destroy()
    }
  }
}

/** Some proxies compress what nobody asked them to. */
function decoded(response: IncomingMessage): Readable {
  const decoders: Readonly<Record<string, () => NodeJS.ReadWriteStream & Readable>> = {
    gzip: createGunzip,
    'x-gzip': createGunzip,
    deflate: createInflate,
    br: createBrotliDecompress
  }
  const decoder = decoders[response.headers['content-encoding']?.toLowerCase() ?? '']
  return decoder === undefined ? response : response.pipe(decoder())
}

/** Node says of it that the connection was reset, however it ended. */
function cutShort(): Error {
  return Object.assign(new Error('the connection was closed before the end of the body'), { code: closedEarly })
}

let newestPiece: Uint8Array | undefined
/** Whether node:http copies what it hands on of a body. Seen when the first body comes. */
let copiesBody = false

/** Free what came out of the socket as soon as node:http has taken it apart. */
function releaseReceived(request: ClientRequest, socket: Socket): void {
  // Comes after node:http's own listener, which has copied all of the body in it by then.
  const taken = (received: Uint8Array) => {
    copiesBody ||= newestPiece !== undefined && newestPiece.buffer !== received.buffer
    if (copiesBody) release(received)
  }
  socket.on('data', taken)
  request.once('close', () => socket.off('data', taken))
}

function release({ buffer, byteOffset, byteLength }: Uint8Array): void {
  // Small ones are parts of a pool.
  if (buffer instanceof ArrayBuffer && byteOffset === 0 && byteLength === buffer.byteLength) releaseMemory(buffer)
}
