// Needs: root on Linux and the lab's registry (test/lab).
import { type ChildProcess, spawn } from 'node:child_process'
import { access, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createEngine, type Engine, type EngineEvent, type EngineOptions } from 'gantry'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { collect, eventually } from '../conformance/kit/streams.js'
import { type Decide, type FaultyRegistry, startFaultyRegistry } from '../lab/faulty-registry.js'
import { type Image, makeImage } from '../lab/images/image.js'
import { type Layer, makeLayer } from '../lab/images/layer.js'
import { push } from '../lab/images/push.js'

const lab = inject('lab')
const runsHere = process.platform === 'linux' && process.getuid?.() === 0 && lab.registry !== undefined
const upstream = lab.registry?.address ?? ''

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-pull-'))
})
// A sync that a snapshot started may still write its mark.
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))

const options = (): EngineOptions => ({ transport: 'in-process', root: join(folder, 'root') })

let published = 0

/** An image of layers that nobody else has, in the lab's registry. The repository's name is unique, so is each layer. */
async function publishLayers(count: number, base: readonly Layer[] = []): Promise<{ readonly repository: string; readonly image: Image }> {
  const repository = `pull-${process.pid}-${published++}`
  const own = Array.from({ length: count }, (_, at) =>
    makeLayer([{ kind: 'file', path: `layer-${at}`, content: `${repository} ${at} `.repeat(20_000) }])
  )
  const image = makeImage([...base, ...(await Promise.all(own))], { settings: { Cmd: ['x'] } })
  await push(upstream, `${repository}:latest`, image)
  return { repository, image }
}

/** How often each of some blobs was asked for, the layers unless said. */
function downloads(
  registry: FaultyRegistry,
  image: Image,
  blobs: readonly { readonly digest: string }[] = image.layers
): readonly number[] {
  return blobs.map(({ digest }) => registry.requests.filter(request => request.startsWith('GET') && request.endsWith(digest)).length)
}

/** Files of blobs and layers. */
async function contentFiles(): Promise<string[]> {
  const found: string[] = []
  for (const part of ['content', 'snapshots']) {
    const root = join(folder, 'root', part)
    const entries = await readdir(root, { recursive: true, withFileTypes: true })
    const files = entries.filter(entry => entry.isFile()).map(entry => relative(root, join(entry.parentPath, entry.name)))
    // What stands under tmp was moved aside and is being deleted: nobody sees it any more.
    found.push(...files.filter(path => !path.startsWith('tmp/')))
  }
  return found
}

async function blobIsThere(digest: string): Promise<boolean> {
  return access(join(folder, 'root/content/blobs', digest.replace(':', '/'))).then(
    () => true,
    () => false
  )
}

/** A process of its own that pulls and says each progress event on a line. */
class Puller {
  readonly child: ChildProcess
  readonly events: string[] = []
  readonly exited: Promise<number | null>

  constructor(reference: string) {
    const program = `
      import { createEngine } from 'gantry'
      const engine = await createEngine(${JSON.stringify(options())})
      const pull = engine.image(${JSON.stringify(reference)}).pull()
      for await (const event of pull) if (event.type === 'image.pull.progress') console.log(event.phase + ' ' + event.layer)
      console.log('image ' + (await pull).id)
      await engine.close()
    `
    this.child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit']
    })
    this.exited = new Promise(resolve => this.child.once('close', code => resolve(code)))
    if (this.child.stdout) createInterface({ input: this.child.stdout }).on('line', line => this.events.push(line))
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.exited
  }
}

async function phasesOf(engine: Engine, reference: string): Promise<readonly string[]> {
  const pull = engine.image(reference).pull()
  const events = await collect(pull)
  return events
    .filter((event): event is Extract<EngineEvent, { type: 'image.pull.progress' }> => event.type === 'image.pull.progress')
    .map(({ phase, layer }) => `${phase} ${layer}`)
}

const slowly =
  (digest: string | undefined): Decide =>
  ({ path }) =>
    digest !== undefined && path.endsWith(digest) ? { kind: 'trickle', pieces: 40, pauseMs: 100 } : undefined

describe.skipIf(!runsHere)("pulling from a real registry (needs root and the lab's registry)", () => {
  it.skipIf(lab.images.layers127 === undefined)('brings in 127 layers, and needs only the manifest the second time', async () => {
    await using registry = await startFaultyRegistry(upstream, () => undefined)
    await using engine = await createEngine(options())
    const reference = (lab.images.layers127 ?? '').replace(upstream, registry.address)
    const phases = await phasesOf(engine, reference)
    expect(phases.filter(phase => phase.startsWith('done'))).toHaveLength(127)
    const [image] = await collect(engine.images())
    expect(image?.digest).toBe(lab.digests.layers127)
    expect((await image?.inspect())?.layers).toHaveLength(127)
    const before = registry.requests.length
    const again = await phasesOf(engine, reference)
    expect(again.filter(phase => phase.startsWith('present'))).toHaveLength(127)
    expect(registry.requests.slice(before).filter(request => request.includes('/blobs/'))).toEqual([])
  })

  it.skipIf(lab.images.multi === undefined)('takes the platform of the host from an index, or the one asked for', async () => {
    await using engine = await createEngine(options())
    const ours = await engine.image(lab.images.multi ?? '').pull()
    const theirs = await engine
      .image(lab.images.multi ?? '')
      .platform(process.arch === 'arm64' ? 'linux/amd64' : 'linux/arm64')
      .pull()
    expect(theirs.id).not.toBe(ours.id)
    expect((await ours.inspect()).layers[0]).toBe((await theirs.inspect()).layers[0])
    await expect(
      engine
        .image(lab.images.multi ?? '')
        .platform('linux/s390x')
        .pull()
    ).rejects.toMatchObject({ code: 'not_found', message: expect.stringMatching(/linux\/s390x.*linux\/amd64, linux\/arm64/) })
  })

  it('removes everything an image brought, but not what another one needs', async () => {
    const { repository, image } = await publishLayers(2)
    const derived = await publishLayers(1, image.layers)
    await using engine = await createEngine(options())
    const one = await engine.image(`${upstream}/${repository}`).pull()
    const two = await engine.image(`${upstream}/${derived.repository}`).pull()
    await one.remove()
    for (const { digest } of derived.image.layers) expect(await blobIsThere(digest)).toBe(true)
    const again = await phasesOf(engine, `${upstream}/${repository}`)
    expect(again.every(phase => phase.startsWith('present'))).toBe(true)
    await engine.image(`${upstream}/${repository}`).pull()
    for await (const left of engine.images()) await left.remove()
    expect(two.id).not.toBe(one.id)
    expect(await contentFiles()).toEqual([])
  })
})

