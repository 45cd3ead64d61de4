// Needs: root on Linux, the lab's registry program, the docker command; pass, gpg and docker-credential-pass; openssl for TLS.
import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createEngine, type Engine, type EngineOptions } from 'gantry'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { hasOpenssl, makeAuthority } from '../lab/certificates.js'
import { type GantryDaemon, startGantryDaemon } from '../lab/gantry-daemon.js'
import { type Image, makeImage } from '../lab/images/image.js'
import { makeLayer } from '../lab/images/layer.js'
import { push } from '../lab/images/push.js'
import { type FoundParts, findParts } from '../lab/parts.js'
import type { RunningProgram } from '../lab/programs.js'
import { type LabRegistry, type RegistrySecurity, serveInNamespace, startRegistry } from '../lab/registry.js'

const lab = inject('lab')
const runsHere = process.platform === 'linux' && process.getuid?.() === 0 && lab.registry !== undefined
const password = 'hunter2'
/** bcrypt of {@link password}. */
const htpasswd = 'me:$2y$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.\n'
const command = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

let folder: string
let parts: FoundParts
let image: Image
let daemon: GantryDaemon
const started: RunningProgram[] = []

/** A registry with users and one image in it. */
async function startWithUsers(name: string, security: RegistrySecurity = {}): Promise<LabRegistry> {
  const place = join(folder, name)
  await mkdir(place)
  const users = join(place, 'users')
  await writeFile(users, htpasswd)
  const binary = parts.paths.get('registry') ?? ''
  // Filled while it asks nobody: the lab's own push has no credentials.
  const open = await startRegistry(binary, place)
  await push(open.address, 'app', image)
  await open.program.stop()
  const registry = await startRegistry(binary, place, { htpasswd: users, ...security })
  started.push(registry.program)
  return registry
}

interface Outcome {
  readonly code: number | null
  readonly output: string
}

