// Needs: root and the lab (test/lab).
import {
  ContainerCreate,
  ContainerInspect,
  ContainerList,
  ContainerStart,
  NetworkConnect,
  NetworkCreate,
  NetworkDelete,
  NetworkDisconnect,
  NetworkInspect,
  NetworkList,
  NetworkPrune,
  SystemEvents
} from 'gantry/api'
import { expect } from 'vitest'
import { type Context, conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { makeNetwork, startContainer } from './kit/networks.js'
import { eventually } from './kit/streams.js'

/** Containers on networks by name, which the fluent API has no word for. */
const by = ({ engine, reference }: Pick<Context, 'engine' | 'reference'>) => {
  const start = (network: string, Cmd: string[]) =>
    startContainer(engine, { Image: reference('busybox'), Cmd, HostConfig: { NetworkMode: network } })
  return {
    start,
    /** What a script prints there. */
    async output(network: string, script: string): Promise<string> {
      const container = await start(network, ['sh', '-c', script])
      await container.wait()
      return container.logs().text()
    }
  }
}

conform(
  'user-defined networks',
  {
    'bridge, host and none are always there': async ({ engine }) => {
      const all = await engine.raw.call(NetworkList, { query: { filters: { type: ['builtin'] } } })
      expect(all.map(({ Name, Driver, Scope }) => [Name, Driver, Scope]).sort()).toEqual([
        ['bridge', 'bridge', 'local'],
        ['host', 'host', 'local'],
        ['none', 'null', 'local']
      ])
      for (const { Id, Name } of all) {
        await expectError(engine.raw.call(NetworkDelete, { path: { id: Id } }), 'permission_denied', /is a pre-defined network/)
        await expectError(engine.raw.call(NetworkCreate, { body: { Name } }), 'permission_denied', /not permitted on predefined/)
      }
    },

    'a network is as it was asked for': async ({ engine, unique }) => {
      const asked = {
        Internal: true,
        Labels: { a: 'b' },
        IPAM: {
          Config: [{ Subnet: '10.91.0.0/24', IPRange: '10.91.0.128/25', Gateway: '10.91.0.129', AuxiliaryAddresses: { x: '10.91.0.130' } }]
        },
        Options: { 'com.docker.network.driver.mtu': '1400' }
      }
      await using network = await makeNetwork(engine, unique(), asked)
      expect(await engine.raw.call(NetworkInspect, { path: { id: network.name } })).toMatchObject({
        ...asked,
        Id: network.id,
        Name: network.name,
        Driver: 'bridge',
        Scope: 'local',
        Containers: {}
      })
    },

    'a network that nobody gave addresses has a subnet and a gateway': async ({ engine, unique }) => {
      await using network = await makeNetwork(engine, unique())
      const [pool] = (await engine.raw.call(NetworkInspect, { path: { id: network.id } })).IPAM?.Config ?? []
      expect(pool?.Subnet).toMatch(/^\d+\.\d+\.\d+\.0\/\d+$/)
      expect(pool?.Gateway).toMatch(/\.1$/)
    },

    'what cannot be made is refused': async ({ engine, unique }) => {
      await using network = await makeNetwork(engine, unique(), { IPAM: { Config: [{ Subnet: '10.91.0.0/24' }] } })
      const create = (body: object) => engine.raw.call(NetworkCreate, { body: { Name: unique(), ...body } })
      await expectError(create({ Name: network.name, CheckDuplicate: true }), 'already_exists', /already exists/)
      await expectError(create({ Driver: 'host' }), 'permission_denied', /only one instance of "host" network is allowed/)
      await expectError(create({ IPAM: { Config: [{ Subnet: '10.91.0.0/16' }] } }), 'permission_denied', /overlap/)
      await expectError(create({ IPAM: { Config: [{ Subnet: '10.92.0.0' }] } }), 'failed', /invalid CIDR address: 10\.92\.0\.0/)
      const outside = { IPAM: { Config: [{ Subnet: '10.92.0.0/24', Gateway: '10.93.0.1' }] } }
      await expectError(create(outside), 'failed', /failed to allocate gateway \(10\.93\.0\.1\)/)
      const option = { Options: { 'com.docker.network.bridge.enable_icc': 'maybe' } }
      await expectError(create(option), 'failed', /failed to parse com\.docker\.network\.bridge\.enable_icc value: maybe/)
    },

    'a network that is not there is not found': async ({ engine, unique, reference }) => {
      const { start } = by({ engine, reference })
      const id = unique()
      await expectError(engine.raw.call(NetworkInspect, { path: { id } }), 'not_found', new RegExp(`network ${id} not found`))
      await expectError(engine.raw.call(NetworkDelete, { path: { id } }), 'not_found', new RegExp(`network ${id} not found`))
      await expectError(start(id, ['true']), 'not_found', new RegExp(`network ${id} not found`))
    },

    'a container is in its network, and the network knows it': async ({ engine, unique, reference }) => {
      const { start } = by({ engine, reference })
      await using network = await makeNetwork(engine, unique())
      const container = await start(network.name, ['sleep', '1000'])
      const { Networks } = (await container.inspect()).NetworkSettings
      const endpoint = Networks[network.name]
      expect(Object.keys(Networks)).toEqual([network.name])
      expect(endpoint?.NetworkID).toBe(network.id)
      const { Containers = {} } = await engine.raw.call(NetworkInspect, { path: { id: network.id } })
      expect(Containers[container.id]).toMatchObject({
        Name: container.name,
        EndpointID: endpoint?.EndpointID,
        MacAddress: endpoint?.MacAddress,
        IPv4Address: `${endpoint?.IPAddress}/${endpoint?.IPPrefixLen}`
      })
      await expectError(engine.raw.call(NetworkDelete, { path: { id: network.id } }), 'permission_denied', /has active endpoints/)
      const listed = await engine.raw.call(ContainerList, { query: { filters: { network: [network.name] } } })
      expect(listed.map(({ Id }) => Id)).toEqual([container.id])
    },

    'networks are kept apart': async ({ engine, image, unique, reference }) => {
      const { start, output } = by({ engine, reference })
      await using a = await makeNetwork(engine, unique())
      await using b = await makeNetwork(engine, unique())
      const server = await start(a.name, ['sh', '-c', 'while true; do echo hi | nc -l -p 80; done'])
      const address = (await server.inspect()).NetworkSettings.Networks[a.name]?.IPAddress
      const script = `nc -w 2 ${address} 80 < /dev/null 2> /dev/null || echo unreachable`
      await eventually(async () => (await output(a.name, script)) === 'hi\n')
      expect(await output(b.name, script)).toBe('unreachable\n')
      expect((await image.run(['sh', '-c', script])).stdout).toBe('unreachable\n')
    },

    'a network leads to the world outside, an internal one does not': async ({ engine, lab, unique, reference }) => {
      const { output } = by({ engine, reference })
      await using open = await makeNetwork(engine, unique())
      await using internal = await makeNetwork(engine, unique(), { Internal: true })
      const { address = '', port, hostAddress, dockerdAddress } = lab.world ?? {}
      const script = `nc -w 2 ${address} ${port} < /dev/null 2> /dev/null || echo unreachable`
      expect([hostAddress, dockerdAddress]).toContain((await output(open.name, script)).trim())
      expect(await output(internal.name, script)).toBe('unreachable\n')
    },

    'without communication among containers they do not reach each other': async ({ engine, unique, reference }) => {
      const { start, output } = by({ engine, reference })
      await using network = await makeNetwork(engine, unique(), { Options: { 'com.docker.network.bridge.enable_icc': 'false' } })
      const server = await start(network.name, ['sh', '-c', 'while true; do echo hi | nc -l -p 80; done'])
      const address = (await server.inspect()).NetworkSettings.Networks[network.name]?.IPAddress
      const script = `nc -w 2 ${address} 80 < /dev/null 2> /dev/null || echo unreachable`
      expect(await output(network.name, script)).toBe('unreachable\n')
    },

    'a fixed address is given, and not twice': async ({ engine, reference, unique }) => {
      const name = unique()
      await using network = await makeNetwork(engine, name, { IPAM: { Config: [{ Subnet: '10.91.0.0/24' }] } })
      const body = (address: string) => ({
        Image: reference('busybox'),
        Cmd: ['sleep', '1000'],
        HostConfig: { NetworkMode: name },
        NetworkingConfig: { EndpointsConfig: { [name]: { IPAMConfig: { IPv4Address: address } } } }
      })
      const container = await startContainer(engine, body('10.91.0.77'))
      expect((await container.inspect()).NetworkSettings.Networks[network.name]).toMatchObject({
        IPAddress: '10.91.0.77',
        MacAddress: '02:42:0a:5b:00:4d',
        IPAMConfig: { IPv4Address: '10.91.0.77' }
      })
      const second = await engine.raw.call(ContainerCreate, { body: body('10.91.0.77') })
      await expectError(engine.raw.call(ContainerStart, { path: { id: second.Id } }), 'permission_denied', /Address already in use/)
      const { State } = await engine.raw.call(ContainerInspect, { path: { id: second.Id } })
      expect(State.Status).toBe('created')
    },

    'a fixed address needs a subnet that was asked for': async ({ engine, reference, unique }) => {
      const name = unique()
      await using _network = await makeNetwork(engine, name)
      const { Id: id } = await engine.raw.call(ContainerCreate, {
        body: {
          Image: reference('busybox'),
          HostConfig: { NetworkMode: name },
          NetworkingConfig: { EndpointsConfig: { [name]: { IPAMConfig: { IPv4Address: '172.18.0.9' } } } }
        }
      })
      await expectError(
        engine.raw.call(ContainerStart, { path: { id } }),
        'invalid_argument',
        /user specified IP address is supported only when connecting to networks with user configured subnets/
      )
    },

    'a running container joins a network and leaves it': async ({ engine, image, unique }) => {
      await using network = await makeNetwork(engine, unique())
      const container = await image.cmd('sh', '-c', 'while true; do ls /sys/class/net | xargs; sleep 0.1; done').start()
      const seen = async (text: string) => eventually(async () => (await container.logs({ tail: 1 }).text()) === `${text}\n`)
      await seen('eth0 lo')
      await engine.raw.call(NetworkConnect, { path: { id: network.name }, body: { Container: container.name } })
      await seen('eth0 eth1 lo')
      const { Networks } = (await container.inspect()).NetworkSettings
      expect(Object.keys(Networks).sort()).toEqual(['bridge', network.name].sort())
      await expectError(
        engine.raw.call(NetworkConnect, { path: { id: network.name }, body: { Container: container.name } }),
        'permission_denied',
        /endpoint with name .* already exists in network/
      )
      await engine.raw.call(NetworkDisconnect, { path: { id: network.name }, body: { Container: container.name } })
      await seen('eth0 lo')
      await expectError(
        engine.raw.call(NetworkDisconnect, { path: { id: network.name }, body: { Container: container.name } }),
        'failed',
        /is not connected to network/
      )
    },

    'a container that is not running is in the network when it starts': async ({ engine, image, unique }) => {
      await using network = await makeNetwork(engine, unique())
      const container = await image.cmd('sleep', '1000').create()
      await engine.raw.call(NetworkConnect, { path: { id: network.name }, body: { Container: container.id } })
      await container.start()
      expect((await container.inspect()).NetworkSettings.Networks[network.name]?.IPAddress).toMatch(/^\d+\./)
      await container.kill()
      await container.wait()
      await engine.raw.call(NetworkDisconnect, { path: { id: network.name }, body: { Container: container.id } })
      expect(Object.keys((await container.inspect()).NetworkSettings.Networks)).toEqual(['bridge'])
    },

    'a container may be on several networks from the start, each with its own wishes': async ({ engine, reference, unique }) => {
      const [a, b] = [unique('a'), unique('b')]
      await using first = await makeNetwork(engine, a, { IPAM: { Config: [{ Subnet: '10.91.0.0/24' }] } })
      await using second = await makeNetwork(engine, b, { IPAM: { Config: [{ Subnet: '10.92.0.0/24' }] } })
      const { Id: id } = await engine.raw.call(ContainerCreate, {
        body: {
          Image: reference('busybox'),
          Cmd: ['sh', '-c', 'ip -4 -o addr show dev eth0; ip -4 -o addr show dev eth1; ip route; cat /etc/hosts'],
          HostConfig: { NetworkMode: second.name },
          NetworkingConfig: { EndpointsConfig: { [second.name]: { IPAMConfig: { IPv4Address: '10.92.0.5' } } } }
        }
      })
      const settings = { IPAMConfig: { IPv4Address: '10.91.0.5' }, Aliases: ['first'] }
      await engine.raw.call(NetworkConnect, { path: { id: first.name }, body: { Container: id, EndpointConfig: settings } })
      const container = await engine.container(id)
      await container.start()
      await container.wait()
      const text = await container.logs().text()
      expect(text).toMatch(/inet 10\.9[12]\.0\.5\/24 [^\n]* eth0/)
      expect(text).toMatch(/inet 10\.9[12]\.0\.5\/24 [^\n]* eth1/)
      // That of the first network by name.
      expect(text).toContain('default via 10.91.0.1')
      expect(text).toMatch(/10\.91\.0\.5\t[0-9a-f]{12}\n/)
      expect(text).toMatch(/10\.92\.0\.5\t[0-9a-f]{12}\n/)
    },

    'host and none take nobody in': async ({ engine, image }) => {
      const container = await image.cmd('sleep', '1000').start()
      const join = (id: string) => engine.raw.call(NetworkConnect, { path: { id }, body: { Container: container.id } })
      await expectError(join('host'), 'invalid_argument', /container cannot be disconnected from host network or connected to host network/)
      await expectError(join('none'), 'invalid_argument', /one of the networks in private \(none\) mode/)
    },

    'the default network has neither aliases nor fixed addresses': async ({ engine, unique, reference }) => {
      const { start } = by({ engine, reference })
      await using network = await makeNetwork(engine, unique())
      const container = await start(network.name, ['sleep', '1000'])
      const join = (EndpointConfig: object) =>
        engine.raw.call(NetworkConnect, { path: { id: 'bridge' }, body: { Container: container.id, EndpointConfig } })
      await expectError(join({ Aliases: ['foo'] }), 'invalid_argument', /network-scoped alias is supported only/)
      await expectError(
        join({ IPAMConfig: { IPv4Address: '172.17.0.99' } }),
        'invalid_argument',
        /user specified IP address is supported on/
      )
    },

    'a container on the network of another has its interfaces and files': async ({ engine, reference, unique }) => {
      const { start } = by({ engine, reference })
      await using network = await makeNetwork(engine, unique())
      const first = await start(network.name, ['sleep', '1000'])
      const script = 'cat /sys/class/net/eth0/address /etc/hosts; hostname'
      const second = await startContainer(engine, {
        Image: reference('busybox'),
        Cmd: ['sh', '-c', script],
        HostConfig: { NetworkMode: `container:${first.id}` }
      })
      await second.wait()
      const text = await second.logs().text()
      const { MacAddress = '', IPAddress } = (await first.inspect()).NetworkSettings.Networks[network.name] ?? {}
      expect(text).toContain(MacAddress)
      expect(text).toContain(`${IPAddress}\t${first.id.slice(0, 12)}`)
      expect(text).toMatch(new RegExp(`\n${first.id.slice(0, 12)}\n$`))
      expect((await second.inspect()).NetworkSettings.Networks).toEqual({})
      const body = (more: object) => ({ Image: reference('busybox'), HostConfig: { NetworkMode: `container:${first.id}`, ...more } })
      const ports = { PortBindings: { '80/tcp': [{ HostPort: '80' }] } }
      await expectError(
        engine.raw.call(ContainerCreate, { body: body(ports) }),
        'invalid_argument',
        /port publishing and the container type/
      )
    },

    'with network host it is on the host, and has its name': async ({ engine, image }) => {
      const process = image.network('host').run(['sh', '-c', 'hostname; cat /proc/net/dev | wc -l'])
      const { stdout } = await process
      expect(stdout.split('\n')[0]).not.toBe((await process.container).id.slice(0, 12))
      const { Networks } = (await (await process.container).inspect()).NetworkSettings
      expect(Object.keys(Networks)).toEqual(['host'])
      const [host] = await engine.raw.call(NetworkList, { query: { filters: { driver: ['host'] } } })
      expect(Networks.host?.NetworkID).toBe(host?.Id)
    },

    'networks are found by name, id, label, driver and use': async ({ engine, unique, reference }) => {
      const { start } = by({ engine, reference })
      const label = unique('label')
      await using used = await makeNetwork(engine, unique(), { Labels: { [label]: 'x' } })
      await using idle = await makeNetwork(engine, unique(), { Labels: { [label]: 'y' } })
      await start(used.name, ['sleep', '1000'])
      const names = async (filters: Record<string, string[]>) =>
        (await engine.raw.call(NetworkList, { query: { filters } })).map(({ Name }) => Name).sort()
      expect(await names({ label: [label] })).toEqual([used.name, idle.name].sort())
      expect(await names({ label: [`${label}=y`] })).toEqual([idle.name])
      expect(await names({ name: [idle.name] })).toEqual([idle.name])
      expect(await names({ id: [used.id.slice(0, 12)] })).toEqual([used.name])
      // dockerd 20.10 also counts those that are used.
      expect(await names({ label: [label], dangling: ['true'] })).toContain(idle.name)
      expect(await names({ label: [label], driver: ['host'] })).toEqual([])
      await expectError(names({ nonesuch: ['x'] }), 'invalid_argument', /nonesuch/)
      await expectError(names({ type: ['nonesuch'] }), ['invalid_argument', 'failed'], /nonesuch/)
    },

    'events tell of networks that come and go, and of who comes and goes in them': async ({ engine, image, unique }) => {
      const since = Math.floor(Date.now() / 1000)
      const name = unique()
      const network = await makeNetwork(engine, name)
      const container = await image.cmd('sleep', '1000').start()
      const body = { Container: container.id }
      await engine.raw.call(NetworkConnect, { path: { id: name }, body })
      await engine.raw.call(NetworkDisconnect, { path: { id: name }, body })
      await network[Symbol.asyncDispose]()
      const seen: unknown[] = []
      const filters = { type: ['network'], network: [name] }
      for await (const event of await engine.raw.call(SystemEvents, {
        query: { since: String(since), until: String(Math.floor(Date.now() / 1000) + 1), filters }
      })) {
        const { Action, Actor } = event
        expect(Actor.ID).toBe(network.id)
        // dockerd tells of a disconnection twice.
        if (Action !== 'disconnect' || !JSON.stringify(seen.at(-1)).includes(Action)) seen.push([Action, Actor.Attributes])
      }
      const facts = { name, type: 'bridge' }
      expect(seen).toEqual([
        ['create', facts],
        ['connect', { ...facts, container: container.id }],
        ['disconnect', { ...facts, container: container.id }],
        ['destroy', facts]
      ])
    },

    'prune removes what nobody is in': async ({ engine, unique, reference }) => {
      const { start } = by({ engine, reference })
      const label = unique('label')
      await using used = await makeNetwork(engine, unique(), { Labels: { [label]: '' } })
      const { Id: idle } = await engine.raw.call(NetworkCreate, { body: { Name: unique(), Labels: { [label]: '' } } })
      await start(used.name, ['sleep', '1000'])
      const { NetworksDeleted } = await engine.raw.call(NetworkPrune, { query: { filters: { label: [label] } } })
      expect(NetworksDeleted).toHaveLength(1)
      await expectError(engine.raw.call(NetworkInspect, { path: { id: idle } }), 'not_found')
      await engine.raw.call(NetworkInspect, { path: { id: used.id } })
    }
  },
  { world: true }
)
