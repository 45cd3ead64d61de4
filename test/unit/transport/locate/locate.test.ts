import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { locate } from '../../../../src/transport/locate/locate.js'
import { machinePorts } from '../../../../src/transport/locate/ports.js'
import { contextFiles, fakePorts } from './fake-ports.js'

const config = '/home/me/.docker/config.json'

describe('precedence', () => {
  const everything = {
    env: { DOCKER_HOST: 'tcp://from-env:2375', DOCKER_CONTEXT: 'from-variable' },
    files: {
      [config]: '{"currentContext":"from-config"}',
      ...contextFiles('from-option', 'ssh://option'),
      ...contextFiles('from-variable', 'ssh://variable'),
      ...contextFiles('from-config', 'ssh://config')
    },
    sockets: { '/var/run/docker.sock': 'usable' as const }
  }

  it('the option host comes before everything else and nothing else is looked at', async () => {
    expect(await locate(fakePorts(everything), { host: 'unix:///mine.sock' })).toEqual([
      { name: 'option host', endpoint: 'unix:///mine.sock', explicit: true }
    ])
  })

  it('the option context comes before the environment', async () => {
    expect(await locate(fakePorts(everything), { context: 'from-option' })).toEqual([
      { name: 'context from-option (option context)', endpoint: 'ssh://option', explicit: true }
    ])
  })

  it('DOCKER_HOST comes before DOCKER_CONTEXT', async () => {
    expect(await locate(fakePorts(everything))).toEqual([{ name: 'DOCKER_HOST', endpoint: 'tcp://from-env:2375', explicit: true }])
  })

  it('DOCKER_CONTEXT comes before currentContext, and the list says that DOCKER_HOST is not set', async () => {
    const found = await locate(fakePorts({ ...everything, env: { DOCKER_CONTEXT: 'from-variable' } }))
    expect(found).toEqual([
      { name: 'DOCKER_HOST', explicit: false, skipped: 'not set' },
      { name: 'context from-variable (DOCKER_CONTEXT)', endpoint: 'ssh://variable', explicit: true }
    ])
  })

  it('currentContext comes before the well-known sockets', async () => {
    const found = await locate(fakePorts({ ...everything, env: {} }))
    expect(found.map(one => one.endpoint)).toEqual([undefined, undefined, 'ssh://config'])
    expect(found.at(-1)).toMatchObject({ explicit: true, name: `context from-config (currentContext in ${config})` })
    expect(found.at(-1)?.fix).toContain('docker context use default')
  })

  it('an empty variable is as good as none', async () => {
    const found = await locate(fakePorts({ env: { DOCKER_HOST: '', DOCKER_CONTEXT: '' } }))
    expect(found.some(one => one.explicit)).toBe(false)
  })

  it('host and context together are refused, naming both', async () => {
    await expect(locate(fakePorts({}), { host: 'unix:///a', context: 'b' })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: 'host (unix:///a) and context (b) were both given. Give one of them'
    })
  })

  it('tls without host is refused', async () => {
    await expect(locate(fakePorts({}), { tls: {} })).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})

describe('contexts', () => {
  it('a context brings its TLS files', async () => {
    const files = contextFiles('ci', 'tcp://ci:2376', { tls: { 'ca.pem': 'CA', 'cert.pem': 'CERT', 'key.pem': 'KEY' } })
    expect(await locate(fakePorts({ files }), { context: 'ci' })).toMatchObject([
      { endpoint: 'tcp://ci:2376', tls: { ca: 'CA', cert: 'CERT', key: 'KEY' } }
    ])
  })

  it('a context that skips verification says so', async () => {
    const files = contextFiles('ci', 'tcp://ci:2376', { skipTlsVerify: true })
    expect((await locate(fakePorts({ files }), { context: 'ci' }))[0]?.tls).toEqual({ verify: false })
  })

  it('DOCKER_CONFIG moves the docker folder', async () => {
    const files = { '/cfg/config.json': '{"currentContext":"x"}', ...contextFiles('x', 'ssh://x', { folder: '/cfg' }) }
    expect((await locate(fakePorts({ files, env: { DOCKER_CONFIG: '/cfg' } }))).at(-1)).toMatchObject({ endpoint: 'ssh://x' })
  })

  it('the context "default" is the environment, else the own socket of the platform', async () => {
    expect(await locate(fakePorts({ env: { DOCKER_HOST: 'tcp://h:1' } }), { context: 'default' })).toMatchObject([
      { endpoint: 'tcp://h:1', explicit: true }
    ])
    expect(await locate(fakePorts({}), { context: 'default' })).toMatchObject([{ endpoint: 'unix:///var/run/docker.sock', explicit: true }])
    expect(await locate(fakePorts({ platform: 'win32' }), { context: 'default' })).toMatchObject([
      { endpoint: 'npipe:////./pipe/docker_engine' }
    ])
  })

  it('a context that does not exist is not_found, naming it, who asked for it and the file', async () => {
    const call = locate(fakePorts({ env: { DOCKER_CONTEXT: 'nope' } }))
    await expect(call).rejects.toMatchObject({ code: 'not_found', details: { context: 'nope' } })
    await expect(call).rejects.toThrow(
      /context "nope" \(DOCKER_CONTEXT\) does not exist.*\.docker\/contexts\/meta\/[0-9a-f]{64}\/meta\.json/
    )
  })

  it.each([
    ['no JSON', '{"currentContext":'],
    ['no object', '[1]'],
    ['a number for a name', '{"currentContext":7}']
  ])('a config.json with %s is invalid_argument naming the file', async (_what, text) => {
    const call = locate(fakePorts({ files: { [config]: text } }))
    await expect(call).rejects.toMatchObject({ code: 'invalid_argument', details: { path: config } })
    await expect(call).rejects.toThrow(config)
  })

  it.each([
    ['no JSON', 'x'],
    ['no endpoints', '{}'],
    ['an endpoint without a host', '{"Endpoints":{"docker":{}}}']
  ])('a meta.json with %s is invalid_argument naming the file', async (_what, text) => {
    const [file] = Object.keys(contextFiles('ci', ''))
    const call = locate(fakePorts({ files: { [file ?? '']: text } }), { context: 'ci' })
    await expect(call).rejects.toMatchObject({ code: 'invalid_argument', details: { path: file } })
    await expect(call).rejects.toThrow(file)
  })

  it('a config.json that may not be read is permission_denied naming the file', async () => {
    const call = locate(fakePorts({ files: { [config]: Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }) } }))
    await expect(call).rejects.toMatchObject({ code: 'permission_denied', details: { path: config } })
  })
})

