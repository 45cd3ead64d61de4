import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the client asks for. */
export type RequestKind = 'ping' | 'manifest' | 'blob' | 'other'

/** What a registry can do to its clients. */
export type Fault =
  /** Another answer than the real one. */
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Takes the request and says nothing. */
  | { readonly kind: 'silence' }
  /** Ends the connection. */
  | { readonly kind: 'reset' }
  /** Announces all of it, sends half of it, and ends the connection. */
  | { readonly kind: 'truncate' }
  /** Sends half of it, and nothing more. */
  | { readonly kind: 'stall' }
  /** All of it, in small pieces with pauses. */
  | { readonly kind: 'trickle'; readonly pieces: number; readonly pauseMs: number }
  /** One byte in the middle is another one. */
  | { readonly kind: 'corrupt' }

/** Decides what becomes of a request; undefined lets it through. */
export type Decide = (request: { readonly kind: RequestKind; readonly path: string; readonly authorization?: string }) => Fault | undefined

/** A proxy in front of a real registry that spoils what it is told to. */
export interface FaultyRegistry extends AsyncDisposable {
  /** `127.0.0.1:<port>`, as image references begin. */
  readonly address: string
  /** What was asked for so far: `GET /v2/...`. */
  readonly requests: readonly string[]
  close(): Promise<void>
}

/** Start a faulty registry in front of `upstream` (`host:port`) on a free loopback port. */
export async function startFaultyRegistry(upstream: string, decide: Decide): Promise<FaultyRegistry> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    const path = request.url ?? '/'
    const { authorization } = request.headers
    const fault = decide({ kind: kindOf(path), path, ...(authorization === undefined ? {} : { authorization }) })
    serve(upstream, request, response, fault).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const close = async (): Promise<void> => {
    const closed = new Promise(resolve => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  // It listens on TCP, so its address is of that kind.
  const { port } = server.address() as AddressInfo
  return { address: `127.0.0.1:${port}`, requests, close, [Symbol.asyncDispose]: close }
}

function kindOf(path: string): RequestKind {
  if (/^\/v2\/?$/.test(path)) return 'ping'
  if (path.includes('/manifests/')) return 'manifest'
  return path.includes('/blobs/') ? 'blob' : 'other'
}

async function serve(upstream: string, request: IncomingMessage, response: ServerResponse, fault: Fault | undefined): Promise<void> {
  if (fault?.kind === 'silence') return
  if (fault?.kind === 'reset') return void request.socket.destroy()
  if (fault?.kind === 'answer') return void response.writeHead(fault.status, fault.headers).end(fault.body ?? '')
  const { status, headers, body } = await fetchUpstream(upstream, request)
  response.writeHead(status, headers)
  if (request.method === 'HEAD') return void response.end()
  const half = Math.floor(body.length / 2)
  switch (fault?.kind) {
    case undefined:
      return void response.end(body)
    case 'stall':
      return void response.write(body.subarray(0, half))
    case 'truncate':
      response.write(body.subarray(0, half), () => response.destroy())
      return
    case 'corrupt':
      body[half] = (body[half] ?? 0) ^ 0xff
      return void response.end(body)
    case 'trickle': {
      const pieceBytes = Math.ceil(body.length / fault.pieces)
      for (let offset = 0; offset < body.length && !response.destroyed; offset += pieceBytes) {
        response.write(body.subarray(offset, offset + pieceBytes))
        await new Promise(resolve => setTimeout(resolve, fault.pauseMs))
      }
      response.end()
    }
  }
}

async function fetchUpstream(
  upstream: string,
  request: IncomingMessage
): Promise<{ status: number; headers: Record<string, string>; body: Buffer }> {
  const { accept, range } = request.headers
  const answer = await fetch(`http://${upstream}${request.url}`, {
    method: request.method ?? 'GET',
    headers: { ...(accept === undefined ? {} : { accept }), ...(range === undefined ? {} : { range }), 'accept-encoding': 'identity' }
  })
  const body = Buffer.from(await answer.arrayBuffer())
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !['connection', 'transfer-encoding'].includes(name)))
  return { status: answer.status, headers, body }
}
