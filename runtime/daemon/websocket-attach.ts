import type { IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Hijacked, OperationInput } from '../../src/api/index.js'
import { writeError } from './client-failure.js'
import type { AnyHandler } from './daemon-engine.js'
import { pump } from './pump.js'
import { framed } from './send-response.js'

/** A request for a WebSocket, and what to do with it. */
export interface WebsocketAttach {
  readonly input: OperationInput
  readonly request: IncomingMessage
  readonly connection: Duplex
  readonly head: Buffer
  readonly signal: AbortSignal
}

/** ws, loaded by the first who asks for a WebSocket; required for the reason that `routes.ts` gives. */
function ws(): typeof import('ws') {
  // The reason for the cast: require has no types of its own.
  return createRequire(import.meta.url)('ws') as typeof import('ws')
}

/** The longest message that a client may send, in bytes. */
const maxPayload = 4 * 1024 * 1024

/** Connect a WebSocket to a process: binary messages, its output and its errors without distinction, as Docker does. */
export async function attachWebsocket(handler: AnyHandler, how: WebsocketAttach): Promise<void> {
  const { input, request, connection, head, signal } = how
  const query = { stream: true, ...(namesStreams(input.query) ? {} : allStreams), ...input.query }
  let process: Hijacked
  try {
    // ContainerAttach gives a connection.
    process = (await handler({ ...input, query }, { signal })) as Hijacked
  } catch (error) {
    return writeError(connection, error)
  }
  try {
    const socket = await accept(request, connection, head)
    await join(socket, process, signal)
  } finally {
    connection.destroy()
    await process.close()
  }
}

const allStreams = { stdin: true, stdout: true, stderr: true }

/** API versions before 1.42 have no words for them, and mean all. */
function namesStreams(query: object | undefined): boolean {
  return query !== undefined && Object.keys(allStreams).some(name => name in query)
}

function accept(request: IncomingMessage, connection: Duplex, head: Buffer): Promise<WebSocket> {
  const { WebSocketServer } = ws()
  const server = new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate: false })
  return new Promise((resolve, reject) => {
    connection.once('close', () => reject(new Error('the client has gone away')))
    // The reason for the cast: what an HTTP server upgrades is a socket, of TLS or not.
    server.handleUpgrade(request, connection as Socket, head, resolve)
  })
}

async function join(socket: WebSocket, process: Hijacked, signal: AbortSignal): Promise<void> {
  const stream = ws().createWebSocketStream(socket)
  stream.on('error', () => {})
  const gone = new AbortController()
  const leave = (): void => gone.abort()
  socket.once('close', leave)
  signal.addEventListener('abort', leave)
  stream.on('data', (chunk: Buffer) => {
    stream.pause()
    process.write(chunk).then(
      () => stream.resume(),
      () => stream.resume()
    )
  })
  stream.on('end', () => void process.closeWrite().catch(() => {}))
  try {
    await pump(framed(process.output, true), stream, gone.signal)
  } finally {
    signal.removeEventListener('abort', leave)
    const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
    socket.close(1000)
    await Promise.race([closed, new Promise<void>(resolve => setTimeout(resolve, closeMs).unref())])
    socket.terminate()
  }
}

/** How long a client may take to answer the closing of its socket. */
const closeMs = 1000
