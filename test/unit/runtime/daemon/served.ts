import { mkdtemp, rm } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Listener, type ListenOptions, listen } from '../../../../runtime/daemon/listener.js'
import type { Handlers, Hijacked } from '../../../../src/api/index.js'
import { AsyncQueue } from '../../../../src/util/async-queue.js'

/** A server over handlers that a test made up, on a socket in a folder of its own. */
export interface Served {
  readonly listener: Listener
  readonly path: string
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  /** Send bytes as they are. */
  raw(text: string | Buffer): Promise<Socket>
  stop(): Promise<void>
}

interface CallOptions {
  readonly body?: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Called with the response when its headers have come. */
  readonly onHeaders?: (response: IncomingMessage) => void
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export async function serve(handlers: Handlers, options?: ListenOptions): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-daemon-unit-'))
  const path = join(folder, 'sock')
  const engine = { handlers, version: '1.2.3', apiVersion: '1.51', newestApiVersion: '1.55', smallestApiVersion: '1.24' }
  const listener = await listen(engine, `unix://${path}`, options)
  return {
    listener,
    path,
    call: (method, url, callOptions) => call(path, method, url, callOptions),
    raw: text => raw(path, text),
    async stop() {
      await listener.close({ graceMs: 100 })
      await rm(folder, { recursive: true, force: true })
    }
  }
}

function call(socketPath: string, method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  const { body, headers, signal, onHeaders } = options
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        socketPath,
        method,
        path,
        agent: false,
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          ...headers
        },
        ...(signal && { signal })
      },
      response => {
        onHeaders?.(response)
        let text = ''
        response.setEncoding('utf8')
        response.on('data', chunk => {
          text += chunk
        })
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
      }
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

function raw(path: string, text: string | Buffer): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path, allowHalfOpen: true }, () => {
      socket.write(text)
      resolve(socket)
    })
    socket.on('error', reject)
  })
}

/** Everything that comes until the other side ends. */
export async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('latin1')
}

/** A process that gives back what it is sent, and ends when its stdin does. */
export function echo(tty = false) {
  const frames = new AsyncQueue<{ readonly stream: 'stdout'; readonly data: Uint8Array }>()
  const seen = { closedWrite: 0, closed: 0, received: '' }
  const process: Hijacked = {
    tty,
    output: frames,
    async write(chunk) {
      seen.received += Buffer.from(chunk).toString('latin1')
      await frames.push({ stream: 'stdout', data: Uint8Array.from(chunk) })
    },
    async closeWrite() {
      seen.closedWrite++
      frames.push({ stream: 'stdout', data: Buffer.from('bye') })
      frames.end()
    },
    async close() {
      seen.closed++
      frames.end()
    },
    async [Symbol.asyncDispose]() {
      await process.close()
    }
  }
  return { process, seen }
}
