import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { createServer, type Server, type Socket } from 'node:net'
import dnsPacket from 'dns-packet'
import { answerLocally, fitDatagram, type NameSource, reply, responseCodes } from './answers.js'
import { forward, type NameTransport, prefixed } from './forward.js'

/** What a container's name server is made of. */
export interface NameServerOptions {
  /** Sockets in the container's namespace: bound, and the stream one listening. The server owns them. */
  readonly datagramFd: number
  readonly streamFd: number
  readonly names: NameSource
  /** Whom to ask about the rest; none where the container has no way out. */
  readonly upstream: () => readonly string[]
  /** The container sets `ndots`: then single words are for its search domains, and nobody outside is asked about them. */
  readonly keepsWords: boolean
}

/** More questions than this wait for servers outside: then the next is answered with a failure. */
const waitingLimit = 1000
const idleMs = 10_000
const headerBytes = 12

/** Answers a container's questions about names: those of its networks by itself, others by asking outside. */
export class NameServer {
  readonly #options: NameServerOptions
  readonly #datagrams: DatagramSocket
  readonly #streams: Server
  readonly #open = new Set<Socket>()
  #waiting = 0
  #closed: Promise<void> | undefined

  constructor(options: NameServerOptions) {
    this.#options = options
    this.#datagrams = createSocket('udp4')
    this.#datagrams.on('error', () => undefined)
    this.#datagrams.on('message', (message, from) => {
      void this.#answer(message, 'udp').then(answer => {
        // The container may have gone meanwhile.
        if (answer !== undefined && this.#closed === undefined) this.#datagrams.send(answer, from.port, from.address, () => undefined)
      })
    })
    this.#datagrams.bind({ fd: options.datagramFd })
    this.#datagrams.unref()
    this.#streams = createServer(socket => this.#serve(socket))
    this.#streams.on('error', () => undefined)
    this.#streams.listen({ fd: options.streamFd })
    this.#streams.unref()
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    for (const socket of this.#open) socket.destroy()
    await Promise.all([
      new Promise<void>(resolve => this.#datagrams.close(() => resolve())),
      new Promise(resolve => this.#streams.close(resolve))
    ])
  }

  #serve(socket: Socket): void {
    let received = Buffer.alloc(0)
    this.#open.add(socket)
    socket.unref()
    socket.setTimeout(idleMs, () => socket.destroy())
    socket.on('error', () => undefined)
    socket.on('close', () => this.#open.delete(socket))
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0)
        const message = received.subarray(2, end)
        received = received.subarray(end)
        void this.#answer(message, 'tcp').then(answer => {
          if (answer !== undefined && !socket.destroyed) socket.write(prefixed(answer))
        })
      }
    })
  }

  /** Never rejects. Undefined: what is no question gets no answer. */
  async #answer(message: Uint8Array, transport: NameTransport): Promise<Uint8Array | undefined> {
    if (message.byteLength < headerBytes) return undefined
    const bytes = Buffer.from(message)
    let query: ReturnType<typeof dnsPacket.decode>
    try {
      query = dnsPacket.decode(bytes)
    } catch {
      return dnsPacket.encode(reply({ id: bytes.readUInt16BE(0) }, responseCodes.formatError))
    }
    if (query.type !== 'query') return undefined
    try {
      const local = answerLocally(query, this.#options.names)
      if (local !== undefined) return transport === 'tcp' ? dnsPacket.encode(local) : fitDatagram(local, packet => dnsPacket.encode(packet))
      const { keepsWords, upstream } = this.#options
      if (keepsWords && isWord(query.questions?.[0]?.name ?? '')) return dnsPacket.encode(reply(query, responseCodes.none))
      return (await this.#forward(bytes, upstream(), transport)) ?? dnsPacket.encode(reply(query, responseCodes.serverFailure))
    } catch {
      // The records are closed, or the question has what cannot be encoded again.
      return dnsPacket.encode(reply({ id: bytes.readUInt16BE(0) }, responseCodes.serverFailure))
    }
  }

  async #forward(query: Uint8Array, servers: readonly string[], transport: NameTransport): Promise<Uint8Array | undefined> {
    if (this.#waiting >= waitingLimit) return undefined
    this.#waiting += 1
    try {
      return await forward(query, servers, transport)
    } finally {
      this.#waiting -= 1
    }
  }
}

function isWord(name: string): boolean {
  return !name.replace(/\.$/, '').includes('.')
}
