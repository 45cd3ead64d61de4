import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { type GantryDaemon, startGantryDaemon } from '../lab/gantry-daemon.js'

// Needs: root, busybox from the lab, the docker command.

const execute = promisify(execFile)
const lab = inject('lab')
const image = lab.images.busybox ?? ''
const obstacle = process.getuid?.() === 0 && image !== '' ? undefined : 'needs root and the lab'

describe.skipIf(obstacle !== undefined)(`settings of a daemon${obstacle === undefined ? '' : ` (${obstacle})`}`, () => {
  let folder: string
  let daemon: GantryDaemon | undefined

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-settings-'))
  })
  afterEach(async () => {
    if (daemon !== undefined) {
      const ids = await docker('ps', '-aq')
      if (ids !== '') await docker('rm', '-f', ...ids.split('\n'))
    }
    await daemon?.stop()
    daemon = undefined
    await rm(folder, { recursive: true, force: true })
  })

  const start = async (...argv: readonly string[]) => {
    daemon = await startGantryDaemon({ folder, arguments: argv })
    await docker('pull', '-q', image)
  }
  const startWith = async (config: unknown) => {
    const file = join(folder, 'daemon.json')
    await writeFile(file, JSON.stringify(config))
    await start('--config-file', file)
  }
  const docker = async (...argv: readonly string[]) => {
    const { stdout } = await execute('docker', argv, { env: { ...process.env, DOCKER_HOST: daemon?.host, DOCKER_CONFIG: folder } })
    return stdout.trim()
  }
  const inspect = async (format: string, ...argv: readonly string[]) => {
    const id = await docker('create', ...argv, image, 'true')
    return docker('inspect', '-f', format, id)
  }

  const defaults = {
    'log-driver': 'none',
    'default-ulimits': { nofile: { Name: 'nofile', Soft: 1000, Hard: 2000 }, core: { Soft: 0, Hard: 0 } },
    'default-shm-size': '32M',
    dns: ['10.1.2.3'],
    'dns-opts': ['timeout:7'],
    'dns-search': ['example.test'],
    init: true,
    'max-concurrent-downloads': 1
  }
  const asFlags = [
    ...['--log-driver', 'none', '--default-ulimit', 'nofile=1000:2000', '--default-ulimit', 'core=0', '--default-shm-size', '32MiB'],
    ...['--dns', '10.1.2.3', '--dns-opt', 'timeout:7', '--dns-search', 'example.test', '--init', '--max-concurrent-downloads=1']
  ]

  it.each([
    ['from a file', () => startWith(defaults)],
    ['by flags', () => start(...asFlags)]
  ])('containers that leave something open have the defaults %s', async (_how, begin) => {
    await begin()
    const seen = await docker(
      'run',
      '--rm',
      image,
      'sh',
      '-c',
      'ulimit -Sn; ulimit -Hn; ulimit -c; df -k /dev/shm | tail -1; cat /proc/1/comm /etc/resolv.conf; true'
    )
    const [soft, hard, core, shm, first, ...resolver] = seen.split('\n')
    expect([soft, hard, core, first]).toEqual(['1000', '2000', '0', expect.stringMatching(/init/)])
    expect(shm).toMatch(/^shm\s+32768\s/)
    expect(resolver).toEqual(['search example.test', 'nameserver 10.1.2.3', 'options timeout:7'])
    expect(await docker('info', '-f', '{{.LoggingDriver}}')).toBe('none')
    // As in dockerd: the driver and the size are the container's from now on, the rest is the engine's.
    expect(await inspect('{{.HostConfig.LogConfig.Type}} {{.HostConfig.ShmSize}} {{.HostConfig.Dns}}')).toBe('none 33554432 []')
  })

  it('what a container says itself counts', async () => {
    await startWith(defaults)
    const own = [
      ...['--init=false', '--ulimit', 'nofile=500:600', '--shm-size', '16m', '--dns', '10.9.9.9', '--dns-opt', 'timeout:1'],
      ...['--dns-search', 'own.test', '--log-driver', 'json-file']
    ]
    const seen = await docker(
      'run',
      '--rm',
      ...own,
      image,
      'sh',
      '-c',
      'ulimit -Sn; ulimit -c; df -k /dev/shm | tail -1; cat /proc/1/comm /etc/resolv.conf; true'
    )
    const [soft, core, shm, first, ...resolver] = seen.split('\n')
    expect([soft, core, first]).toEqual(['500', '0', 'sh'])
    expect(shm).toMatch(/^shm\s+16384\s/)
    expect(resolver).toEqual(['search own.test', 'nameserver 10.9.9.9', 'options timeout:1'])
    expect(await inspect('{{.HostConfig.LogConfig.Type}}', ...own)).toBe('json-file')
  })

  it('options of the log go to containers of the same driver', async () => {
    await startWith({ 'log-driver': 'json-file', 'log-opts': { 'max-size': '1m', 'max-file': '3' } })
    const format = '{{json .HostConfig.LogConfig}}'
    expect(JSON.parse(await inspect(format))).toEqual({ Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '3' } })
    const own = await inspect(format, '--log-opt', 'max-size=2m')
    expect(JSON.parse(own)).toEqual({ Type: 'json-file', Config: { 'max-size': '2m', 'max-file': '3' } })
    expect(JSON.parse(await inspect(format, '--log-driver', 'none'))).toEqual({ Type: 'none', Config: {} })
  })

  it.each([
    [['--log-driver', 'no-such-driver'], /log-driver.*no-such-driver/],
    [['--log-opt', 'nonsense=1'], /log-opts: unknown log opt 'nonsense' for json-file log driver/],
    [['--default-ulimit', 'nofile=2:1'], /default-ulimit.*Expected limits/],
    [['--default-shm-size', 'much'], /Expected a size such as 64M/],
    [['--bip', '10.20.0.0/24'], /bip 10\.20\.0\.0\/24: expected the bridge's address/],
    [['--default-address-pool', 'base=10.0.0.0/16'], /Expected address pools/],
    [['--default-address-pool', 'base=10.0.0.0/16,size=8'], /default address pool, base 10\.0\.0\.0\/16: the size 8/],
    [['--mtu', '20'], /mtu 20: expected 68 to 65535/],
    [['--dns', 'name.example'], /Expected IP addresses/],
    [['--max-concurrent-downloads', '0'], /at least 1/],
    [['--log-level', 'loud'], /Expected debug, info, warn, error, fatal/],
    [['--init=maybe'], /Expected true or false/],
    [['--iptables=false'], /unknown option '--iptables=false'/]
  ])('%j is refused', async (argv, message) => {
    await expect(startGantryDaemon({ folder, arguments: argv })).rejects.toThrow(message)
  })

  it('bip, mtu and address pools are where networks get their addresses', async () => {
    await startWith({ bip: '10.211.7.1/24', mtu: 1400, 'default-address-pools': [{ base: '10.212.0.0/16', size: 24 }] })
    const format = '{{(index .IPAM.Config 0).Subnet}} {{(index .IPAM.Config 0).Gateway}}'
    expect(await docker('network', 'inspect', '-f', format, 'bridge')).toBe('10.211.7.0/24 10.211.7.1')
    const seen = await docker('run', '--rm', image, 'sh', '-c', 'ip addr show eth0; ip route')
    expect(seen).toMatch(/mtu 1400/)
    expect(seen).toMatch(/inet 10\.211\.7\.2\/24/)
    expect(seen).toMatch(/default via 10\.211\.7\.1/)
    await docker('network', 'create', 'one')
    await docker('network', 'create', 'two')
    const subnets = await docker('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Subnet}}', 'one', 'two')
    expect(subnets.split('\n')).toEqual(['10.212.0.0/24', '10.212.1.0/24'])
    expect(await docker('info', '-f', '{{json .DefaultAddressPools}}')).toBe('[{"Base":"10.212.0.0/16","Size":24}]')
    await docker('network', 'rm', 'one', 'two')
  })

  it('the default network changes with the settings, unless containers are on it', async () => {
    await start('--bip', '10.211.8.1/24')
    await docker('run', '-d', '--name', 'there', image, 'sleep', '1000')
    await daemon?.stop()
    await expect(startGantryDaemon({ folder, arguments: ['--bip', '10.211.9.1/24'] })).rejects.toThrow(
      /cannot have other settings \(bip, mtu\) while containers are on it: there/
    )
    await start()
    expect(await docker('exec', 'there', 'ip', 'route')).toMatch(/via 10\.211\.8\.1/)
    await docker('rm', '-f', 'there')
    await daemon?.stop()
    await start('--bip', '10.211.9.1/24')
    expect(await docker('run', '--rm', image, 'ip', 'route')).toMatch(/via 10\.211\.9\.1/)
  })

  it('a registry in an insecure range is reached by plain HTTP', async () => {
    const { hostAddress } = lab.world ?? {}
    const [host = '', port] = lab.registry?.address.split(':') ?? []
    if (hostAddress === undefined || port === undefined) return
    const proxy = createServer(client => {
      const registry = connect({ host, port: Number(port) })
      for (const [from, to] of [
        [client, registry],
        [registry, client]
      ] as const) {
        from.on('error', () => to.destroy())
        from.pipe(to)
      }
    })
    await new Promise<void>(resolve => proxy.listen(0, hostAddress, resolve))
    // A server that listens on a port has an address of this form.
    const name = image.replace(/^[^/]+/, `${hostAddress}:${(proxy.address() as AddressInfo).port}`)
    try {
      const config = join(folder, 'daemon.json')
      await writeFile(config, '{}')
      daemon = await startGantryDaemon({ folder, arguments: ['--config-file', config] })
      await expect(docker('pull', '-q', name)).rejects.toThrow(/TLS/)
      await writeFile(config, JSON.stringify({ 'insecure-registries': [`${hostAddress}/30`] }))
      process.kill(daemon.pid, 'SIGHUP')
      await expect.poll(() => daemon?.output()).toContain('read again')
      expect(await docker('pull', '-q', name)).toBe(name)
    } finally {
      proxy.close()
    }
  })

  it('docker info warns of a door that is open to everybody', async () => {
    await start('-H', 'tcp://127.0.0.1:0', '--insecure-tcp-without-authentication')
    expect(await docker('info', '-f', '{{json .Warnings}}')).toMatch(/API is accessible on http:\/\/127\.0\.0\.1:\d+ without encryption/)
  })

  it('without the userland proxy ports are published on IPv4 alone, and held all the same', async () => {
    await start('--userland-proxy=false')
    const server = ['sh', '-c', 'echo hello > index.html; exec httpd -f -p 80']
    const id = await docker('run', '-d', '-p', '127.0.0.1:0:80', '-p', '81', image, ...server)
    expect(await docker('port', id, '81')).toMatch(/^0\.0\.0\.0:\d+$/)
    const address = await docker('port', id, '80')
    await expect.poll(async () => (await fetch(`http://${address}/`).catch(() => undefined))?.text(), { timeout: 5000 }).toBe('hello\n')
    const taken = createServer().listen(Number(address.split(':')[1]), '127.0.0.1')
    await expect(once(taken, 'listening')).rejects.toThrow(/EADDRINUSE/)
    await expect(docker('run', '-d', '-p', '[::1]:0:80', image, ...server)).rejects.toThrow(/takes the userland proxy/)
  })

  it('live-restore says whether containers go on when the daemon stops', async () => {
    const run = (name: string, ...argv: readonly string[]) =>
      docker('run', '-d', '--stop-timeout', '1', '--name', name, ...argv, image, 'sh', '-c', 'trap "exit 3" TERM; sleep 1000 & wait')
    const status = (name: string) => docker('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', name)
    await start()
    await run('stays')
    await daemon?.stop()
    await start('--live-restore=false')
    expect(await docker('info', '-f', '{{.LiveRestoreEnabled}}')).toBe('false')
    expect(await status('stays')).toBe('running 0')
    await run('always', '--restart', 'always')
    await run('unless', '--restart', 'unless-stopped')
    await run('by-hand', '--restart', 'unless-stopped')
    await docker('stop', 'by-hand')
    await daemon?.stop()
    await start()
    expect(await docker('info', '-f', '{{.LiveRestoreEnabled}}')).toBe('true')
    expect(await status('stays')).toBe('exited 3')
    expect(await status('by-hand')).toBe('exited 3')
    await expect.poll(() => status('always'), { timeout: 10_000 }).toBe('running 0')
    await expect.poll(() => status('unless'), { timeout: 10_000 }).toBe('running 0')
  })

  it('log-level says how much is said', async () => {
    await start('--log-level', 'debug')
    expect(await daemon?.output()).toMatch(/POST \S*\/images\/create/)
  })
})