function execute(argv: readonly string[], { input = '', env = {} }: { readonly input?: string; readonly env?: NodeJS.ProcessEnv } = {}) {
  return new Promise<Outcome>((resolve, reject) => {
    const [program = '', ...others] = argv
    const child = spawn(program, others, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.once('error', reject)
    child.once('close', code => resolve({ code, output }))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

const gantry = (argv: readonly string[], input?: string) =>
  execute([process.execPath, command, ...argv], input === undefined ? {} : { input })
const docker = (argv: readonly string[], input?: string) =>
  execute(['docker', '-H', daemon.host, ...argv], input === undefined ? {} : { input })

const config = async (): Promise<{ auths?: Record<string, object>; credsStore?: string; more?: unknown }> =>
  JSON.parse(await readFile(join(process.env.DOCKER_CONFIG ?? '', 'config.json'), 'utf8'))

async function withEngine<T>(options: EngineOptions, work: (engine: Engine) => Promise<T>): Promise<T> {
  await using engine = await createEngine(options)
  return await work(engine)
}

const here = (more: EngineOptions = {}): EngineOptions => ({ transport: 'in-process', root: join(folder, 'root'), ...more })

async function pullsWith(options: EngineOptions, reference: string): Promise<string> {
  return withEngine(options, async engine => {
    const pulled = await engine.image(reference).pull()
    const { id } = pulled
    await pulled.remove()
    return id
  })
}

/** Everything that an error says, causes included. */
function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return `${error.stack} ${JSON.stringify(error)} ${said(error.cause)}`
}

const { DOCKER_CONFIG: before } = process.env

describe.skipIf(!runsHere)("credentials (needs root and the lab's registry)", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-credentials-'))
    parts = await findParts(['registry', 'docker-credential-pass', 'pass', 'gpg'])
    image = makeImage([await makeLayer([{ kind: 'file', path: 'a', content: 'credentials '.repeat(2000) }])], { settings: { Cmd: ['x'] } })
    daemon = await startGantryDaemon({ folder, arguments: ['--debug'] })
  })
  beforeEach(async () => {
    process.env.DOCKER_CONFIG = await mkdtemp(join(folder, 'docker-'))
    // Docker looks for a keychain where there is nothing in the file.
    await writeFile(
      join(process.env.DOCKER_CONFIG, 'config.json'),
      JSON.stringify({ auths: {}, credHelpers: { 'none.test': 'none' }, more: 1 })
    )
  })
  afterEach(() => {
    if (before === undefined) delete process.env.DOCKER_CONFIG
    else process.env.DOCKER_CONFIG = before
  })
  afterAll(async () => {
    for (const program of started) await program.stop()
    await daemon?.stop({ complains: true })
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  describe('of a registry with users', () => {
    let address: string
    let reference: string
    beforeAll(async () => {
      const registry = await startWithUsers('users')
      address = registry.address
      reference = `${address}/app:latest`
      const namespace = lab.world?.dockerdNamespace
      if (namespace !== undefined) {
        const security = { htpasswd: join(folder, 'users', 'users') }
        started.push(await serveInNamespace(parts.paths.get('registry') ?? '', join(folder, 'users'), registry, namespace, security))
      }
    })

    it('gantry login is one for docker, and for pulls on every transport', async () => {
      expect(await gantry(['login', '-u', 'me', '--password-stdin', address], `${password}\n`)).toMatchObject({
        code: 0,
        output: expect.stringContaining('Login Succeeded')
      })
      expect(await config()).toMatchObject({ auths: { [address]: { auth: expect.any(String) } }, more: 1 })
      expect(await docker(['pull', '-q', reference])).toMatchObject({ code: 0 })
      expect(await docker(['rmi', reference])).toMatchObject({ code: 0 })
      expect(await pullsWith(here(), reference)).toBe(image.config.digest)
      expect(await pullsWith({ host: daemon.host }, reference)).toBe(image.config.digest)
      if (lab.dockerd !== undefined) expect(await pullsWith({ host: lab.dockerd.host }, reference)).toBe(image.config.digest)
      // What is known works already.
      expect(await gantry(['login', address])).toMatchObject({
        code: 0,
        output: expect.stringMatching(/existing credentials[\s\S]*Succeeded/)
      })

      expect(await gantry(['logout', address])).toEqual({ code: 0, output: `Removing login credentials for ${address}\n` })
      expect(await config()).toEqual({ auths: {}, credHelpers: { 'none.test': 'none' }, more: 1 })
      expect(await docker(['pull', reference])).toMatchObject({ code: 1 })
      await expect(pullsWith(here(), reference)).rejects.toMatchObject({ code: 'unauthenticated' })
      expect(await gantry(['logout', address])).toEqual({ code: 0, output: `Not logged in to ${address}\n` })
    })

    it('docker login is one for gantry', async () => {
      expect(await docker(['login', '-u', 'me', '--password-stdin', address], password)).toMatchObject({ code: 0 })
      expect(await pullsWith(here(), reference)).toBe(image.config.digest)
      // Not where it is not wanted.
      await withEngine(here(), async engine => {
        await expect(engine.image(reference).pull({ auth: 'anonymous' })).rejects.toMatchObject({ code: 'unauthenticated' })
      })
      const registries = { [address]: { auth: 'anonymous' as const } }
      await expect(pullsWith(here({ registries }), reference)).rejects.toMatchObject({ code: 'unauthenticated' })
      expect(await docker(['logout', address])).toMatchObject({ code: 0 })
      await expect(pullsWith(here(), reference)).rejects.toMatchObject({ code: 'unauthenticated' })
    })

    it('given to the engine or the call need no file', async () => {
      const auth = { username: 'me', password }
      expect(await pullsWith(here({ registries: { [address]: { auth } } }), reference)).toBe(image.config.digest)
      await withEngine(here({ registries: { [address]: { auth: { username: 'me', password: 'x' } } } }), async engine => {
        expect((await engine.image(reference).pull({ auth })).id).toBe(image.config.digest)
        await (await engine.image(reference).pull({ auth })).remove()
        await expect(engine.image(reference).pull({ auth: 'anonymous' })).rejects.toMatchObject({ code: 'unauthenticated' })
      })
    })

    it('that are wrong are in no message, no event and no log', async () => {
      const wrong = 'wr0ng-secret'
      const forms = [wrong, Buffer.from(`me:${wrong}`).toString('base64'), Buffer.from(`me:${wrong}`).toString('base64url')]
      const heard: unknown[] = []
      const outcomes = [
        await gantry(['login', '-u', 'me', '--password-stdin', address], wrong),
        await docker(['login', '-u', 'me', '--password-stdin', address], wrong)
      ]
      expect(outcomes.map(({ code }) => code)).toEqual([1, 1])
      expect(await config()).toMatchObject({ auths: {} })
      for (const options of [here(), { host: daemon.host }]) {
        await withEngine(options, async engine => {
          engine.on('image.pull.progress', event => heard.push(event))
          const pull = engine.image(reference).pull({ auth: { username: 'me', password: wrong } })
          const error = await (async () => {
            for await (const event of pull) heard.push(event)
          })().catch((thrown: unknown) => thrown)
          expect(error).toMatchObject({ code: 'unauthenticated' })
          heard.push(said(error), said(await pull.then(undefined, (thrown: unknown) => thrown)))
        })
      }
      const everything = JSON.stringify([outcomes, heard]) + (await daemon.output())
      expect(everything).toContain('POST')
      for (const form of forms) expect(everything).not.toContain(form)
    })

    it('are kept by pass, which all read: a login of either is one for both', async context => {
      const missing = ['docker-credential-pass', 'pass', 'gpg'].filter(name => !parts.paths.has(name as 'pass'))
      if (missing.length > 0) return context.skip(`needs ${missing.join(', ')}`)
      const home = await mkdtemp(join(folder, 'gpg-'))
      await chmod(home, 0o700)
      const env = { GNUPGHOME: home, PASSWORD_STORE_DIR: join(home, 'store') }
      const saved = { GNUPGHOME: process.env.GNUPGHOME, PASSWORD_STORE_DIR: process.env.PASSWORD_STORE_DIR }
      Object.assign(process.env, env)
      try {
        const key = ['--batch', '--passphrase', '', '--quick-generate-key', 'gantry test', 'future-default', 'default', 'never']
        expect(await execute(['gpg', ...key])).toMatchObject({ code: 0 })
        expect(await execute(['pass', 'init', 'gantry test'])).toMatchObject({ code: 0 })
        await writeFile(join(process.env.DOCKER_CONFIG ?? '', 'config.json'), JSON.stringify({ credsStore: 'pass' }))
        await expect(pullsWith(here(), reference)).rejects.toMatchObject({ code: 'unauthenticated' })
        expect(await gantry(['login', '-u', 'me', '--password-stdin', address], password)).toEqual({ code: 0, output: 'Login Succeeded\n' })
        expect(await config()).toEqual({ credsStore: 'pass', auths: { [address]: {} } })
        expect(await execute(['docker-credential-pass', 'list'])).toMatchObject({ output: expect.stringContaining(`"${address}":"me"`) })
        expect(await docker(['pull', '-q', reference])).toMatchObject({ code: 0 })
        expect(await docker(['rmi', reference])).toMatchObject({ code: 0 })
        expect(await pullsWith(here(), reference)).toBe(image.config.digest)
        expect(await docker(['logout', address])).toMatchObject({ code: 0 })
        await expect(pullsWith(here(), reference)).rejects.toMatchObject({ code: 'unauthenticated' })
        expect(await docker(['login', '-u', 'me', '--password-stdin', address], password)).toMatchObject({ code: 0 })
        expect(await pullsWith(here(), reference)).toBe(image.config.digest)
        expect(await gantry(['logout', address])).toMatchObject({ code: 0 })
        expect(await execute(['docker-credential-pass', 'list'])).toMatchObject({ output: expect.not.stringContaining(address) })
      } finally {
        await execute(['gpgconf', '--kill', 'all'])
        for (const [name, value] of Object.entries(saved)) {
          if (value === undefined) delete process.env[name]
          else process.env[name] = value
        }
      }
    })

    it('a helper that does not work leaves the pull without, and the refusal says so', async () => {
      await writeFile(join(process.env.DOCKER_CONFIG ?? '', 'config.json'), JSON.stringify({ credsStore: 'gantry-nothing' }))
      await expect(pullsWith(here(), reference)).rejects.toMatchObject({
        code: 'unauthenticated',
        message: expect.stringContaining('docker-credential-gantry-nothing is not on the PATH')
      })
      await withEngine(here(), async engine => {
        await expect(engine.image(reference).pull({ auth: 'docker-config' })).rejects.toMatchObject({ code: 'not_found' })
      })
    })
  })

  it.skipIf(!hasOpenssl())('of a registry with TLS that wants a client certificate (needs openssl)', async () => {
    const certificates = await mkdtemp(join(folder, 'tls-'))
    const authority = makeAuthority(certificates)
    authority.issue('server', ['IP:127.0.0.1'])
    const { cert, key } = authority.issue('client', [])
    const file = (name: string): string => join(certificates, name)
    const tls = { certificate: file('server.pem'), key: file('server-key.pem'), clientAuthority: file('ca.pem') }
    const { address } = await startWithUsers('tls', { tls })
    const reference = `${address}/app`
    const auth = { username: 'me', password }
    const ca = authority.cert
    expect(await pullsWith(here({ registries: { [address]: { ca, cert, key, auth } } }), reference)).toBe(image.config.digest)
    await expect(pullsWith(here({ registries: { [address]: { ca, auth } } }), reference)).rejects.toMatchObject({ code: 'unavailable' })
    // As dockerd: an address of this machine is reached without a check.
    await expect(gantry(['login', '-u', 'me', '--password-stdin', `https://${address}/v2/`], password)).resolves.toMatchObject({ code: 1 })
  })
})
