import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createRawServer, type Server as RawServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { openHttp } from '../../../../src/transport/http/open-http.js'
import type { Transport } from '../../../../src/transport/transport.js'

/** A server on a UNIX socket in a folder of its own. */
export interface LocalEngine extends AsyncDisposable {
  readonly host: string
  readonly socketPath: string
  /** `METHOD path` of every request but pings. */
  readonly requests: string[]
  open(options?: { readonly deadlineMs?: number }): Promise<Transport>
}

export interface LocalEngineOptions {
  /** @default '1.41' */
  readonly apiVersion?: string
  /** Answers everything but pings. */
  readonly answer?: (request: IncomingMessage, response: ServerResponse) => void
  /** Answers requests that ask for an upgrade, with the bare connection. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

/** An engine that answers pings, and for the rest what the test says. */
export async function localEngine(options: LocalEngineOptions): Promise<LocalEngine> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    if (request.url === '/_ping') {
      response.writeHead(200, { 'Api-Version': options.apiVersion ?? '1.41', 'Content-Type': 'text/plain' }).end('OK')
      return
    }
    requests.push(`${request.method} ${request.url}`)
    options.answer?.(request, response)
  })
  server.on('upgrade', (request, socket, head) => {
    requests.push(`${request.method} ${request.url}`)
    socket.on('error', () => {})
    options.upgrade?.(request, socket, head)
  })
  return await listen(server, requests)
}

/** A server that gets every connection as it is: for what no HTTP server would send. */
export async function rawServer(talk: (socket: Socket) => void): Promise<LocalEngine> {
  const server = createRawServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {})
    talk(socket)
  })
  return await listen(server, [])
}

/** As {@link rawServer}, with pings answered properly: `talk` gets the head of every other request. */
export async function rawEngine(apiVersion: string, talk: (socket: Socket, head: string) => void): Promise<LocalEngine> {
  return await rawServer(socket => {
    let text = ''
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1')
      if (!text.includes('\r\n\r\n')) return
      const head = text
      text = ''
      if (head.includes(' /_ping ')) {
        socket.write(`HTTP/1.1 200 OK\r\nApi-Version: ${apiVersion}\r\nContent-Length: 0\r\n\r\n`)
        return
      }
      socket.off('data', onData)
      talk(socket, head)
    }
    socket.on('data', onData)
  })
}

async function listen(server: Server | RawServer, requests: string[]): Promise<LocalEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-http-'))
  const socketPath = join(folder, 'engine.sock')
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(socketPath, resolve))
  const transports: Transport[] = []
  const host = `unix://${socketPath}`
  return {
    host,
    socketPath,
    requests,
    async open(options = {}) {
      const transport = await openHttp({ host, ...options })
      transports.push(transport)
      return transport
    },
    async [Symbol.asyncDispose]() {
      const closing = Promise.all(transports.map(transport => transport.close()))
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      // A connection may have been on its way.
      server.on('connection', (socket: Socket) => socket.destroy())
      await closing
      for (const socket of sockets) socket.destroy()
      await closed
      await rm(folder, { recursive: true })
    }
  }
}

/** A frame of a container's output (Docker's stdcopy format). */
export function frame(stream: 1 | 2, text: string): Buffer {
  const header = Buffer.alloc(8)
  header[0] = stream
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

/** All of a stream of bytes or frames as text. */
export async function textOf(source: AsyncIterable<Uint8Array | { readonly data: Uint8Array }>): Promise<string> {
  let text = ''
  for await (const piece of source) text += Buffer.from(piece instanceof Uint8Array ? piece : piece.data).toString()
  return text
}

/** Wait until something is so. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 5))
}
