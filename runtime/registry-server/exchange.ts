import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Gatekeeper } from './gatekeeper.js'
import { Refusal } from './refusal.js'
import type { Storage } from './storage.js'
import type { Upstream } from './upstream.js'

/** What the endpoints of one registry share. */
export interface RegistryContext {
  readonly storage: Storage
  readonly gatekeeper: Gatekeeper
  /** Where what is not here is fetched from. Then nothing is pushed. */
  readonly upstream?: Upstream
  readonly readOnly: boolean
}

/** A request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly query: URLSearchParams
  /** Aborted when the client leaves, or the registry ends. */
  readonly signal: AbortSignal
}

type Headers = Readonly<Record<string, string | number | undefined>>

/** Send an answer, with a text as its body where there is one. A HEAD gets the headers alone. */
export function send({ request, response }: Exchange, status: number, headers: Headers, body = ''): void {
  setHeaders(response, headers)
  if (status !== 204 && status !== 304) response.setHeader('content-length', Buffer.byteLength(body))
  response.writeHead(status)
  response.end(request.method === 'HEAD' ? undefined : body)
}

export function setHeaders(response: ServerResponse, headers: Headers): void {
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value)
}

/** Send a value as JSON. */
export function sendJson(exchange: Exchange, value: unknown, headers: Headers = {}): void {
  send(exchange, 200, { 'content-type': 'application/json', ...headers }, JSON.stringify(value))
}

/** Say no. What a client still sends is not waited for. */
export function sendRefusal({ request, response }: Exchange, refusal: Refusal): void {
  if (response.headersSent) {
    // The status is gone: a connection that ends before its time says that something is missing.
    response.destroy()
    return
  }
  for (const name of response.getHeaderNames()) if (name.startsWith('content-') || name === 'etag') response.removeHeader(name)
  const { body } = refusal
  if (!request.complete) response.setHeader('connection', 'close')
  setHeaders(response, { ...refusal.headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.writeHead(refusal.status)
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** A request's body, piece by piece. Leaving the loop leaves the connection open, for an answer. */
export function bodyOf({ request }: Exchange): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) }
}

/** The length of a request's body, where it says so. */
export function lengthOf({ request }: Exchange): number | undefined {
  const text = request.headers['content-length']
  return text === undefined ? undefined : Number(text)
}

/** The whole of a short body. @throws Refusal with status 413 for one that is longer than `limitBytes` */
export async function readBody(exchange: Exchange, limitBytes: number): Promise<Uint8Array> {
  if ((lengthOf(exchange) ?? 0) > limitBytes) throw tooLong(limitBytes)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of bodyOf(exchange)) {
    size += chunk.byteLength
    if (size > limitBytes) throw tooLong(limitBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function tooLong(limitBytes: number): Refusal {
  return new Refusal('MANIFEST_INVALID', `a manifest has at most ${limitBytes} bytes`, { status: 413 })
}

/** Whether a client has this content already: `If-None-Match`, RFC 9110 section 13.1.2. */
export function isKnownTo({ request }: Exchange, digest: string): boolean {
  const header = request.headers['if-none-match']
  if (header === undefined) return false
  return header.split(',').some(part => {
    const tag = part.trim().replace(/^W\//, '')
    return tag === '*' || tag === etagOf(digest) || tag === digest
  })
}

/** Content by digest never changes, so its digest is its entity tag. */
export function etagOf(digest: string): string {
  return `"${digest}"`
}