describe('TLS', () => {
  const files = { '/certs/ca.pem': 'CA', '/certs/cert.pem': 'CERT', '/certs/key.pem': 'KEY' }

  it('DOCKER_TLS_VERIFY takes the certificates of DOCKER_CERT_PATH', async () => {
    const env = { DOCKER_HOST: 'tcp://h:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' }
    expect((await locate(fakePorts({ env, files }))).at(-1)?.tls).toEqual({ ca: 'CA', cert: 'CERT', key: 'KEY', verify: true })
  })

  it('DOCKER_TLS alone does not verify', async () => {
    const env = { DOCKER_HOST: 'tcp://h:2376', DOCKER_TLS: '1', DOCKER_CERT_PATH: '/certs' }
    expect((await locate(fakePorts({ env, files }))).at(-1)?.tls).toMatchObject({ verify: false })
  })

  it('the variables also count for the option host, and not for a socket', async () => {
    const ports = fakePorts({ env: { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' }, files })
    expect((await locate(ports, { host: 'tcp://h:2376' }))[0]?.tls).toMatchObject({ ca: 'CA' })
    expect((await locate(ports, { host: 'unix:///x' }))[0]?.tls).toBeUndefined()
  })

  it('verification without a ca.pem is not_found naming the folder', async () => {
    const env = { DOCKER_HOST: 'tcp://h:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/nowhere' }
    await expect(locate(fakePorts({ env }))).rejects.toMatchObject({ code: 'not_found', details: { path: '/nowhere' } })
  })

  it('the option tls takes PEM text and paths alike', async () => {
    const pem = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----'
    const found = await locate(fakePorts({ files }), { host: 'tcp://h:1', tls: { ca: pem, cert: '/certs/cert.pem', verify: false } })
    expect(found[0]?.tls).toEqual({ ca: pem, cert: 'CERT', verify: false })
  })

  it('a path that is no file is not_found naming the option', async () => {
    await expect(locate(fakePorts({}), { host: 'tcp://h:1', tls: { key: '/no.pem' } })).rejects.toMatchObject({
      code: 'not_found',
      details: { field: 'tls.key', path: '/no.pem' }
    })
  })
})

describe('well-known sockets', () => {
  const skipped = (found: Awaited<ReturnType<typeof locate>>): string[] =>
    found.filter(one => one.skipped !== undefined).map(one => one.name)

  it('lists every known place on Linux, with what to do about each that is missing', async () => {
    const found = await locate(fakePorts({ env: { XDG_RUNTIME_DIR: '/run/user/7' } }))
    expect(found.map(one => one.endpoint?.replace('unix://', '') ?? one.name)).toEqual([
      'DOCKER_HOST',
      'DOCKER_CONTEXT',
      'docker context',
      '/run/gantry.sock',
      '/var/run/docker.sock',
      '/run/user/7/docker.sock',
      '/run/user/7/podman/podman.sock',
      '/run/podman/podman.sock',
      '/home/me/.docker/desktop/docker.sock',
      '/home/me/.colima/default/docker.sock',
      '/home/me/.rd/docker.sock'
    ])
    expect(found.every(one => one.skipped !== undefined && !one.explicit)).toBe(true)
    expect(found.find(one => one.name === 'Docker')).toMatchObject({
      skipped: 'no such file',
      fix: 'run: sudo systemctl start docker'
    })
  })

  it('a socket that is there is a candidate, in order', async () => {
    const found = await locate(fakePorts({ sockets: { '/run/podman/podman.sock': 'usable', '/var/run/docker.sock': 'usable' } }))
    expect(found.filter(one => one.skipped === undefined).map(one => one.name)).toEqual(['Docker', 'Podman'])
    expect(skipped(found)).not.toContain('Docker')
  })

  it('a socket this user may not open tells about the group docker', async () => {
    const found = await locate(fakePorts({ sockets: { '/var/run/docker.sock': 'denied' } }))
    expect(found.find(one => one.name === 'Docker')).toMatchObject({
      skipped: 'permission denied',
      fix: expect.stringContaining('group docker')
    })
  })

  it('a file that is no socket is said to be one', async () => {
    const found = await locate(fakePorts({ sockets: { '/var/run/docker.sock': 'not a socket' } }))
    expect(found.find(one => one.name === 'Docker')).toMatchObject({ skipped: 'not a socket' })
  })

  it('without XDG_RUNTIME_DIR the runtime folder follows from the user id; root has none', async () => {
    const endpoints = async (uid: number): Promise<(string | undefined)[]> => (await locate(fakePorts({ uid }))).map(one => one.endpoint)
    expect(await endpoints(1000)).toContain('unix:///run/user/1000/docker.sock')
    expect((await endpoints(0)).some(one => one?.includes('/run/user/'))).toBe(false)
  })

  it('knows the macOS engines', async () => {
    const names = (await locate(fakePorts({ platform: 'darwin' }))).map(one => one.name)
    expect(names).toEqual(expect.arrayContaining(['Docker Desktop', 'OrbStack', 'Colima', 'Rancher Desktop', 'Podman']))
  })

  it('knows the Windows pipes', async () => {
    const found = await locate(fakePorts({ platform: 'win32', sockets: { '\\\\.\\pipe\\docker_engine': 'usable' } }))
    expect(found.find(one => one.skipped === undefined)).toEqual({
      name: 'Docker',
      endpoint: 'npipe:////./pipe/docker_engine',
      explicit: false
    })
  })
})

describe("this machine's ports", () => {
  it('tell a socket from a file, a missing path and a text file from none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gantry-locate-'))
    const server = createServer()
    try {
      await writeFile(join(folder, 'file'), 'text')
      await new Promise<void>(resolve => server.listen(join(folder, 'socket'), resolve))
      const ports = machinePorts()
      expect(await ports.socketState(join(folder, 'socket'))).toBe('usable')
      expect(await ports.socketState(join(folder, 'file'))).toBe('not a socket')
      expect(await ports.socketState(join(folder, 'nothing'))).toBe('missing')
      expect(await ports.readFile(join(folder, 'file'))).toBe('text')
      expect(await ports.readFile(join(folder, 'nothing'))).toBeUndefined()
      expect(await ports.readFile(join(folder, 'file', 'below'))).toBeUndefined()
      await expect(ports.readFile(folder)).rejects.toThrow('EISDIR')
    } finally {
      server.close()
      await rm(folder, { recursive: true })
    }
  })
})
