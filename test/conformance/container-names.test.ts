// Needs: root and the lab (test/lab).
import { NetworkConnect, NetworkList } from 'gantry/api'
import { expect } from 'vitest'
import { type Context, conform } from './conform.js'
import { makeNetwork, startContainer } from './kit/networks.js'
import { eventually } from './kit/streams.js'

/** Containers on networks by name, which the fluent API has no word for. */
const by = ({ engine, reference }: Pick<Context, 'engine' | 'reference'>) => {
  const start = (network: string, Cmd: string[], more: { name?: string; hostname?: string; aliases?: string[]; host?: object } = {}) => {
    const { name, hostname, aliases, host } = more
    return startContainer(
      engine,
      {
        Image: reference('busybox'),
        Cmd,
        ...(hostname !== undefined && { Hostname: hostname }),
        HostConfig: { NetworkMode: network, ...host },
        ...(aliases !== undefined && { NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: aliases } } } })
      },
      name
    )
  }
  return {
    start,
    /** What a script prints on a network. */
    async output(network: string, script: string, more: Parameters<typeof start>[2] = {}): Promise<string> {
      const container = await start(network, ['sh', '-c', script], more)
      await container.wait()
      return container.logs().text()
    }
  }
}

/** The address that a name has, as the C library of the container sees it. */
const addressOf = (name: string) => `ping -c 1 -W 2 ${name} 2>&1 | head -n 1`

