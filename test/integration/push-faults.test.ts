// Needs: root on Linux and the lab's registry program; for its part the lab's dockerd.
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { createEngine, type Engine, type EngineOptions, type Image } from 'gantry'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type GantryDaemon, startGantryDaemon } from '../lab/gantry-daemon.js'
import { type Image as LabImage, makeImage } from '../lab/images/image.js'
import { digestOf } from '../lab/images/layer.js'
import { push as put } from '../lab/images/push.js'
import { findParts } from '../lab/parts.js'
import type { RunningProgram } from '../lab/programs.js'
import { type LabRegistry, serveInNamespace, startRegistry } from '../lab/registry.js'
import { rawArchive } from '../unit/runtime/layers/tar-builder.js'

const lab = inject('lab')
const runsHere = process.platform === 'linux' && process.getuid?.() === 0 && lab.registry !== undefined
const ourNamespace = '/proc/self/ns/net'
const password = 'hunter2'
/** bcrypt of {@link password}. */
const htpasswd = 'me:$2y$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.\n'
/** Long enough to be in the middle of. */
const layerBytes = 64 * 1024 * 1024

let folder: string
let binary: string
let daemon: GantryDaemon
let large: LabImage
const started: RunningProgram[] = []

type Kind = 'in-process' | 'daemon'

const rootOf = (kind: Kind): string => (kind === 'daemon' ? daemon.root : join(folder, 'in-process'))
const optionsOf = (kind: Kind): EngineOptions =>
  kind === 'daemon' ? { host: daemon.host } : { transport: 'in-process', root: rootOf('in-process') }

describe.skipIf(!runsHere)("a push that fails (needs root and the lab's registry)", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-push-'))
    binary = (await findParts(['registry'])).paths.get('registry') ?? ''
    daemon = await startGantryDaemon({ folder })
    const archive = rawArchive({ name: 'large', data: randomBytes(layerBytes) })
    const blob = gzipSync(archive, { level: 0 })
    large = makeImage([{ blob, digest: digestOf(blob), diffId: digestOf(archive) }])
    await put(lab.registry?.address ?? '', 'push-faults:1', large)
  })
  afterAll(async () => {
    for (const program of started) await program.stop()
    await daemon?.stop()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  it('is unauthenticated without a login, on every transport; with one of any kind it goes through', async () => {
    const registry = await startWithUsers()
    const auth = { username: 'me', password }
    const wrong = { username: 'me', password: 'wr0ng-secret' }
    const { DOCKER_CONFIG: before } = process.env
    process.env.DOCKER_CONFIG = join(folder, 'docker')
    await mkdir(process.env.DOCKER_CONFIG)
    const login = (auths: object) => writeFile(join(folder, 'docker', 'config.json'), JSON.stringify({ auths }))
    try {
      const others = lab.dockerd === undefined ? [] : [{ host: lab.dockerd.host }]
      for (const [index, options] of [optionsOf('in-process'), optionsOf('daemon'), ...others].entries()) {
        const to = `${registry.address}/app-${index}:1`
        await login({})
        await using engine = await createEngine(options)
        const image = await engine.image(lab.images.busybox ?? '').pull()
        await expect(image.push({ to })).rejects.toMatchObject({ code: 'unauthenticated' })
        const refused = image.push({ to, auth: wrong })
        await expect(refused).rejects.toMatchObject({ code: 'unauthenticated' })
        await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining(wrong.password) })
        const { digest } = await image.push({ to, auth })
        await login({ [registry.address]: { auth: Buffer.from(`me:${password}`).toString('base64') } })
        expect((await engine.image(to).push()).digest).toBe(digest)
        await expect(engine.image(to).push({ auth: 'anonymous' })).rejects.toMatchObject({ code: 'unauthenticated' })
        await login({})
        await using given = await createEngine({ ...options, registries: { [registry.address]: { auth } } })
        expect((await given.image(to).push()).digest).toBe(digest)
      }
    } finally {
      if (before === undefined) delete process.env.DOCKER_CONFIG
      else process.env.DOCKER_CONFIG = before
    }
  })

  it.each(['in-process', 'daemon'] as const)(
    'because the registry is killed in the middle is unavailable, and can be made again: %s',
    async kind => {
      const place = join(folder, `killed-${kind}`)
      await mkdir(place)
      const registry = await startRegistry(binary, place)
      started.push(registry.program)
      await withImage(kind, async ({ image }) => {
        const to = `${registry.address}/killed:1`
        const push = image.push({ to })
        await untilUploading(join(registry.storage, 'docker/registry/v2/repositories/killed/_uploads'))
        process.kill(registry.program.pid, 'SIGKILL')
        await expect(push).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining(registry.address) })
        started.push(await serveInNamespace(binary, place, registry, ourNamespace))
        await expect.poll(() => statusOf(registry, 'killed')).toBe(404)
        expect((await image.push({ to })).digest).toBe(large.manifest.digest)
        expect(await statusOf(registry, 'killed')).toBe(200)
      })
    }
  )

  it.each(['in-process', 'daemon'] as const)('because its signal is aborted leaves nothing, here and there: %s', async kind => {
    // Not docker-registry: 2.8 refuses to call off an upload that was cut, and keeps it.
    const storage = join(folder, `aborted-${kind}`)
    await using server = await createEngine({ transport: 'in-process', root: join(folder, 'server') })
    await using registry = await server.registry({ storage })
    const uploads = join(storage, 'uploads')
    await withImage(kind, async ({ engine, image }) => {
      const to = `${registry.address}/aborted:1`
      const abort = new AbortController()
      const reason = new Error('enough')
      const push = image.push({ to, signal: abort.signal })
      await untilUploading(uploads)
      abort.abort(reason)
      await expect(push).rejects.toBe(reason)
      await expect.poll(() => readdir(uploads), { timeout: 10_000 }).toEqual([])
      expect(await statusOf(registry, 'aborted')).toBe(404)
      for (const name of [to, image.id]) await (await engine.image(name).pull({ policy: 'never' })).remove({ force: true })
      // Nothing holds it any more.
      await expect.poll(() => readdir(join(rootOf(kind), 'content', 'blobs', 'sha256')), { timeout: 10_000 }).toEqual([])
    })
  })
})

