// Needs: the lab's registry (test/lab) and skopeo; some root, podman, the lab's dockerd and openssl.
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { openSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createEngine } from 'gantry'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { digestAt, isOnPath, podmanIn, skopeo, withoutTls } from '../lab/peers.js'
import { run } from '../lab/programs.js'
import { freePort, startRegistry } from '../lab/registry.js'

const lab = inject('lab')
const command = join(dirname(createRequire(import.meta.url).resolve('gantry/package.json')), 'dist', 'cli.js')
const isRoot = process.getuid?.() === 0
const busybox = lab.images.busybox
const digest = lab.digests.busybox ?? ''

const hasSkopeo = busybox !== undefined && isOnPath('skopeo')

let folder: string
const started: RegistryProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-registry-'))
})
afterEach(async () => {
  await Promise.all(started.splice(0).map(registry => registry.end('SIGKILL')))
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
})

interface RegistryProcess {
  readonly address: string
  readonly output: () => Promise<string>
  /** @returns its exit code */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** `gantry registry`, as a process of its own. */
async function start(
  argv: readonly string[] = [],
  options: { readonly storage?: string; readonly inNamespace?: string } = {}
): Promise<RegistryProcess> {
  const log = join(folder, `${started.length}-${randomBytes(4).toString('hex')}.log`)
  const out = openSync(log, 'w')
  const prefix = options.inNamespace === undefined ? [] : ['nsenter', `--net=${options.inNamespace}`]
  const listen = argv.includes('--listen') ? [] : ['--listen', '127.0.0.1:0']
  const storage = options.storage ?? join(folder, 'storage')
  const [program = '', ...rest] = [...prefix, process.execPath, command, 'registry', ...listen, '--storage', storage, ...argv]
  const child = spawn(program, rest, { stdio: ['ignore', out, out] })
  const exit = new Promise<number | null>(resolve => child.once('exit', resolve))
  const output = (): Promise<string> => readFile(log, 'utf8')
  await expect.poll(async () => child.exitCode !== null || (await output()).includes(' on '), { timeout: 20_000, interval: 20 }).toBe(true)
  const address = / on (\S+) \(data in /.exec(await output())?.[1]
  const registry = {
    address: address ?? '',
    output,
    end: (signal: NodeJS.Signals) => {
      child.kill(signal)
      return exit
    }
  }
  started.push(registry)
  if (address === undefined) throw new Error(await output())
  return registry
}

describe('gantry registry', () => {
  it('starts without an engine, says where it is and what it keeps, and ends on SIGTERM', async () => {
    const registry = await start(['-D'])
    expect((await fetch(`http://${registry.address}/v2/`)).status).toBe(200)
    expect(await registry.end('SIGTERM')).toBe(0)
    const lines = (await registry.output()).trim().split('\n')
    expect(lines).toEqual([
      expect.stringMatching(/^Gantry \S+ serves a registry on 127\.0\.0\.1:\d+ \(data in .*storage\)$/),
      'GET /v2/ 200',
      'Gantry stops: SIGTERM'
    ])
  })

  it('refuses flags that cannot work, by name', async () => {
    const refusals: readonly (readonly [readonly string[], string])[] = [
      [['--listen', 'nowhere'], 'Expected host:port'],
      [['--tls-cert', 'x'], '--tls-cert and --tls-key belong together'],
      [['--anonymous-pull'], '--anonymous-pull has a meaning only with'],
      [['--proxy', 'registry.example'], '--proxy: "registry.example" is not written as'],
      [['--user', 'me'], 'Expected name:file'],
      [['--htpasswd', '/nowhere'], '--htpasswd: ENOENT']
    ]
    await Promise.all(refusals.map(([argv, message]) => expect(start(argv)).rejects.toThrow(message)))
  })

  it.skipIf(!hasSkopeo)(
    'is pushed to and pulled from by skopeo, digests unchanged, any layout (needs docker-registry, skopeo)',
    async () => {
      const { address } = await start()
      for (const name of ['busybox', 'multi'] as const) {
        const source = lab.images[name] ?? ''
        await skopeo('copy', '-q', '--all', ...withoutTls, `docker://${source}`, `docker://${address}/by-skopeo/${name}:1`)
        expect(await digestAt(`${address}/by-skopeo/${name}:1`, '--tls-verify=false')).toBe(await digestAt(source, '--tls-verify=false'))
      }
      await skopeo('copy', '-q', ...withoutTls, `docker://${address}/by-skopeo/busybox:1`, `oci:${join(folder, 'oci')}:1`)
      await skopeo('copy', '-q', '--dest-tls-verify=false', `oci:${join(folder, 'oci')}:1`, `docker://${address}/oci:1`)
      await skopeo('delete', '--tls-verify=false', `docker://${address}/oci:1`)
      await expect(digestAt(`${address}/oci:1`, '--tls-verify=false')).rejects.toThrow('manifest unknown')
      expect(JSON.parse(await skopeo('list-tags', '--tls-verify=false', `docker://${address}/by-skopeo/busybox`)).Tags).toEqual(['1'])
    }
  )

  it.skipIf(!hasSkopeo || !isRoot || !isOnPath('podman'))(
    'is pushed to and pulled from by podman (needs root, podman, skopeo)',
    async () => {
      const { address } = await start()
      const podman = podmanIn(folder)
      await skopeo('copy', '-q', ...withoutTls, `docker://${busybox}`, `docker://${address}/busybox:1`)
      const id = (await podman('pull', '-q', '--tls-verify=false', `${address}/busybox:1`)).trim()
      await podman('push', '-q', '--tls-verify=false', id, `${address}/by-podman:1`)
      const config = async (name: string) => (await manifestOf(address, name)).config.digest
      expect(await config('by-podman')).toBe(`sha256:${id}`)
      expect(await config('by-podman')).toBe(await config('busybox'))
      await podman('rmi', '-af')
    }
  )

  it.skipIf(!hasSkopeo || lab.dockerd === undefined)(
    'is pulled from and pushed to by docker and Gantry, which see the same digests (needs root, docker.io, skopeo)',
    async () => {
      // The lab's dockerd has a loopback of its own: the same storage is served there by a second process.
      const listen = ['--listen', `127.0.0.1:${await freePort()}`]
      const { address } = await start(listen)
      await start(listen, { inNamespace: lab.world?.dockerdNamespace ?? '' })
      const docker = (...argv: readonly string[]) => run(['docker', '-H', lab.dockerd?.host ?? '', ...argv])
      await docker('pull', '-q', busybox ?? '')
      const [name, retagged] = [`${address}/by-docker:1`, `${address}/retagged/by-docker:2`]
      await docker('tag', busybox ?? '', name)
      // docker 20.10 has converted it, so that the digest is not the source's.
      const pushed = /digest: (sha256:\w+)/.exec(await docker('push', name))?.[1] ?? ''
      expect(await digestAt(name, '--tls-verify=false')).toBe(pushed)
      // Its layers are there already: docker asks for a mount.
      await docker('tag', name, retagged)
      const again = await docker('push', retagged)
      expect(again).toContain('Mounted from by-docker')
      expect(again).toContain(`digest: ${pushed}`)
      await docker('rmi', name, retagged)
      expect(await docker('pull', retagged)).toContain(`Digest: ${pushed}`)
      await docker('rmi', retagged)

      await using engine = await createEngine({ transport: 'in-process', root: join(folder, 'root') })
      expect((await engine.image(name).pull()).digest).toBe(pushed)
      expect(await engine.image(name).run(['echo', 'from a registry of its own'], { remove: true }).text()).toContain(
        'from a registry of its own'
      )
    }
  )

  it('goes on with an upload where kill -9 of the registry cut it off', async () => {
    const content = randomBytes(8_000_000)
    const wanted = `sha256:${createHash('sha256').update(content).digest('hex')}`
    const first = await start()
    const begun = await fetch(`http://${first.address}/v2/a/blobs/uploads/`, { method: 'POST' })
    const place = begun.headers.get('location') ?? ''
    const sending = request(`http://${first.address}${place}`, { method: 'PATCH', headers: { 'content-length': content.length } })
    sending.on('error', () => {})
    sending.write(content.subarray(0, 5_000_000))
    const range = async (address: string) => (await fetch(`http://${address}${place}`)).headers.get('range')
    await expect.poll(() => range(first.address), { timeout: 10_000 }).not.toBe('0-0')
    await first.end('SIGKILL')

    const second = await start()
    const received = Number((await range(second.address))?.split('-')[1]) + 1
    expect(received).toBeGreaterThan(1_000_000)
    expect(received).toBeLessThanOrEqual(5_000_000)
    const rest = content.subarray(received)
    const piece = await fetch(`http://${second.address}${place}`, {
      method: 'PATCH',
      body: rest,
      headers: { 'content-range': `${received}-${content.length - 1}` }
    })
    expect([piece.status, piece.headers.get('range')]).toEqual([202, `0-${content.length - 1}`])
    expect((await fetch(`http://${second.address}${place}?digest=${wanted}`, { method: 'PUT' })).status).toBe(201)
    const got = Buffer.from(await (await fetch(`http://${second.address}/v2/a/blobs/${wanted}`)).arrayBuffer())
    expect(got.equals(content)).toBe(true)
    expect(await readdir(join(folder, 'storage', 'uploads'))).toEqual([])
  })

  it.skipIf(!isRoot)('says that its disk is full, and keeps nothing of what filled it (needs root)', async () => {
    const storage = join(folder, 'small')
    await mkdir(storage)
    await run(['mount', '-t', 'tmpfs', '-o', 'size=6m', 'none', storage])
    try {
      const { address } = await start([], { storage })
      const place = (await fetch(`http://${address}/v2/a/blobs/uploads/`, { method: 'POST' })).headers.get('location')
      const full = await fetch(`http://${address}${place}`, { method: 'PATCH', body: randomBytes(8_000_000) })
      expect([full.status, await full.text()]).toEqual([507, expect.stringContaining("there is no room on the registry's disk")])
      expect(await readdir(join(storage, 'uploads'))).toEqual([])
      const content = randomBytes(4_000_000)
      const wanted = `sha256:${createHash('sha256').update(content).digest('hex')}`
      expect((await fetch(`http://${address}/v2/a/blobs/uploads/?digest=${wanted}`, { method: 'POST', body: content })).status).toBe(201)
    } finally {
      await Promise.all(started.splice(0).map(registry => registry.end('SIGKILL')))
      await run(['umount', storage])
    }
  })

  it('collects garbage on demand, and says what', async () => {
    const { address } = await start()
    const wanted = `sha256:${createHash('sha256').update('orphan').digest('hex')}`
    await fetch(`http://${address}/v2/a/blobs/uploads/?digest=${wanted}`, { method: 'POST', body: 'orphan' })
    const collect = (age: string) => run([process.execPath, command, 'registry', '--storage', join(folder, 'storage'), '--gc', age])
    expect(await collect('1h')).toContain(': 0 blobs of 0 bytes, 0 uploads')
    await new Promise(resolve => setTimeout(resolve, 20))
    expect(await collect('1ms')).toContain(': 1 blobs of 6 bytes, 0 uploads')
    expect((await fetch(`http://${address}/v2/a/blobs/${wanted}`)).status).toBe(404)
  })
})

describe('gantry registry with users', () => {
  it.skipIf(!hasSkopeo || !isRoot)('lets in those who know a password, over TLS (needs openssl, skopeo, root)', async () => {
    const [certs, passwords] = [join(folder, 'certs'), join(folder, 'htpasswd')]
    await mkdir(certs)
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    const files = ['-keyout', join(certs, 'key.pem'), '-out', join(certs, 'ca.crt')]
    await run([
      'openssl',
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      ...subject,
      ...files
    ])
    await writeFile(passwords, 'ann:$2b$05$LCnUVHRTbdrhzsXkpo/vM.ytnvqW/8jtSrNBHa8dcyrPVNzKnaKaq\n')
    await writeFile(join(folder, 'bobs'), 'hunter2\n')
    const tls = ['--tls-cert', join(certs, 'ca.crt'), '--tls-key', join(certs, 'key.pem')]
    const registry = await start([...tls, '--htpasswd', passwords, '--user', `bob:${join(folder, 'bobs')}`, '--anonymous-pull', '-D'])
    const { address } = registry
    const target = `docker://${address}/busybox:1`
    const push = (...credentials: readonly string[]) =>
      skopeo('copy', '-q', '--src-tls-verify=false', '--dest-cert-dir', certs, ...credentials, `docker://${busybox}`, target)

    await expect(push()).rejects.toThrow(/unauthorized|authentication required/i)
    await expect(push('--dest-creds', 'ann:wrong')).rejects.toThrow(/unauthorized|invalid username|name or the password/i)
    await push('--dest-creds', 'ann:secret')
    await push('--dest-creds', 'bob:hunter2')
    expect(await digestAt(`${address}/busybox:1`, '--cert-dir', certs)).toBe(digest)
    expect(await digestAt(`${address}/busybox:1`, '--cert-dir', certs, '--creds', 'ann:secret')).toBe(digest)
    const log = await registry.output()
    for (const secret of ['secret', 'hunter2', 'wrong']) expect(log).not.toContain(secret)

    const registries = (auth: 'anonymous' | { username: string; password: string }) => ({ [address]: { auth, ca: join(certs, 'ca.crt') } })
    const ca = await readFile(join(certs, 'ca.crt'), 'utf8')
    for (const auth of ['anonymous', { username: 'bob', password: 'hunter2' }] as const) {
      await using engine = await createEngine({
        transport: 'in-process',
        root: join(folder, 'root'),
        registries: { [address]: { ...registries(auth)[address], ca } }
      })
      expect((await engine.image(`${address}/busybox:1`).pull()).digest).toBe(digest)
    }
  })

  it.skipIf(lab.dockerd === undefined)('is logged in to by docker (needs root, docker.io)', async () => {
    await writeFile(join(folder, 'password'), 'secret')
    await mkdir(join(folder, 'docker'))
    // With something in it, docker does not look for a helper that keeps passwords elsewhere.
    await writeFile(join(folder, 'docker', 'config.json'), JSON.stringify({ auths: { 'registry.example': { auth: 'YTpi' } } }))
    const inNamespace = lab.world?.dockerdNamespace ?? ''
    for (const anonymous of [[], ['--anonymous-pull']]) {
      const { address } = await start(['--user', `ann:${join(folder, 'password')}`, ...anonymous], { inNamespace })
      const docker = (...argv: readonly string[]) =>
        run(['docker', '--config', join(folder, 'docker'), '-H', lab.dockerd?.host ?? '', ...argv])
      await expect(docker('login', '-u', 'ann', '-p', 'wrong', address)).rejects.toThrow(/unauthorized/i)
      const name = `${address}/login:1`
      await docker('pull', '-q', busybox ?? '')
      await docker('tag', busybox ?? '', name)
      await expect(docker('push', name)).rejects.toThrow(/unauthorized|no basic auth|denied/)
      expect(await docker('login', '-u', 'ann', '-p', 'secret', address)).toContain('Login Succeeded')
      const pushed = /digest: (sha256:\w+)/.exec(await docker('push', name))?.[1]
      await docker('logout', address)
      await docker('rmi', name)
      if (anonymous.length > 0) expect(await docker('pull', name)).toContain(`Digest: ${pushed}`)
      else await expect(docker('pull', name)).rejects.toThrow(/no basic auth/)
      await docker('rmi', name).catch(() => {})
    }
  })
})

describe('a cache of another registry', () => {
  it.skipIf(!hasSkopeo || !isOnPath('docker-registry'))(
    'gives what it has when the other one is gone (needs docker-registry, skopeo)',
    async () => {
      const upstream = await startRegistry('docker-registry', folder)
      for (const name of ['busybox', 'multi'] as const) {
        await skopeo('copy', '-q', '--all', ...withoutTls, `docker://${lab.images[name]}`, `docker://${upstream.address}/${name}:1`)
      }
      const cache = await start(['--proxy', `http://${upstream.address}`, '-D'])
      const pull = (name: string, target: string) =>
        skopeo('copy', '-q', '--all', '--src-tls-verify=false', `docker://${cache.address}/${name}`, `oci:${join(folder, target)}`)
      try {
        await Promise.all([pull('busybox:1', 'one'), pull('busybox:1', 'two'), pull('multi:1', 'three')])
        await expect(pull('nothing:1', 'four')).rejects.toThrow(/unknown/)
        await expect(skopeo('copy', '-q', ...withoutTls, `docker://${busybox}`, `docker://${cache.address}/pushed:1`)).rejects.toThrow(
          'this registry is a cache of another one'
        )
        // A tag that is moved there is moved here.
        await skopeo('copy', '-q', '--all', ...withoutTls, `docker://${upstream.address}/multi:1`, `docker://${upstream.address}/busybox:1`)
        expect(await digestAt(`${cache.address}/busybox:1`, '--tls-verify=false')).toBe(lab.digests.multi)
        await pull('busybox:1', 'moved')
      } finally {
        await upstream.program.stop()
      }
      await pull('busybox:1', 'five')
      await pull('multi:1', 'six')
      await pull(`busybox@${digest}`, 'seven')
      expect(await digestAt(`${cache.address}/multi:1`, '--tls-verify=false')).toBe(lab.digests.multi)
      await expect(pull('unseen:1', 'eight')).rejects.toThrow(/503|Service Unavailable|cannot pull/)
    }
  )

  it.skipIf(busybox === undefined)('fetches a blob once, however many want it at once (needs docker-registry)', async () => {
    const cache = await start(['--proxy', `http://${lab.registry?.address}`])
    const { layers } = await manifestOf(cache.address, 'busybox', 'latest')
    const blob = layers[0]?.digest ?? ''
    const get = async () => Buffer.from(await (await fetch(`http://${cache.address}/v2/busybox/blobs/${blob}`)).arrayBuffer())
    const bodies = await Promise.all(Array.from({ length: 20 }, get))
    for (const body of bodies) expect(`sha256:${createHash('sha256').update(body).digest('hex')}`).toBe(blob)
    expect(await readdir(join(folder, 'storage', 'uploads'))).toEqual([])
    const part = await fetch(`http://${cache.address}/v2/busybox/blobs/${blob}`, { headers: { range: 'bytes=10-19' } })
    expect([part.status, Buffer.from(await part.arrayBuffer())]).toEqual([206, bodies[0]?.subarray(10, 20)])
  })
})

describe('engine.registry()', () => {
  it.skipIf(!hasSkopeo || !isRoot)('stores once what the engine has already (needs root, docker-registry, skopeo)', async () => {
    await using engine = await createEngine({ transport: 'in-process', root: join(folder, 'root') })
    await engine.image(busybox ?? '').pull()
    await using registry = await engine.registry()
    await skopeo('copy', '-q', ...withoutTls, `docker://${busybox}`, `docker://${registry.address}/same:1`)
    const { layers, config } = await manifestOf(registry.address, 'same', '1')
    const place = (store: string, blob: string) => stat(join(folder, 'root', store, 'blobs', blob.replace(':', '/')))
    for (const blob of [...layers, config]) {
      const [ours, theirs] = await Promise.all([place('content', blob.digest), place('registry', blob.digest)])
      expect(theirs.ino).toBe(ours.ino)
    }
    // Whoever removes the image leaves the registry's alone.
    await (await engine.image(busybox ?? '').pull()).remove({ force: true })
    await skopeo('copy', '-q', '--src-tls-verify=false', `docker://${registry.address}/same:1`, `oci:${join(folder, 'oci')}`)
  })
})

interface Manifest {
  readonly config: { readonly digest: string }
  readonly layers: readonly { readonly digest: string }[]
}

async function manifestOf(address: string, name: string, tag = '1'): Promise<Manifest> {
  return (await (await fetch(`http://${address}/v2/${name}/manifests/${tag}`)).json()) as Manifest
}
