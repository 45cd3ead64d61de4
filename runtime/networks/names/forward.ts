import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'

/** How a question came, and goes on. */
export type NameTransport = 'udp' | 'tcp'

const timeoutMs = 4_000
const port = 53

/** Low four bits of byte 3, RFC 1035 4.1.1. */
const responseCodeByte = 3
const responseCodeMask = 0x0f
/** Servers that say so are passed over while there are others. */
const unhelpful: readonly number[] = [2, 5]

/** Ask the servers one after the other, from this host. Undefined when none answers. */
export async function forward(query: Uint8Array, servers: readonly string[], transport: NameTransport): Promise<Uint8Array | undefined> {
  let last: Uint8Array | undefined
  for (const server of servers) {
    const answer = await (transport === 'udp' ? askDatagram(query, server) : askStream(query, server))
    if (answer === undefined) continue
    last = answer
    if (!unhelpful.includes((answer[responseCodeByte] ?? 0) & responseCodeMask)) return answer
  }
  return last
}

function askDatagram(query: Uint8Array, server: string): Promise<Uint8Array | undefined> {
  return new Promise(resolve => {
    const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4')
    const finish = (answer: Uint8Array | undefined) => {
      clearTimeout(timer)
      socket.removeAllListeners()
      socket.on('error', () => undefined)
      socket.close()
      resolve(answer)
    }
    const timer = setTimeout(() => finish(undefined), timeoutMs).unref()
    socket.unref()
    socket.on('error', () => finish(undefined))
    socket.on('message', answer => {
      if (answer.length > responseCodeByte && answer[0] === query[0] && answer[1] === query[1]) finish(answer)
    })
    // Connected: only this server's answers come in, and its refusal too.
    socket.on('connect', () => socket.send(query))
    socket.connect(port, server)
  })
}

function askStream(query: Uint8Array, server: string): Promise<Uint8Array | undefined> {
  return new Promise(resolve => {
    const socket = connect({ host: server, port })
    socket.unref()
    let received = Buffer.alloc(0)
    const finish = (answer: Uint8Array | undefined) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(() => finish(undefined), timeoutMs).unref()
    socket.on('error', () => finish(undefined))
    socket.on('end', () => finish(undefined))
    socket.on('connect', () => socket.write(prefixed(query)))
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      const length = received.length < 2 ? undefined : received.readUInt16BE(0)
      if (length !== undefined && received.length >= 2 + length) finish(received.subarray(2, 2 + length))
    })
  })
}

/** A message on a stream has its length before it: RFC 1035 4.2.2. */
export function prefixed(message: Uint8Array): Uint8Array {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.byteLength)
  return Buffer.concat([length, message])
}
