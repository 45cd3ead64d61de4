import { execFileSync } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import dnsPacket, { type Packet } from 'dns-packet'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createHost, type NetworkedHost } from '../../runtime/host/create-host.js'
import { prefixed } from '../../runtime/networks/names/forward.js'
import { NameServer, type NameServerOptions } from '../../runtime/networks/names/name-server.js'

const root = process.getuid?.() === 0
/** Of loopback; nobody else's. */
const upstreamAddress = '127.0.53.1'
const serverAddress = '127.0.53.2'

/** Needs root: port 53 of a loopback address for the server outside, and the launcher thread that opens sockets in namespaces. */
describe.skipIf(!root)('a name server (needs root)', () => {
  let host: NetworkedHost
  let upstream: { readonly datagrams: Socket; readonly streams: Server }
  let asked: string[] = []
  const servers: NameServer[] = []

  beforeAll(async () => {
    host = await createHost({ runRoot: '/tmp' })
    const datagrams = createSocket('udp4')
    datagrams.on('message', (message, from) => datagrams.send(outside(message, 'udp'), from.port, from.address))
    datagrams.bind(53, upstreamAddress)
    const streams = createServer(socket => socket.on('data', data => socket.write(prefixed(outside(data.subarray(2), 'tcp')))))
    streams.listen(53, upstreamAddress)
    await Promise.all([once(datagrams, 'listening'), once(streams, 'listening')])
    upstream = { datagrams, streams }
  })

  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close()
    asked = []
  })

  afterAll(async () => {
    upstream.datagrams.close()
    upstream.streams.close()
    execFileSync('nft', ['delete', 'table', 'ip', `gantry_names_${process.pid}`])
    await host.close()
  })

  /** What the server outside says: an address for what ends in .test, and that nothing else exists. */
  function outside(message: Buffer, transport: string): Uint8Array {
    const query = dnsPacket.decode(message)
    const name = query.questions?.[0]?.name ?? ''
    asked.push(`${transport} ${name}`)
    const known = name.endsWith('.test')
    return dnsPacket.encode({
      type: 'response',
      id: query.id ?? 0,
      flags: known ? 0 : 3,
      questions: query.questions ?? [],
      answers: known ? [{ type: 'A', name, ttl: 1, data: '203.0.113.9' }] : []
    })
  }

  async function serve(options: Partial<Pick<NameServerOptions, 'upstream' | 'keepsWords'>> = {}): Promise<{ udp: number; tcp: number }> {
    const service = { address: serverAddress, port: 53, table: `gantry_names_${process.pid}` }
    const sockets = await host.network.openService('/proc/self/ns/net', service)
    servers.push(
      new NameServer({
        ...sockets,
        names: { addressesOf: name => (name === 'db' ? ['172.18.0.2'] : undefined), nameOf: () => undefined },
        upstream: () => [upstreamAddress],
        keepsWords: false,
        ...options
      })
    )
    return { udp: 53, tcp: 53 }
  }

  const question = (name: string) => dnsPacket.encode({ type: 'query', id: 4711, questions: [{ type: 'A', name }] })

  async function askDatagram(port: number, message: Uint8Array): Promise<Packet> {
    const socket = createSocket('udp4')
    socket.send(message, port, serverAddress)
    const [answer] = await once(socket, 'message')
    socket.close()
    return dnsPacket.decode(answer)
  }

  async function askStream(port: number, message: Uint8Array): Promise<Packet> {
    const socket = connect(port, serverAddress)
    socket.write(prefixed(message))
    const [answer] = await once(socket, 'data')
    socket.destroy()
    return dnsPacket.decode(answer.subarray(2))
  }

  it('answers for containers itself, by UDP and TCP', async () => {
    const { udp, tcp } = await serve()
    for (const answer of [await askDatagram(udp, question('db')), await askStream(tcp, question('db'))]) {
      expect(answer).toMatchObject({ id: 4711, rcode: 'NOERROR', answers: [{ data: '172.18.0.2' }] })
    }
    expect(asked).toEqual([])
  })

  it('asks outside about others, the way it was asked', async () => {
    const { udp, tcp } = await serve()
    expect(await askDatagram(udp, question('a.test'))).toMatchObject({ id: 4711, answers: [{ data: '203.0.113.9' }] })
    expect(await askStream(tcp, question('b.test'))).toMatchObject({ id: 4711, answers: [{ data: '203.0.113.9' }] })
    expect(asked).toEqual(['udp a.test', 'tcp b.test'])
  })

  it('passes on that a name does not exist', async () => {
    const { udp } = await serve()
    expect(await askDatagram(udp, question('nonesuch'))).toMatchObject({ id: 4711, rcode: 'NXDOMAIN' })
  })

  it('goes on to the next server where one does not answer', async () => {
    const { udp } = await serve({ upstream: () => ['127.0.53.9', upstreamAddress] })
    expect(await askDatagram(udp, question('a.test'))).toMatchObject({ answers: [{ data: '203.0.113.9' }] })
  })

  it('fails where nobody can be asked', async () => {
    const { udp } = await serve({ upstream: () => [] })
    expect(await askDatagram(udp, question('a.test'))).toMatchObject({ id: 4711, rcode: 'SERVFAIL' })
  })

  it('keeps words to itself where the container has search domains to try', async () => {
    const { udp } = await serve({ keepsWords: true })
    expect(await askDatagram(udp, question('word'))).toMatchObject({ rcode: 'NOERROR', answers: [] })
    expect(asked).toEqual([])
  })

  it('says of a malformed question that it is one, and nothing to what is none', async () => {
    const { udp } = await serve()
    const malformed = Buffer.concat([question('db').subarray(0, 12), Buffer.from([0xff, 0xff, 0xff])])
    expect(await askDatagram(udp, malformed)).toMatchObject({ id: 4711, rcode: 'FORMERR' })
    const socket = createSocket('udp4')
    socket.send('short', udp, serverAddress)
    socket.close()
    expect(await askDatagram(udp, question('db'))).toMatchObject({ rcode: 'NOERROR' })
  })

  it('is gone when closed, connections too', async () => {
    const { tcp } = await serve()
    const socket = connect(tcp, serverAddress)
    await once(socket, 'connect')
    await servers[0]?.close()
    await once(socket, 'close')
    const refused = connect(tcp, serverAddress)
    const [error] = await once(refused, 'error')
    expect(error.code).toBe('ECONNREFUSED')
  })
})
