import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { createEngine } from 'gantry'
import { type EventMessage, SystemEvents, SystemInfo } from 'gantry/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type GantryDaemon, startGantryDaemon } from '../lab/gantry-daemon.js'

// Needs: root.

const execute = promisify(execFile)
const command = join(dirname(createRequire(import.meta.url).resolve('gantry/package.json')), 'dist', 'cli.js')

describe.skipIf(process.getuid?.() !== 0)('signals and the pid file of a daemon', () => {
  let folder: string
  const children: ChildProcess[] = []

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-signals-'))
  })
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })

  /** A daemon as a child of this process: how it ends is to be seen. */
  const start = async (name: string, ...argv: readonly string[]) => {
    const log = join(folder, `${name}.log`)
    const out = openSync(log, 'w')
    const socket = join(folder, `${name}.sock`)
    const child = spawn(process.execPath, [command, 'daemon', '-H', `unix://${socket}`, '--root', join(folder, name), ...argv], {
      stdio: ['ignore', out, out]
    })
    closeSync(out)
    children.push(child)
    const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
    const output = () => readFile(log, 'utf8')
    await expect.poll(async () => child.exitCode !== null || (await output()).includes(' listens on '), { timeout: 20_000 }).toBe(true)
    return { child, socket, output, ended, pid: child.pid ?? 0 }
  }
  /** A request that is not over until its body has come. */
  const halfARequest = (socket: string) =>
    new Promise<{ finish(): Promise<string> }>((resolve, reject) => {
      const connection = createConnection(socket)
      let answer = ''
      const body = '{"Image":"no-such-image"}'
      connection.setEncoding('utf8')
      connection.on('data', (text: string) => {
        answer += text
        // The daemon is about to read the body.
        if (answer.startsWith('HTTP/1.1 100')) {
          resolve({
            async finish() {
              connection.write(body)
              await once(connection, 'close')
              return answer
            }
          })
        }
      })
      connection.once('error', reject)
      connection.write(
        `POST /containers/create HTTP/1.1\r\nHost: d\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`
      )
    })

  it.each(['SIGTERM', 'SIGINT'] as const)('%s lets a request finish, takes no others, and ends with 0', async signal => {
    const daemon = await start('a')
    const request = await halfARequest(daemon.socket)
    daemon.child.kill(signal)
    await expect.poll(() => stat(daemon.socket).catch(() => undefined), { timeout: 5000 }).toBeUndefined()
    expect(daemon.child.exitCode).toBeNull()
    expect(await request.finish()).toMatch(/HTTP\/1\.1 404 .*no such image/is)
    expect(await daemon.ended).toEqual([0, null])
    expect(await daemon.output()).toContain(`Gantry stops: ${signal}`)
  })

  it('a second signal ends it at once, and its pid file is gone', async () => {
    const pidFile = join(folder, 'pid')
    const daemon = await start('a', '--pidfile', pidFile, '--shutdown-timeout', '-1')
    await halfARequest(daemon.socket)
    daemon.child.kill('SIGTERM')
    await expect.poll(() => daemon.output()).toContain('Gantry stops')
    const begun = performance.now()
    daemon.child.kill('SIGINT')
    expect(await daemon.ended).toEqual([130, null])
    expect(performance.now() - begun).toBeLessThan(1000)
    await expect(stat(pidFile)).rejects.toThrow(/ENOENT/)
  })

  it('what takes longer than --shutdown-timeout is cut off', async () => {
    const daemon = await start('a', '--shutdown-timeout', '2')
    await halfARequest(daemon.socket)
    const begun = performance.now()
    daemon.child.kill('SIGTERM')
    expect((await daemon.ended)[1]).toBeNull()
    expect(await daemon.output()).toContain('waits for what is not finished, at most 2 s')
    expect(performance.now() - begun).toBeGreaterThan(1900)
    expect(performance.now() - begun).toBeLessThan(9000)
  })

  it('a pid file is that of a living daemon only', async () => {
    const pidFile = join(folder, 'deep', 'er', 'pid')
    const first = await start('a', '--pidfile', pidFile)
    expect(await readFile(pidFile, 'utf8')).toBe(String(first.pid))
    const second = await start('b', '--pidfile', pidFile)
    expect(await second.ended).toEqual([1, null])
    expect(await second.output()).toMatch(/pid file found, ensure that no daemon is running or delete .*\/deep\/er\/pid/)
    expect(await readFile(pidFile, 'utf8')).toBe(String(first.pid))
    first.child.kill('SIGKILL')
    await first.ended
    const third = await start('c', '--pidfile', pidFile)
    expect(await readFile(pidFile, 'utf8')).toBe(String(third.pid))
    third.child.kill('SIGTERM')
    await third.ended
    await expect(stat(pidFile)).rejects.toThrow(/ENOENT/)
  })

  it('a daemon that cannot start leaves no pid file', async () => {
    const pidFile = join(folder, 'pid')
    const daemon = await start('a', '--pidfile', pidFile, '-H', 'fd://')
    expect(await daemon.ended).toEqual([1, null])
    await expect(stat(pidFile)).rejects.toThrow(/ENOENT/)
  })

  it('goes on when nobody reads any more what it says', async () => {
    const socket = join(folder, 's')
    const child = spawn(process.execPath, [command, 'daemon', '-D', '-H', `unix://${socket}`, '--data-root', join(folder, 'r')], {
      stdio: ['ignore', 'pipe', 'pipe']
    })
    children.push(child)
    const ended = once(child, 'exit')
    await once(child.stdout, 'data')
    child.stdout.destroy()
    child.stderr.destroy()
    for (let count = 0; count < 3; count++) {
      await using engine = await createEngine({ host: `unix://${socket}` })
      expect((await engine.info()).os).toBe('linux')
    }
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })

  it.each([
    [['-H', 'unix:///no/such/folder/s'], /there is no folder \/no\/such\/folder/],
    [['--data-root', '/proc/nothing'], /the data root \/proc\/nothing cannot be made/],
    [['--default-runtime', 'nope'], /cannot run containers: .*'nope'.*--default-runtime/],
    [['--hots', 'x'], /unknown option '--hots'\s+\(Did you mean --host/]
  ])('%j says what is wrong, and ends with 1', async (argv, message) => {
    const daemon = await start('a', ...argv)
    expect(await daemon.ended).toEqual([1, null])
    expect(await daemon.output()).toMatch(message)
  })

  describe('SIGHUP', () => {
    let daemon: GantryDaemon
    let config: string
    const hangUp = async (content: unknown) => {
      const before = (await daemon.output()).length
      await writeFile(config, typeof content === 'string' ? content : JSON.stringify(content))
      process.kill(daemon.pid, 'SIGHUP')
      const said = async () => (await daemon.output()).slice(before)
      await expect.poll(said, { timeout: 10_000 }).toMatch(/read again|stays as it was/)
      return said()
    }
    const info = async () => {
      await using engine = await createEngine({ host: daemon.host })
      return await engine.raw.call(SystemInfo, {})
    }

    beforeEach(async () => {
      config = join(folder, 'daemon.json')
      await writeFile(config, '{"labels":["a=b"]}')
    })
    afterEach(() => daemon.stop({ complains: true }))

    it('reads the configuration file again: what is named changes, the rest stays, and an event tells', async () => {
      daemon = await startGantryDaemon({ folder, arguments: ['--config-file', config, '--insecure-registry', 'flag.example:5000'] })
      await using engine = await createEngine({ host: daemon.host })
      const events: EventMessage[] = []
      const stop = new AbortController()
      const listening = (async () => {
        const messages = await engine.raw.call(SystemEvents, { query: { filters: { type: ['daemon'] } } }, { signal: stop.signal })
        for await (const message of messages) events.push(message)
      })().catch(() => {})
      await hangUp({ debug: true, 'registry-mirrors': ['https://m.example'], 'insecure-registries': ['10.0.0.0/8', 'r.example:5'] })
      expect(await info()).toMatchObject({
        Debug: true,
        Labels: ['a=b'],
        RegistryConfig: {
          Mirrors: ['https://m.example/'],
          InsecureRegistryCIDRs: ['10.0.0.0/8', '127.0.0.0/8', '::1/128'],
          IndexConfigs: { 'r.example:5': { Secure: false }, 'flag.example:5000': { Secure: false } }
        }
      })
      expect(await daemon.output()).toMatch(/GET \S*\/info 200/)
      await hangUp({
        debug: false,
        labels: ['c=d'],
        'default-shm-size': '32M',
        'max-concurrent-downloads': 7,
        'live-restore': false
      })
      expect(await info()).toMatchObject({ Debug: false, Labels: ['c=d'], RegistryConfig: { Mirrors: ['https://m.example/'] } })
      await expect.poll(() => events.length).toBe(2)
      expect(events[0]).toMatchObject({
        Type: 'daemon',
        Action: 'reload',
        scope: 'local',
        Actor: {
          ID: (await info()).ID,
          Attributes: {
            debug: 'true',
            labels: '["a=b"]',
            'insecure-registries': '["flag.example:5000","10.0.0.0/8","r.example:5"]',
            'registry-mirrors': '["https://m.example"]',
            'shutdown-timeout': '15'
          }
        }
      })
      expect(events[1]?.Actor?.Attributes).toMatchObject({
        debug: 'false',
        labels: '["c=d"]',
        'default-shm-size': '33554432',
        'max-concurrent-downloads': '7',
        'live-restore': 'false'
      })
      stop.abort()
      await listening
    })

    it.each([
      ['{', /is not JSON/],
      [{ nonsense: 1, debug: true }, /don't match any configuration option: nonsense/],
      [{ debug: true, labels: ['bad'] }, /bad attribute format: bad/],
      [{ debug: true, 'registry-mirrors': ['m'] }, /invalid mirror/],
      [{ debug: true, 'data-root': '/elsewhere' }, /both as a flag and in the configuration file: data-root/]
    ])('%j is told, and changes nothing', async (content, message) => {
      daemon = await startGantryDaemon({ folder, arguments: ['--config-file', config] })
      const before = await info()
      expect(await hangUp(content)).toMatch(message)
      const after = await info()
      // These two go on by themselves.
      expect({ ...after, SystemTime: '', NFd: 0 }).toEqual({ ...before, SystemTime: '', NFd: 0 })
    })

    it('what takes a restart is told, and a daemon without a file goes on', async () => {
      daemon = await startGantryDaemon({ folder, arguments: ['--config-file', config] })
      expect(await hangUp({ debug: true, 'default-runtime': 'other' })).toContain('when the daemon is started again: default-runtime')
      expect((await info()).Debug).toBe(true)
      await daemon.stop({ complains: true })
      daemon = await startGantryDaemon({ folder })
      process.kill(daemon.pid, 'SIGHUP')
      await expect.poll(() => daemon.output()).toContain('started without --config-file')
      expect((await execute('docker', ['-H', daemon.host, 'version', '-f', '{{.Server.Os}}'])).stdout).toBe('linux\n')
    })
  })
})