describe.skipIf(!runsHere)("several processes on one data root (needs root and the lab's registry)", () => {
  it('download each blob once, whoever pulls', async () => {
    const { repository, image } = await publishLayers(5)
    await using registry = await startFaultyRegistry(upstream, ({ kind }) =>
      kind === 'blob' ? { kind: 'trickle', pieces: 5, pauseMs: 100 } : undefined
    )
    const pullers = [1, 2, 3].map(() => new Puller(`${registry.address}/${repository}`))
    expect(await Promise.all(pullers.map(({ exited }) => exited))).toEqual([0, 0, 0])
    expect(downloads(registry, image, [image.config, ...image.layers])).toEqual([1, 1, 1, 1, 1, 1])
    expect(new Set(pullers.map(({ events }) => events.at(-1)))).toEqual(new Set([`image ${image.config.digest}`]))
  })

  it('a removal spares what a pull elsewhere is about to use', async () => {
    const { repository, image } = await publishLayers(2)
    const derived = await publishLayers(1, image.layers)
    await using registry = await startFaultyRegistry(upstream, slowly(derived.image.layers.at(-1)?.digest))
    await using engine = await createEngine(options())
    const base = await engine.image(`${registry.address}/${repository}`).pull()
    const puller = new Puller(`${registry.address}/${derived.repository}`)
    await eventually(async () => puller.events.some(event => event.startsWith('downloading')))
    await base.remove()
    expect(await puller.exited).toBe(0)
    expect(downloads(registry, image)).toEqual([1, 1])
    expect((await engine.image(`${registry.address}/${derived.repository}`).pull()).id).toBe(derived.image.config.digest)
  })
})

describe.skipIf(!runsHere)("a pull that is killed with SIGKILL (needs root and the lab's registry)", () => {
  it('keeps the layers that are complete for the next one, and nothing half-done', async () => {
    const { repository, image } = await publishLayers(4)
    const last = image.layers.at(-1)?.digest
    await using registry = await startFaultyRegistry(upstream, slowly(last))
    const puller = new Puller(`${registry.address}/${repository}`)
    const shortId = (digest = '') => digest.slice('sha256:'.length).slice(0, 12)
    const complete = image.layers.slice(0, 3).map(({ digest }) => `done ${shortId(digest)}`)
    await eventually(async () => [...complete, `downloading ${shortId(last)}`].every(line => puller.events.includes(line)))
    await puller.kill()

    await using engine = await createEngine(options())
    expect(await collect(engine.images())).toEqual([])
    expect(await readdir(join(folder, 'root/content/ingest'))).toEqual([])
    const phases = await phasesOf(engine, `${registry.address}/${repository}`)
    expect(phases.filter(phase => phase.startsWith('present'))).toHaveLength(3)
    expect(downloads(registry, image)).toEqual([1, 1, 1, 2])
    for await (const left of engine.images()) await left.remove()
    expect(await contentFiles()).toEqual([])
  })

  it('keeps blobs whose layers could not be committed yet', async () => {
    const { repository, image } = await publishLayers(3)
    const [bottom, ...upper] = image.layers
    await using registry = await startFaultyRegistry(upstream, slowly(bottom?.digest))
    const puller = new Puller(`${registry.address}/${repository}`)
    await eventually(async () => (await Promise.all(upper.map(({ digest }) => blobIsThere(digest)))).every(Boolean))
    await puller.kill()

    await using engine = await createEngine(options())
    const pulled = await engine.image(`${registry.address}/${repository}`).pull()
    expect(pulled.id).toBe(image.config.digest)
    expect(downloads(registry, image)).toEqual([2, 1, 1])
  })

  it('leaves nothing that a removal does not take', async () => {
    const { repository } = await publishLayers(2)
    const other = await publishLayers(1)
    await using registry = await startFaultyRegistry(upstream, ({ path }) =>
      path.includes(`${repository}/blobs`) ? { kind: 'trickle', pieces: 20, pauseMs: 100 } : undefined
    )
    const puller = new Puller(`${registry.address}/${repository}`)
    await eventually(async () => puller.events.some(event => event.startsWith('downloading')))
    await puller.kill()
    await using engine = await createEngine(options())
    const image = await engine.image(`${registry.address}/${other.repository}`).pull()
    await image.remove()
    expect(await contentFiles()).toEqual([])
  })
})
