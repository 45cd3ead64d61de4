import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { build } from 'tsup'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createHost, type NetworkedHost } from '../../runtime/host/create-host.js'
import { openMetadataStore } from '../../runtime/metadata/lmdb-store.js'
import type { MetadataStore } from '../../runtime/metadata/metadata-store.js'
import { createNetworkManager } from '../../runtime/networks/create-network-manager.js'
import type { NetworkManager, Sandbox } from '../../runtime/networks/network-manager.js'
import type { Endpoint } from '../../runtime/networks/network-record.js'
import type { ChildAnswer, ChildConnection, ChildRequest } from './network-child.js'

const run = promisify(execFile)
const root = process.getuid?.() === 0
const packageRoot = join(import.meta.dirname, '../..')
/** A caller who never gives up. */
const patient = () => ({ signal: new AbortController().signal })

/** Answers each connection with the address it sees. */
const sayPeer = `require('node:net').createServer(s => { s.on('error', () => {}); s.end(s.remoteAddress) }).listen(7000, '0.0.0.0', () => console.log('up'))`
/** Prints what a server says, or the error's code. */
const ask = (address: string) =>
  `const s = require('node:net').connect({ host: '${address}', port: 7000 }); s.setTimeout(1500, () => { console.log('timeout'); s.destroy() }); s.on('error', e => console.log(e.code)); s.pipe(process.stdout)`