/** A registry with one user, where the lab's dockerd reaches it as well. */
async function startWithUsers(): Promise<LabRegistry> {
  const place = join(folder, 'users')
  await mkdir(place)
  const users = join(place, 'htpasswd')
  await writeFile(users, htpasswd)
  const registry = await startRegistry(binary, place, { htpasswd: users })
  started.push(registry.program)
  const namespace = lab.world?.dockerdNamespace
  if (namespace !== undefined) started.push(await serveInNamespace(binary, place, registry, namespace, { htpasswd: users }))
  return registry
}

/** An engine that has the large image and no other. */
async function withImage(kind: Kind, work: (has: { readonly engine: Engine; readonly image: Image }) => Promise<void>): Promise<void> {
  await using engine = await createEngine(optionsOf(kind))
  for await (const other of engine.images())
    await engine
      .image(other.id)
      .pull({ policy: 'never' })
      .then(found => found.remove({ force: true }))
  const image = await engine.image(`${lab.registry?.address}/push-faults:1`).pull()
  await work({ engine, image })
}

/** Until some of the large layer has arrived in the folder of a registry's uploads. */
async function untilUploading(uploads: string): Promise<void> {
  for (let tries = 0; tries < 5_000; tries++) {
    for (const upload of await readdir(uploads).catch(() => [])) {
      const found = await stat(join(uploads, upload, 'data')).catch(() => undefined)
      if (found !== undefined && found.size > 1024 * 1024) return
    }
    await delay(2)
  }
  throw new Error(`nothing comes in at ${uploads}`)
}

async function statusOf({ address }: Pick<LabRegistry, 'address'>, repository: string): Promise<number> {
  const accept = 'application/vnd.docker.distribution.manifest.v2+json'
  const answer = await fetch(`http://${address}/v2/${repository}/manifests/1`, { method: 'HEAD', headers: { accept } })
  return answer.status
}
