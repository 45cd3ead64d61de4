import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * A port of this host that this process holds. What the rules do not lead to the container by themselves (IPv6, where containers have
 * none) is carried over by hand.
 */
export interface PortRelay {
  readonly port: number
  /** Connections that are open are cut. Idempotent. */
  close(): Promise<void>
}

/** Where to listen, and where it leads. */
export interface RelayOptions {
  readonly hostAddress: string
  /** 0: a free one. */
  readonly hostPort: number
  readonly target: { readonly address: string; readonly port: number }
}

/** More than these are not remembered: the one that came first goes. */
const datagramPeers = 4096

/** A peer that has been silent for so long is forgotten. */
const datagramIdleMs = 90_000

/** @throws the error of bind(2), with its `code` */
export async function openStreamRelay({ hostAddress, hostPort, target }: RelayOptions): Promise<PortRelay> {
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, client => {
    const container = connect({ host: target.address, port: target.port, allowHalfOpen: true })
    for (const [socket, other] of [
      [client, container],
      [container, client]
    ] as const) {
      open.add(socket)
      // What is relayed is somebody else's business: it does not hold this process.
      socket.unref()
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        open.delete(socket)
        if (!socket.readableEnded) other.destroy()
      })
      socket.pipe(other)
    }
  })
  server.listen({ host: hostAddress, port: hostPort, exclusive: true, ipv6Only: hostAddress.includes(':') })
  await once(server, 'listening')
  server.unref()
  server.on('error', () => undefined)
  // A TCP server's address is an AddressInfo.
  const { port } = server.address() as AddressInfo
  return {
    port,
    async close() {
      for (const socket of open) socket.destroy()
      if (server.listening) await new Promise(resolve => server.close(resolve))
    }
  }
}

/** @throws the error of bind(2), with its `code` */
export async function openDatagramRelay({ hostAddress, hostPort, target }: RelayOptions): Promise<PortRelay> {
  const isIpv6 = hostAddress.includes(':')
  const peers = new Map<string, Peer>()
  const socket = createSocket({ type: isIpv6 ? 'udp6' : 'udp4', ipv6Only: isIpv6 })
  socket.bind({ address: hostAddress, port: hostPort, exclusive: true })
  await once(socket, 'listening')
  socket.unref()
  socket.on('error', () => undefined)
  socket.on('message', (message, from) => {
    const key = `${from.address} ${from.port}`
    let peer = peers.get(key)
    if (peer === undefined) {
      const upstream = createSocket('udp4')
      upstream.unref()
      upstream.on('error', () => undefined)
      upstream.on('message', answer => {
        socket.send(answer, from.port, from.address, () => undefined)
        peers.get(key)?.timer.refresh()
      })
      const forget = () => {
        peers.delete(key)
        upstream.close()
      }
      peer = { upstream, forget, timer: setTimeout(forget, datagramIdleMs).unref() }
      peers.set(key, peer)
      const [oldest] = peers.size > datagramPeers ? peers.values() : []
      if (oldest !== undefined) {
        clearTimeout(oldest.timer)
        oldest.forget()
      }
    }
    peer.timer.refresh()
    peer.upstream.send(message, target.port, target.address, () => undefined)
  })
  const { port } = socket.address()
  let closed: Promise<void> | undefined
  return {
    port,
    close() {
      closed ??= new Promise(resolve => {
        for (const { upstream, timer } of peers.values()) {
          clearTimeout(timer)
          upstream.close()
        }
        peers.clear()
        socket.close(() => resolve())
      })
      return closed
    }
  }
}

interface Peer {
  readonly upstream: DatagramSocket
  readonly forget: () => void
  readonly timer: NodeJS.Timeout
}