/** Needs root: network namespaces, a bridge, nftables. Also ip and nsenter, and iptables for the last part. */
describe.skipIf(!root)('networks (needs root)', () => {
  let bundle: string
  let directory: string
  let host: NetworkedHost
  let metadata: MetadataStore
  let networks: NetworkManager
  let tag: string
  const children: ChildProcess[] = []

  beforeAll(async () => {
    // Child processes are other users of the same data root: they run the same code, bundled, as Node does not run TypeScript.
    bundle = await mkdtemp(join(packageRoot, 'node_modules', '.gantry-networks-'))
    const entry = {
      child: join(import.meta.dirname, 'network-child.ts'),
      'launcher-thread': join(packageRoot, 'runtime/host/launcher-thread.ts')
    }
    await build({
      entry,
      outDir: bundle,
      config: false,
      silent: true,
      format: 'esm',
      target: 'node20',
      splitting: false,
      dts: false,
      clean: false
    })
  })

  afterAll(() => rm(bundle, { recursive: true, force: true }))

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gantry-networks-'))
    tag = randomBytes(4).toString('hex')
    metadata = await openMetadataStore({ path: join(directory, 'metadata') })
    host = await createHost({ runRoot: directory })
    networks = await manager()
  })

  afterEach(async () => {
    for (const child of children.splice(0)) await kill(child)
    await networks.close()
    await host.close()
    await metadata.close()
    await rm(directory, { recursive: true, force: true })
    expect(await devices()).toEqual([])
    expect(execFileSync('nft', ['list', 'tables']).toString()).not.toContain(`gantry_${tag}`)
  })

  function manager(): Promise<NetworkManager> {
    return createNetworkManager({ host, metadata, tag, lockPath: `${directory}/networks.lock` })
  }

  const bridge = () => `gty${tag}`
  /** Of this test: the bridge and its ports. */
  async function devices(): Promise<string[]> {
    const names = await readdir('/sys/class/net')
    const ports = await readdir(`/sys/class/net/${bridge()}/brif`).catch(() => [])
    return [...names.filter(name => name === bridge()), ...ports]
  }

  async function connect(
    containerId: string = randomUUID(),
    macAddress?: string
  ): Promise<Sandbox & { endpoint: Endpoint; containerId: string }> {
    const { id } = await networks.get('bridge')
    const endpoints = [{ networkId: id, names: [], ...(macAddress === undefined ? {} : { macAddress }) }]
    const sandbox = await networks.connect({ containerId, containerName: containerId, endpoints }, patient())
    const [endpoint] = sandbox.endpoints
    if (endpoint === undefined) throw new Error('no endpoint')
    return { ...sandbox, endpoint, containerId }
  }

  async function leave(...sandboxes: readonly (Sandbox & { containerId: string })[]): Promise<void> {
    for (const sandbox of sandboxes) sandbox.release()
    await Promise.all(sandboxes.map(sandbox => networks.disconnect(sandbox.containerId)))
  }

  /** Run something in a network namespace and give what it prints. */
  async function inside(namespacePath: string, ...argv: string[]): Promise<string> {
    return (await run('nsenter', [`--net=${namespacePath}`, ...argv])).stdout
  }

  async function serve(namespacePath: string): Promise<void> {
    const server = spawn('nsenter', [`--net=${namespacePath}`, process.execPath, '-e', sayPeer], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(server)
    await once(server.stdout, 'data')
  }

  const askFrom = (namespacePath: string, address: string) => inside(namespacePath, process.execPath, '-e', ask(address))

  /** Another process with the same data root; `before` goes before it in its command line. */
  async function other(before: readonly string[] = [], name = 'metadata'): Promise<ChildProcess> {
    const [program = '', ...args] = [...before, process.execPath, join(bundle, 'child.js'), join(directory, name), directory, tag]
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    children.push(child)
    const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the other process ended with code ${code}`)))
    await Promise.race([once(child, 'message'), ended])
    ended.catch(() => undefined)
    return child
  }

  async function tell(child: ChildProcess, request: ChildRequest): Promise<ChildAnswer> {
    child.send(request)
    const [answer] = await once(child, 'message')
    // The child sends nothing else.
    return answer as ChildAnswer
  }

  async function connectIn(child: ChildProcess, count: number): Promise<readonly ChildConnection[]> {
    const answer = await tell(child, { action: 'connect', count })
    if (!('connections' in answer)) throw new Error(JSON.stringify(answer))
    return answer.connections
  }

  async function kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  describe('a namespace without a network', () => {
    it('has loopback and nothing else, and vanishes when let go of', async () => {
      const sandbox = await networks.connect({ containerId: randomUUID(), containerName: 'a', endpoints: [] }, patient())
      expect(sandbox.endpoints).toEqual([])
      const links = (await inside(sandbox.namespacePath, 'ip', '-o', 'link')).trim().split('\n')
      expect(links).toHaveLength(1)
      expect(links[0]).toContain('LOOPBACK,UP')
      sandbox.release()
      sandbox.release()
    })
  })

  describe('the default bridge', () => {
    it('gives each container an interface, an address, a route and a MAC address as Docker does', async () => {
      const first = await connect()
      const second = await connect()
      const network = await networks.get('bridge')
      expect(network).toMatchObject({ name: 'bridge', bridge: bridge(), gateway: first.endpoint.gateway })
      expect(first.endpoint.gateway).toMatch(/\.1$/)
      expect(first.endpoint.address).toBe(first.endpoint.gateway.replace(/1$/, '2'))
      expect(second.endpoint.address).toBe(first.endpoint.gateway.replace(/1$/, '3'))
      const hex = first.endpoint.address.split('.').map(part => Number(part).toString(16).padStart(2, '0'))
      expect(first.endpoint.macAddress).toBe(`02:42:${hex.join(':')}`)

      const addresses = await inside(first.namespacePath, 'ip', '-o', 'addr')
      expect(addresses).toContain(`inet ${first.endpoint.address}/${first.endpoint.prefixLength} brd`)
      expect(addresses).toContain('inet6 ::1/128')
      expect(addresses).not.toContain('inet6 fe80')
      expect(await inside(first.namespacePath, 'ip', '-o', 'link', 'show', 'eth0')).toContain(first.endpoint.macAddress)
      expect(await inside(first.namespacePath, 'ip', 'route')).toContain(`default via ${first.endpoint.gateway} dev eth0`)
      await leave(first, second)
    })

    it('takes a MAC address of the caller, and no nonsense for one', async () => {
      const sandbox = await connect(randomUUID(), '02:42:00:00:00:AA')
      expect(await inside(sandbox.namespacePath, 'ip', '-o', 'link', 'show', 'eth0')).toContain('02:42:00:00:00:aa')
      await leave(sandbox)
      await expect(connect(randomUUID(), '02:42:zz')).rejects.toMatchObject({ code: 'failed' })
    })

    it('lets containers reach each other and the host', async () => {
      const [a, b] = [await connect(), await connect()]
      await serve(b.namespacePath)
      expect(await askFrom(a.namespacePath, b.endpoint.address)).toBe(a.endpoint.address)
      const fromHost = await run(process.execPath, ['-e', ask(b.endpoint.address)])
      expect(fromHost.stdout).toBe(a.endpoint.gateway)
      await leave(a, b)
    })

    it('has taken everything back when disconnect resolves, but for the bridge', async () => {
      const sandbox = await connect()
      expect(await devices()).toEqual([bridge(), sandbox.endpoint.hostInterface])
      await leave(sandbox)
      expect(await devices()).toEqual([bridge()])
      expect(metadata.list('endpoints')).toEqual([])
      await networks.disconnect(sandbox.containerId)
      await networks.disconnect('never-connected')
    })

    it('takes a container off the network even while its processes run', async () => {
      const sandbox = await connect()
      await networks.disconnect(sandbox.containerId)
      expect(await inside(sandbox.namespacePath, 'ip', '-o', 'link')).not.toContain('eth0')
      sandbox.release()
    })

    it('does not hand out an address again at once', async () => {
      const first = await connect()
      await leave(first)
      const second = await connect()
      expect(second.endpoint.address).not.toBe(first.endpoint.address)
      await leave(second)
    })

    it('refuses to connect one container twice', async () => {
      const sandbox = await connect('twice')
      await expect(connect('twice')).rejects.toMatchObject({ code: 'conflict' })
      await leave(sandbox)
    })

    it('leaves nothing when the caller gives up', async () => {
      const controller = new AbortController()
      const reason = new Error('enough')
      const { id } = await networks.get('bridge')
      const request = { containerId: 'a', containerName: 'a', endpoints: [{ networkId: id, names: [] }] }
      const connecting = networks.connect(request, { signal: controller.signal })
      controller.abort(reason)
      await expect(connecting).rejects.toBe(reason)
      expect(metadata.list('endpoints')).toEqual([])
    })

    it('comes back when somebody deletes it', async () => {
      await leave(await connect())
      execFileSync('ip', ['link', 'delete', bridge()])
      const sandbox = await connect()
      expect(await devices()).toEqual([bridge(), sandbox.endpoint.hostInterface])
      await leave(sandbox)
    })

    it('keeps its subnet from one time to the next', async () => {
      await leave(await connect())
      const { id, subnet } = await networks.get('bridge')
      await networks.close()
      expect(await devices()).toEqual([])
      networks = await manager()
      await leave(await connect())
      expect(await networks.get('bridge')).toMatchObject({ id, subnet })
    })

    it('stays while another process uses it, and goes with the last', async () => {
      const child = await other()
      await connectIn(child, 1)
      await leave(await connect())
      await networks.close()
      expect(await devices()).toHaveLength(2)
      networks = await manager()
      await kill(child)
      await networks.sweep({ patient: true })
      expect(await devices()).toEqual([bridge()])
      await networks.close()
      expect(await devices()).toEqual([])
    })
  })

  describe('many at once', () => {
    it('50 containers of one process get 50 addresses', async () => {
      const sandboxes = await Promise.all(Array.from({ length: 50 }, () => connect()))
      expect(new Set(sandboxes.map(sandbox => sandbox.endpoint.address)).size).toBe(50)
      await leave(...sandboxes)
      expect(await devices()).toEqual([bridge()])
    })

    it('4 processes that start together share one bridge and no address', async () => {
      const others = await Promise.all(Array.from({ length: 4 }, () => other()))
      const all = (await Promise.all(others.map(child => connectIn(child, 15)))).flat()
      expect(new Set(all.map(one => one.endpoint.address)).size).toBe(60)
      expect(new Set(all.map(one => one.endpoint.networkId)).size).toBe(1)
      await Promise.all(all.map((one, index) => tellInTurn(others[Math.floor(index / 15)], one.containerId)))
      for (const child of others) await tell(child, { action: 'close' })
      expect(await devices()).toEqual([])
    })

    const turns = new Map<ChildProcess, Promise<unknown>>()
    /** A child answers one request at a time. */
    function tellInTurn(child: ChildProcess | undefined, containerId: string): Promise<unknown> {
      if (child === undefined) throw new Error('no such child')
      const turn = (turns.get(child) ?? Promise.resolve()).then(() => tell(child, { action: 'disconnect', containerId }))
      turns.set(child, turn)
      return turn
    }
  })

  describe('a process that is killed', () => {
    it('leaves nothing once swept', async () => {
      const child = await other()
      await connectIn(child, 5)
      expect(await devices()).toHaveLength(6)
      await kill(child)
      await networks.sweep({ patient: true })
      expect(metadata.list('endpoints')).toEqual([])
      expect(await devices()).toEqual([bridge()])
    })

    it('leaves its running containers on the network until they are disconnected', async () => {
      const child = await other()
      const [connection] = await connectIn(child, 1)
      if (connection === undefined) throw new Error('not connected')
      const container = spawn('nsenter', [`--net=${connection.namespacePath}`, 'sleep', '60'], { stdio: 'ignore' })
      children.push(container)
      const namespace = `/proc/${container.pid}/ns/net`
      while (readLink(namespace) === readLink('/proc/self/ns/net')) await delay(5)
      await kill(child)
      await networks.sweep({ patient: true })
      expect(await devices()).toContain(connection.endpoint.hostInterface)
      await serve(namespace)
      expect(await inside('/proc/self/ns/net', process.execPath, '-e', ask(connection.endpoint.address))).toBe(connection.endpoint.gateway)
      await networks.disconnect(connection.containerId)
      expect(await devices()).toEqual([bridge()])
    })
  })

  describe('networks that were made', () => {
    const plain = { pool: {}, internal: false, attachable: false, labels: {}, options: {} }
    const names = async () => (await networks.list()).map(({ name }) => name).sort()
    const builtIn = ['bridge', 'host', 'none']
    const linksOf = async () => (await readdir('/sys/class/net')).filter(name => name.includes(tag))

    it('have a bridge of their own until they are removed', async () => {
      const { id, bridge: link } = await networks.create({ name: 'front', keep: true, ...plain })
      expect(await linksOf()).toEqual([link])
      await networks.remove(id)
      expect(await linksOf()).toEqual([])
      expect(execFileSync('nft', ['list', 'tables']).toString()).not.toContain(`gantry_${tag}`)
      expect(await names()).toEqual(builtIn)
    })

    it('go with the session that made them, unless they are kept', async () => {
      await networks.create({ name: 'mine', keep: false, ...plain })
      await networks.create({ name: 'kept', keep: true, ...plain })
      await networks.close()
      expect(await linksOf()).toEqual([])
      networks = await manager()
      expect(await names()).toEqual(['bridge', 'host', 'kept', 'none'])
      await networks.remove((await networks.get('kept')).id)
    })

    it('of a process that was killed are gone with the next one, kept ones stay', async () => {
      const child = await other()
      await tell(child, { action: 'create', name: 'theirs', keep: false })
      await tell(child, { action: 'create', name: 'kept', keep: true })
      expect(await names()).toEqual(['bridge', 'host', 'kept', 'none', 'theirs'])
      await kill(child)
      await networks.sweep({ patient: true })
      expect(await names()).toEqual(['bridge', 'host', 'kept', 'none'])
      await networks.remove((await networks.get('kept')).id)
      expect(await linksOf()).toEqual([])
    })

    it('by several processes at once have different names, bridges and addresses', async () => {
      const others = await Promise.all(Array.from({ length: 3 }, () => other()))
      const same = await Promise.all(others.map(child => tell(child, { action: 'create', name: 'same', keep: false })))
      expect(same.filter(answer => 'network' in answer)).toHaveLength(1)
      expect(same.filter(answer => 'error' in answer && answer.error.code === 'already_exists')).toHaveLength(2)
      await Promise.all(others.map((child, index) => tell(child, { action: 'create', name: `own-${index}`, keep: false })))
      const made = (await networks.list()).filter(({ name }) => !builtIn.includes(name))
      expect(made).toHaveLength(4)
      expect(new Set(made.map(({ subnet }) => subnet)).size).toBe(4)
      expect(new Set(made.map(({ bridge: link }) => link)).size).toBe(4)
      for (const child of others) await tell(child, { action: 'close' })
      expect(await names()).toEqual(builtIn)
    })
  })

  describe('names', () => {
    const resolve = (name: string) =>
      `const r = new (require('node:dns').promises.Resolver)(); r.setServers(['127.0.0.11']); r.resolve4('${name}').then(a => console.log(a.join()), e => console.log(e.code))`

    it('are answered inside, port 53 left to the container, also by an engine that takes over', async () => {
      const plain = { pool: {}, internal: true, attachable: false, labels: {}, options: {} }
      const { id } = await networks.create({ name: 'front', keep: true, ...plain })
      const request = { containerId: 'c', containerName: 'web', endpoints: [{ networkId: id, names: ['web', 'api'] }] }
      const sandbox = await networks.connect(request, patient())
      const [endpoint] = sandbox.endpoints
      const { namespacePath } = sandbox
      const served = { containerId: 'c', namespacePath, servers: [], keepsWords: false }
      await networks.serveNames(served)
      const ask53 = (name: string) => inside(namespacePath, process.execPath, '-e', resolve(name))
      expect(await ask53('web')).toBe(`${endpoint?.address}\n`)
      expect(await ask53('API')).toBe(`${endpoint?.address}\n`)
      // Nobody can be asked outside.
      expect(await ask53('nonesuch')).toBe('ESERVFAIL\n')
      const own = `require('node:dgram').createSocket('udp4').on('error', e => console.log(e.code)).bind(53, '0.0.0.0', function () { console.log('bound'); this.close() })`
      expect(await inside(namespacePath, process.execPath, '-e', own)).toBe('bound\n')

      const successor = await manager()
      await successor.serveNames(served)
      await networks.disconnect('c', [])
      expect(await ask53('web')).toBe(`${endpoint?.address}\n`)
      await successor.disconnect('c')
      expect(await ask53('web')).toBe('ECONNREFUSED\n')
      sandbox.release()
      await successor.remove(id)
      await successor.close()
    })
  })

  describe('published ports', () => {
    /** A container of another process, which serves on port 7000 and goes on when that process is killed. */
    async function published(hostPort: number) {
      const child = await other()
      const [connection] = await connectIn(child, 1)
      if (connection === undefined) throw new Error('not connected')
      const container = spawn('nsenter', [`--net=${connection.namespacePath}`, process.execPath, '-e', sayPeer], {
        stdio: ['ignore', 'pipe', 'inherit']
      })
      children.push(container)
      await once(container.stdout, 'data')
      expect(await tell(child, { action: 'publish', connection, hostPort })).toEqual({ done: true })
      return { child, connection, container }
    }

    async function askHost(hostPort: number, address = '127.0.0.1'): Promise<string> {
      return (await run(process.execPath, ['-e', ask(address).replace('7000', String(hostPort))])).stdout.trim()
    }

    const hostPorts = { first: 18_710, last: 18_710 }

    it('lead to the container, by IPv6 too, also after the engine was killed and after another took over', async () => {
      const { child, connection } = await published(18_710)
      const { gateway } = connection.endpoint
      expect(await askHost(18_710)).toBe(gateway)
      expect(await askHost(18_710, '::1')).toBe(gateway)
      await kill(child)
      await networks.sweep({ patient: true })
      expect(await askHost(18_710)).toBe(gateway)
      expect(await askHost(18_710, '::1')).toBe('ECONNREFUSED')
      await networks.adopt(connection.containerId)
      expect(await askHost(18_710, '::1')).toBe(gateway)
      await networks.disconnect(connection.containerId)
      expect(await askHost(18_710)).toBe('ECONNREFUSED')
      expect(metadata.list('ports')).toEqual([])
    })

    it('are held against containers of other processes, and are free again when theirs are gone', async () => {
      const { child, container } = await published(18_710)
      const own = await connect()
      const ports = [{ protocol: 'tcp', containerPort: 7000, hostPorts }] as const
      const publish = () => networks.publish({ containerId: own.containerId, containerName: 'own', endpoint: own.endpoint, ports })
      await expect(publish()).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('port is already allocated') })
      await kill(child)
      await expect(publish()).rejects.toMatchObject({ message: expect.stringContaining('port is already allocated') })
      await kill(container)
      expect(await publish()).toHaveLength(2)
      await serve(own.namespacePath)
      expect(await askHost(18_710)).toBe(own.endpoint.gateway)
      await leave(own)
    })
  })

  describe('the world', () => {
    let world: string

    beforeEach(async () => {
      world = `gtyw${tag}`
      await run('ip', ['netns', 'add', world])
      await run('ip', ['link', 'add', `w${tag}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', world])
      // TEST-NET-3 of RFC 5737: nobody's.
      await run('ip', ['addr', 'add', '203.0.113.1/30', 'dev', `w${tag}`])
      await run('ip', ['link', 'set', `w${tag}`, 'up'])
      for (const command of ['link set lo up', 'addr add 203.0.113.2/30 dev eth0', 'link set eth0 up']) {
        await run('ip', ['-n', world, ...command.split(' ')])
      }
    })

    afterEach(async () => {
      await run('ip', ['link', 'delete', `w${tag}`])
      await run('ip', ['netns', 'delete', world])
    })

    it('sees the address of the host', async () => {
      await serve(`/run/netns/${world}`)
      const sandbox = await connect()
      expect(await askFrom(sandbox.namespacePath, '203.0.113.2')).toBe('203.0.113.1')
      await leave(sandbox)
    })

    it('cannot reach a container unasked, even with a route to it', async () => {
      const sandbox = await connect()
      await serve(sandbox.namespacePath)
      const network = await networks.get('bridge')
      await run('ip', ['-n', world, 'route', 'add', network.subnet, 'via', '203.0.113.1'])
      expect(await askFrom(`/run/netns/${world}`, sandbox.endpoint.address)).toBe('timeout\n')
      await leave(sandbox)
    })
  })

  describe('on a host with other plans', () => {
    /** A network namespace of the test's as the host: what happens there disturbs nobody. */
    async function elsewhere(commands: readonly string[]): Promise<{ child: ChildProcess; pid: number }> {
      const script = [...commands, 'exec "$@"'].join('\n')
      const child = await other(['unshare', '--net', 'sh', '-ec', script, 'sh'], 'elsewhere')
      return { child, pid: child.pid ?? 0 }
    }

    const there = (pid: number, ...argv: string[]) => inside(`/proc/${pid}/ns/net`, ...argv)

    async function subnetIn(child: ChildProcess): Promise<string | undefined> {
      const answer = await tell(child, { action: 'network' })
      return 'network' in answer ? answer.network.subnet : undefined
    }

    it('takes the first of the pools that overlaps with nothing', async () => {
      const { child } = await elsewhere([
        'ip link set lo up',
        'ip link add d0 type bridge',
        'ip addr add 172.17.9.9/24 dev d0',
        'ip link set d0 up',
        'ip route add 172.18.0.0/15 dev d0'
      ])
      await connectIn(child, 1)
      expect(await subnetIn(child)).toBe('172.20.0.0/16')
    })

    it('moves to another subnet when somebody took its own while it was down', async () => {
      const { child, pid } = await elsewhere([])
      const [first] = await connectIn(child, 1)
      expect(await subnetIn(child)).toBe('172.17.0.0/16')
      await tell(child, { action: 'disconnect', containerId: first?.containerId ?? '' })
      await there(pid, 'ip', 'link', 'delete', bridge())
      await there(pid, 'ip', 'link', 'add', 'd0', 'type', 'bridge')
      await there(pid, 'ip', 'addr', 'add', '172.17.0.1/16', 'dev', 'd0')
      await there(pid, 'ip', 'link', 'set', 'd0', 'up')
      const [second] = await connectIn(child, 1)
      expect(second?.endpoint.address).toMatch(/^172\.18\.0\./)
      expect(await there(pid, 'nft', 'list', 'ruleset')).toContain('172.18.0.0/16')
    })

    it('says so when no range is left', async () => {
      const { child } = await elsewhere([
        'ip link add d0 type bridge',
        'ip link set d0 up',
        'ip route add 172.16.0.0/12 dev d0',
        'ip route add 192.168.0.0/16 dev d0'
      ])
      expect(await tell(child, { action: 'connect', count: 1 })).toMatchObject({ error: { code: 'resource_exhausted' } })
    })

    for (const [name, commands, chain] of [
      ['whose FORWARD policy is drop', ['iptables -P FORWARD DROP'], 'FORWARD'],
      [
        'that runs Docker',
        ['iptables -N DOCKER-USER', 'iptables -A DOCKER-USER -j RETURN', 'iptables -A FORWARD -j DOCKER-USER', 'iptables -P FORWARD DROP'],
        'DOCKER-USER'
      ]
    ] as const) {
      it(`${name}, packets pass, and only our rules are removed at the end`, async () => {
        const { child, pid } = await elsewhere([
          'ip link set lo up',
          'ip link add w0 type veth peer name w1',
          'ip addr add 203.0.113.1/30 dev w0',
          'ip link set w0 up',
          ...commands,
          'iptables -A FORWARD -i other0 -j ACCEPT'
        ])
        const before = await there(pid, 'iptables', '-S')
        const holder = spawn('unshare', ['--net', 'sleep', '60'], { stdio: 'ignore' })
        children.push(holder)
        while (readLink(`/proc/${holder.pid}/ns/net`) === readLink('/proc/self/ns/net')) await delay(5)
        await there(pid, 'ip', 'link', 'set', 'w1', 'netns', String(holder.pid))
        for (const command of ['addr add 203.0.113.2/30 dev w1', 'link set w1 up', 'link set lo up']) {
          await there(holder.pid ?? 0, 'ip', ...command.split(' '))
        }
        await serve(`/proc/${holder.pid}/ns/net`)

        const [connection] = await connectIn(child, 1)
        if (connection === undefined) throw new Error('not connected')
        expect(await askFrom(connection.namespacePath, '203.0.113.2')).toBe('203.0.113.1')
        // iptables still understands its table.
        expect(await there(pid, 'iptables', '-S', chain)).toContain(`-i ${bridge()}`)
        await tell(child, { action: 'disconnect', containerId: connection.containerId })
        await tell(child, { action: 'close' })
        expect(await there(pid, 'iptables', '-S')).toBe(before)
      })
    }
  })

  function readLink(path: string): string {
    return execFileSync('readlink', [path]).toString()
  }
})
