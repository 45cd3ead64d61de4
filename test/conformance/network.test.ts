// Needs: root and the lab (test/lab).
import type { Container } from 'gantry'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { eventually } from './kit/streams.js'

/** How the default bridge sees a container. */
const endpoint = async (container: Container) => {
  const { Networks } = (await container.inspect()).NetworkSettings
  return { names: Object.keys(Networks), ...Networks.bridge }
}

conform(
  'network',
  {
    'eth0 has the address that inspect tells, and the default route leads to its gateway': async ({ image }) => {
      const process = image.run(['sh', '-c', 'ip -4 addr show dev eth0; ip route; cat /sys/class/net/eth0/address; sleep 1000'])
      const container = await process.container
      const text = await eventually(async () => {
        const log = await container.logs().text()
        return /..:..:..:..:..:..\n/.test(log) ? log : undefined
      })
      const { names, IPAddress, IPPrefixLen, Gateway, MacAddress } = await endpoint(container)
      expect(names).toEqual(['bridge'])
      expect(text).toContain(`inet ${IPAddress}/${IPPrefixLen}`)
      expect(text).toContain(`default via ${Gateway} dev eth0`)
      expect(text).toContain(MacAddress)
      await container.remove({ force: true })
    },

    'a container reaches the world outside, which sees another address than its own': async ({ image, lab }) => {
      const { address = '', port, hostAddress, dockerdAddress } = lab.world ?? {}
      const { stdout, stderr } = await image.run(['sh', '-c', `nc -w 5 ${address} ${port} < /dev/null; ip -4 addr show dev eth0 >&2`])
      expect([hostAddress, dockerdAddress]).toContain(stdout.trim())
      expect(stderr).not.toContain(`inet ${stdout.trim()}/`)
    },

    'containers reach each other by address': async ({ image }) => {
      const server = await image.cmd('sh', '-c', 'echo "hello from $(hostname)" | nc -l -p 8000').start()
      const { IPAddress } = await endpoint(server)
      const script = `until nc -w 2 ${IPAddress} 8000 < /dev/null; do sleep 0.1; done`
      expect(await image.run(['timeout', '20', 'sh', '-c', script]).text()).toBe(`hello from ${server.id.slice(0, 12)}\n`)
    },

    'containers that run at the same time have different addresses': async ({ image }) => {
      const containers = await Promise.all(Array.from({ length: 5 }, () => image.cmd('sleep', '1000').start()))
      const addresses = await Promise.all(containers.map(async container => (await endpoint(container)).IPAddress))
      expect(new Set(addresses).size).toBe(5)
      expect(addresses.every(address => /^\d+\.\d+\.\d+\.\d+$/.test(address ?? ''))).toBe(true)
    },

    'what has ended has no address any more, and gets one when it starts again': async ({ image }) => {
      const container = await image.cmd('sleep', '0.2').start()
      await container.wait()
      expect((await endpoint(container)).IPAddress).toBe('')
      await container.start()
      expect((await endpoint(container)).IPAddress).toMatch(/^\d+\./)
    },

    'loopback works': async ({ image }) => {
      const script = 'echo over loopback | nc -l -p 9000 & until sleep 1 | nc -w 5 127.0.0.1 9000; do sleep 0.1; done'
      expect(await image.run(['timeout', '20', 'sh', '-c', script]).text()).toBe('over loopback\n')
    },

    'its own host name leads to its own address': async ({ image }) => {
      const { stdout } = await image.run(['sh', '-c', 'ping -c 1 "$(hostname)" | head -n 1; ip -4 -o addr show dev eth0'])
      const [, address] = stdout.match(/PING \S+ \(([\d.]+)\)/) ?? []
      expect(stdout).toContain(`inet ${address}/`)
    },

    'with network none there is loopback and nothing else': async ({ image, lab }) => {
      const script = `ls /sys/class/net; ip route; nc -w 2 ${lab.world?.address} ${lab.world?.port} < /dev/null || echo unreachable`
      const process = image.network('none').run(['sh', '-c', script])
      expect((await process).stdout).toBe('lo\nunreachable\n')
      const { NetworkSettings, HostConfig } = await (await process.container).inspect()
      expect([Object.keys(NetworkSettings.Networks), HostConfig.NetworkMode]).toEqual([['none'], 'none'])
    },

    'the mac address is made from the address, as Docker does': async ({ image }) => {
      const { IPAddress = '', MacAddress } = await endpoint(await image.cmd('sleep', '1000').start())
      const bytes = IPAddress.split('.').map(part => Number(part).toString(16).padStart(2, '0'))
      expect(MacAddress).toBe(['02', '42', ...bytes].join(':'))
    }
  },
  { world: true }
)