conform('names of containers', {
  'a container is found by its name, its aliases, its host name and its short id': async ({ engine, reference, unique }) => {
    const { start, output } = by({ engine, reference })
    await using network = await makeNetwork(engine, unique())
    const name = unique('server')
    const server = await start(network.name, ['sleep', '1000'], { name, hostname: 'hosty', aliases: ['api', 'web.example'] })
    const { IPAddress } = (await server.inspect()).NetworkSettings.Networks[network.name] ?? {}
    const names = [name, 'api', 'web.example', 'hosty', server.id.slice(0, 12), `${name}.${network.name}`]
    const text = await output(network.name, names.map(addressOf).join(';'))
    expect(text.trim().split('\n')).toEqual(names.map(known => `PING ${known} (${IPAddress}): 56 data bytes`))
  },

  'resolv.conf names the engine, and asks about words as they are': async ({ engine, reference, unique }) => {
    const { output } = by({ engine, reference })
    await using network = await makeNetwork(engine, unique())
    const asked = { host: { Dns: ['192.0.2.53'], DnsSearch: ['foo.test'], DnsOptions: ['timeout:1'] } }
    expect(await output(network.name, 'cat /etc/resolv.conf', asked)).toBe(
      'search foo.test\nnameserver 127.0.0.11\noptions timeout:1 ndots:0\n'
    )
  },

  'a container finds itself': async ({ engine, reference, unique }) => {
    const { output } = by({ engine, reference })
    await using network = await makeNetwork(engine, unique())
    const name = unique('self')
    expect(await output(network.name, addressOf(name), { name })).toMatch(new RegExp(`PING ${name} \\(\\d+\\.`))
  },

  'an address is found out to be a container of the network': async ({ engine, reference, unique }) => {
    const { start, output } = by({ engine, reference })
    await using network = await makeNetwork(engine, unique())
    const name = unique('server')
    const server = await start(network.name, ['sleep', '1000'], { name })
    const { IPAddress = '' } = (await server.inspect()).NetworkSettings.Networks[network.name] ?? {}
    expect(await output(network.name, `nslookup ${IPAddress}`)).toContain(`name = ${name}.${network.name}`)
  },

  'the name of a container of another network is not found': async ({ engine, reference, unique }) => {
    const { start, output } = by({ engine, reference })
    await using a = await makeNetwork(engine, unique())
    await using b = await makeNetwork(engine, unique(), { Internal: true })
    const name = unique('server')
    await start(a.name, ['sleep', '1000'], { name })
    expect(await output(b.name, addressOf(name), { host: { DnsOptions: ['timeout:1', 'attempts:1'] } })).toContain('bad address')
  },

  'containers that share an alias are all found by it': async ({ engine, reference, unique }) => {
    const { start, output } = by({ engine, reference })
    await using network = await makeNetwork(engine, unique())
    const servers = await Promise.all([1, 2, 3].map(() => start(network.name, ['sleep', '1000'], { aliases: ['pool'] })))
    const addresses = await Promise.all(
      servers.map(async server => (await server.inspect()).NetworkSettings.Networks[network.name]?.IPAddress ?? '')
    )
    const text = await output(network.name, 'nslookup -type=a pool')
    for (const address of addresses) expect(text).toContain(`Address: ${address}`)
  },

  'what has ended is not found any more, what has started again is': async ({ engine, reference, unique }) => {
    const { start } = by({ engine, reference })
    await using network = await makeNetwork(engine, unique(), { Internal: true })
    const name = unique('server')
    const server = await start(network.name, ['sleep', '1000'], { name })
    const script = `while true; do ping -c 1 -W 1 ${name} > /dev/null 2>&1 && echo found || echo lost; sleep 0.1; done`
    const client = await start(network.name, ['sh', '-c', script], { host: { DnsOptions: ['timeout:1', 'attempts:1'] } })
    const says = (word: string) => eventually(async () => (await client.logs({ tail: 1 }).text()) === `${word}\n`)
    await says('found')
    await server.kill()
    await server.wait()
    await says('lost')
    await server.start()
    await says('found')
  },

  'a renamed container is found by its new name': async ({ engine, reference, unique }) => {
    const { start, output } = by({ engine, reference })
    await using network = await makeNetwork(engine, unique())
    const server = await start(network.name, ['sleep', '1000'], { name: unique('old') })
    const name = unique('new')
    await server.rename(name)
    expect(await output(network.name, addressOf(name))).toMatch(new RegExp(`PING ${name} \\(\\d+\\.`))
  },

  'who joins a network while it runs finds the others, and is found by its alias there': async ({ engine, image, reference, unique }) => {
    const { start, output } = by({ engine, reference })
    await using network = await makeNetwork(engine, unique())
    const name = unique('server')
    await start(network.name, ['sleep', '1000'], { name })
    const script = `while true; do ${addressOf(name)}; sleep 0.1; done`
    const late = await image.cmd('sh', '-c', script).start()
    const body = { Container: late.id, EndpointConfig: { Aliases: ['late'] } }
    await engine.raw.call(NetworkConnect, { path: { id: network.id }, body })
    await eventually(async () => (await late.logs({ tail: 1 }).text()).startsWith(`PING ${name} (`))
    expect(await output(network.name, addressOf('late'))).toMatch(/PING late \(\d+\./)
  },

  'host-gateway among the extra hosts is the host as the container reaches it': async ({ engine, reference }) => {
    const { start } = by({ engine, reference })
    const container = await start('bridge', ['cat', '/etc/hosts'], { host: { ExtraHosts: ['outside:host-gateway', 'other:192.0.2.1'] } })
    await container.wait()
    const hosts = await container.logs().text()
    const [bridge] = await engine.raw.call(NetworkList, { query: { filters: { name: ['bridge'], type: ['builtin'] } } })
    const { Subnet = '' } = bridge?.IPAM?.Config?.[0] ?? {}
    expect(hosts).toContain(`${Subnet.replace(/\.\d+\/\d+$/, '.1')}\toutside\n`)
    expect(hosts).toContain('192.0.2.1\tother\n')
  },

  'on the default network there are no names': async ({ engine, reference, unique }) => {
    const { start, output } = by({ engine, reference })
    const name = unique('server')
    await start('bridge', ['sleep', '1000'], { name })
    expect(await output('bridge', `cat /etc/resolv.conf`)).not.toContain('127.0.0.11')
  }
})
