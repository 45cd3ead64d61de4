import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createEngine } from 'gantry'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type GantryDaemon, startGantryDaemon } from '../lab/gantry-daemon.js'

// Needs: root, busybox from the lab, the docker command, openssl.

const execute = promisify(execFile)
const lab = inject('lab')
const image = lab.images.busybox ?? ''

/** Fewer than the process may have descriptors; each is two here, because this process is the client. */
const idleConnections = 2000

describe.skipIf(image === '')('a Gantry daemon', () => {
  let folder: string
  let daemon: GantryDaemon
  const docker = (...argv: readonly string[]) =>
    execute('docker', argv, { env: { ...process.env, DOCKER_HOST: daemon.host, DOCKER_CONFIG: folder } })
  const socketPath = () => daemon.host.replace('unix://', '')

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-daemon-'))
    daemon = await startGantryDaemon({ folder })
    await docker('pull', '-q', image)
  })
  afterAll(async () => {
    await daemon?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const get = (path: string, method = 'GET') =>
    new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
      request({ socketPath: socketPath(), path, method, agent: false }, response => {
        let body = ''
        response.on('data', chunk => {
          body += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      })
        .on('error', reject)
        .end()
    })
  const descriptors = async () => Number((await execute('sh', ['-c', `ls /proc/${daemon.pid}/fd | wc -l`])).stdout)
  const connect = (text: string) =>
    new Promise<Socket>((resolve, reject) => {
      const socket = createConnection(socketPath(), () => {
        socket.write(text)
        resolve(socket)
      })
      socket.once('error', reject)
    })

  it('runs containers for the docker command', async () => {
    expect((await docker('run', '--rm', image, 'echo', 'hello')).stdout).toBe('hello\n')
    await expect(docker('run', '--rm', image, 'sh', '-c', 'exit 3')).rejects.toMatchObject({ code: 3 })
  })

  it('has a socket that only its group may use', async () => {
    expect((await stat(socketPath())).mode & 0o777).toBe(0o660)
  })

  it('a second one on the same socket is refused, and the first goes on', async () => {
    const other = await mkdtemp(join(tmpdir(), 'gantry-daemon-'))
    const second = startGantryDaemon({ folder: other, arguments: ['-H', daemon.host] })
    await expect(second).rejects.toThrow(/somebody listens on .* already/)
    await rm(other, { recursive: true, force: true })
    expect((await get('/_ping')).status).toBe(200)
  })

  it('names that are the beginning of several containers are 400', async () => {
    const ids = await Promise.all(Array.from({ length: 17 }, () => docker('create', image).then(({ stdout }) => stdout.trim())))
    const counts = new Map<string, number>()
    for (const id of ids) counts.set(id.slice(0, 1), (counts.get(id.slice(0, 1)) ?? 0) + 1)
    const [shared] = [...counts].find(([, count]) => count > 1) ?? []
    const { status, body } = await get(`/containers/${shared}/json`)
    expect([status, body]).toEqual([400, expect.stringContaining('multiple IDs found with provided prefix')])
    await docker('rm', '-f', ...ids)
  })

  it.each([
    '/containers/..%2f..%2fetc/json',
    '/containers/%00/json',
    '/containers/%zz/json',
    '//',
    '/v1.41/../../etc/passwd',
    `/containers/${'a'.repeat(5000)}/json`
  ])('%s is a 4xx', async path => {
    const { status } = await get(path)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
  })

  it('clients that vanish leave nothing behind', async () => {
    const { stdout } = await docker('run', '-d', '-i', image, 'sh', '-c', 'while :; do echo line; sleep 0.05; done')
    const id = stdout.trim()
    const before = await descriptors()
    const upgrade = 'Connection: Upgrade\r\nUpgrade: tcp\r\n'
    for (let round = 0; round < 10; round++) {
      const sockets = await Promise.all([
        connect('GET /events HTTP/1.1\r\nHost: d\r\n\r\n'),
        connect(`GET /containers/${id}/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: d\r\n\r\n`),
        connect(`GET /containers/${id}/stats HTTP/1.1\r\nHost: d\r\n\r\n`),
        connect(`POST /containers/${id}/wait HTTP/1.1\r\nHost: d\r\n\r\n`),
        connect(`POST /containers/${id}/attach?stream=1&stdout=1&stdin=1 HTTP/1.1\r\nHost: d\r\n${upgrade}\r\n`),
        connect(`POST /containers/${id}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\n\r\n`),
        connect(`POST /images/create?fromImage=${image} HTTP/1.1\r\nHost: d\r\n\r\n`),
        connect('POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 500\r\n\r\n{"Ima')
      ])
      await sleep(30)
      for (const socket of sockets) socket.destroy()
    }
    await expect.poll(descriptors, { timeout: 10_000 }).toBeLessThanOrEqual(before + 5)
    await docker('rm', '-f', id)
  })

  it(`${idleConnections} idle connections are borne`, async () => {
    const sockets: Socket[] = []
    for (let count = 0; count < idleConnections; count += 50) {
      sockets.push(...(await Promise.all(Array.from({ length: 50 }, () => connect('GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n')))))
    }
    expect((await get('/_ping')).status).toBe(200)
    const kibibytes = Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${daemon.pid}/status`, 'utf8'))?.[1])
    expect(kibibytes).toBeLessThan(512 * 1024)
    for (const socket of sockets) socket.destroy()
    expect((await get('/_ping')).status).toBe(200)
  })

  it('is told what is wrong with its settings', async () => {
    const other = await mkdtemp(join(tmpdir(), 'gantry-daemon-'))
    try {
      const config = join(other, 'daemon.json')
      await writeFile(config, '{"no-such-key":1}')
      await expect(startGantryDaemon({ folder: other, arguments: ['--config-file', config] })).rejects.toThrow(/no-such-key/)
      await expect(startGantryDaemon({ folder: other, arguments: ['-H', 'fd://'] })).rejects.toThrow(/fd:\/\//)
      await expect(startGantryDaemon({ folder: other, arguments: ['-H', 'tcp://127.0.0.1:0'] })).rejects.toThrow(/--tlsverify/)
    } finally {
      await rm(other, { recursive: true, force: true })
    }
  })

  it('on TCP takes clients with a certificate of its authority, and no others', async () => {
    const other = await mkdtemp(join(tmpdir(), 'gantry-daemon-'))
    await makeCertificates(other)
    const tls = [
      '--tlsverify',
      '--tlscacert',
      join(other, 'ca.pem'),
      '--tlscert',
      join(other, 'server.pem'),
      '--tlskey',
      join(other, 'server.key')
    ]
    const secure = await startGantryDaemon({ folder: other, arguments: ['-H', 'tcp://127.0.0.1:0', ...tls] })
    try {
      const address = /tcp:\/\/\S+/.exec(await secure.output())?.[0] ?? ''
      const read = (name: string) => readFile(join(other, name), 'utf8')
      const ca = await read('ca.pem')
      await using engine = await createEngine({ host: address, tls: { ca, cert: await read('client.pem'), key: await read('client.key') } })
      expect((await engine.info()).os).toBe('linux')
      await expect(createEngine({ host: address, tls: { ca } })).rejects.toThrow()
    } finally {
      await secure.stop()
      await rm(other, { recursive: true, force: true })
    }
  })

  it('serves others and its own process at once', async () => {
    const other = await mkdtemp(join(tmpdir(), 'gantry-daemon-'))
    try {
      await using engine = await createEngine({ transport: 'in-process', root: join(other, 'root') })
      const listener = await engine.listen(`unix://${join(other, 's')}`)
      await engine.image(image).pull()
      await using container = await engine.image(image).cmd('sleep', '100').start({ name: 'both-doors' })
      await using remote = await createEngine({ host: listener.address })
      expect((await remote.container('both-doors')).id).toBe(container.id)
      await expect(remote.listen('unix:///tmp/x')).rejects.toMatchObject({ code: 'not_supported' })
    } finally {
      await rm(other, { recursive: true, force: true })
    }
  })
})

/** An authority, a server for 127.0.0.1, a client. */
async function makeCertificates(folder: string): Promise<void> {
  const openssl = (...argv: readonly string[]) => execute('openssl', argv, { cwd: folder })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=ca', '-days', '2')
  await writeFile(join(folder, 'server.ext'), 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n')
  await writeFile(join(folder, 'client.ext'), 'extendedKeyUsage=clientAuth\n')
  for (const name of ['server', 'client']) {
    await openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    await openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
      '-out',
      `${name}.pem`,
      '-extfile',
      `${name}.ext`
    )
  }
}
