// Needs: root, the lab's registry and dockerd (test/lab); some skopeo, podman and zstd.
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine, type Engine } from 'gantry'
import { ImageGetAll, ImageInspect, ImageLoad } from 'gantry/api'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { entriesOf, newImage } from '../conformance/kit/archives.js'
import { collect, digestStream, eventually } from '../conformance/kit/streams.js'
import { type GantryDaemon, startGantryDaemon } from '../lab/gantry-daemon.js'
import { type Image, makeIndex } from '../lab/images/image.js'
import { push } from '../lab/images/push.js'
import { findParts } from '../lab/parts.js'
import { run } from '../lab/programs.js'

const lab = inject('lab')
const registry = lab.registry?.address ?? ''
const isReady = process.getuid?.() === 0 && lab.registry !== undefined && lab.dockerd !== undefined
const parts = isReady ? await findParts(['skopeo', 'podman']) : undefined
const hasSkopeo = parts?.paths.has('skopeo') === true
const hasPodman = parts?.paths.has('podman') === true
const hasZstd = (process.env.PATH ?? '').split(':').some(path => existsSync(join(path, 'zstd')))

let folder: string
let daemon: GantryDaemon
let engine: Engine

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-archives-'))
  if (!isReady) return
  daemon = await startGantryDaemon({ folder })
  engine = await createEngine({ host: daemon.host })
})
afterAll(async () => {
  await engine?.close()
  await daemon?.stop()
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
})

const docker = (...argv: readonly string[]) => run(['docker', '-H', lab.dockerd?.host ?? '', ...argv])
const gantry = (...argv: readonly string[]) => run(['docker', '-H', daemon.host, ...argv])
const skopeo = (...argv: readonly string[]) => run(['skopeo', ...argv])
/** With everything in the test's folder. */
const podman = (...argv: readonly string[]) =>
  run([
    ...['podman', '--root', join(folder, 'podman'), '--runroot', join(folder, 'podman-run'), '--tmpdir', join(folder, 'podman-tmp')],
    ...['--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs', '--events-backend', 'none', ...argv]
  ])

let published = 0

/** An image of three layers that nobody has seen, in the lab's registry: its reference, and what it is made of. */
async function publishNew(format: 'docker' | 'oci'): Promise<{ readonly reference: string; readonly image: Image }> {
  const name = `archived-${process.pid}-${published++}`
  const image = await newImage({
    layers: [
      [{ kind: 'folder', path: 'a', mode: 0o750, uid: 70_000 }],
      [{ kind: 'file', path: 'a/b', content: name }],
      [{ kind: 'symlink', path: 'a/c', to: 'b' }]
    ],
    settings: { Cmd: ['/a/b'], Env: ['A=1'], ExposedPorts: { '80/tcp': {} }, Volumes: { '/v': {} }, WorkingDir: '/a', User: '70000' },
    format
  })
  await push(registry, `${name}:1`, image)
  return { reference: `${registry}/${name}:1`, image }
}

interface Facts {
  readonly id: string
  readonly layers: readonly string[]
  readonly tags: readonly string[]
  readonly created: number
  readonly cmd: unknown
  readonly env: unknown
  readonly user: unknown
  readonly workingDir: unknown
  readonly labels: unknown
  readonly ports: unknown
  readonly volumes: unknown
}

interface Inspected {
  readonly Id: string
  readonly RepoTags: readonly string[] | null
  readonly Created: string
  readonly RootFS: { readonly Layers: readonly string[] }
  readonly Config: Readonly<Record<string, unknown>>
}

/** What `image inspect` of docker, podman and Gantry have in common. */
function factsOf({ Id, RepoTags, Created, RootFS, Config }: Inspected): Facts {
  return {
    id: Id.replace(/^sha256:/, ''),
    layers: RootFS.Layers,
    tags: [...(RepoTags ?? [])].sort(),
    created: Date.parse(Created),
    cmd: Config.Cmd,
    env: Config.Env,
    user: Config.User,
    workingDir: Config.WorkingDir,
    labels: Config.Labels,
    ports: Config.ExposedPorts,
    volumes: Config.Volumes
  }
}

/** The images that a program knows by these names. */
async function inspect(program: typeof docker, names: readonly string[]): Promise<readonly Facts[]> {
  const inspected: readonly Inspected[] = JSON.parse(await program('image', 'inspect', ...names)) // what these programs print
  return inspected.map(factsOf)
}

const sha256 = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')

describe.skipIf(!isReady)('archives of docker (needs root, docker.io, docker-registry)', () => {
  it('what docker saves is loaded as it was, several images at once, plain and compressed, from a pipe; and the other way round', async () => {
    const [one, two] = [await publishNew('docker'), await publishNew('docker')]
    const names = [one.reference, two.reference]
    for (const name of names) await docker('pull', '-q', name)
    const second = `second-${process.pid}:2`
    await docker('tag', one.reference, second)
    const archive = join(folder, 'docker.tar')
    await docker('save', '-o', archive, ...names, second)
    const theirs = await inspect(docker, names)
    for (const filter of ['cat', 'gzip -1', ...(hasZstd ? ['zstd -q -1'] : [])]) {
      await run(['sh', '-c', `${filter} < "$1" | docker -H "$2" load -q`, 'sh', archive, daemon.host])
      expect(await inspect(gantry, names)).toEqual(theirs)
      await gantry('rmi', '-f', ...theirs.map(({ id }) => id))
    }
    await run(['sh', '-c', 'docker -H "$1" save "$3" "$4" | docker -H "$2" load', 'sh', lab.dockerd?.host ?? '', daemon.host, ...names])
    await gantry('tag', one.reference, second)
    const ours = join(folder, 'gantry.tar')
    await gantry('save', '-o', ours, ...names, second)
    await docker('rmi', '-f', ...theirs.map(({ id }) => id))
    expect(
      (await docker('load', '-i', ours))
        .split('\n')
        .filter(line => line.startsWith('Loaded'))
        .sort()
    ).toEqual([...names, second].map(name => `Loaded image: ${name}`).sort())
    expect(await inspect(docker, names)).toEqual(theirs)
    await docker('rmi', '-f', ...theirs.map(({ id }) => id))
    await gantry('rmi', '-f', ...theirs.map(({ id }) => id))
  })

  it('an image that goes through docker and comes back has the same layers, files and configuration', async () => {
    const { reference, image } = await publishNew('oci')
    await engine.image(reference).pull()
    const there = join(folder, 'there.tar')
    const back = join(folder, 'back.tar')
    await gantry('save', '-o', there, reference)
    await gantry('rmi', reference)
    await docker('load', '-q', '-i', there)
    await docker('save', '-o', back, reference)
    await docker('rmi', reference)
    const [loaded] = await engine.load(back)
    expect(loaded?.id).toBe(image.config.digest)
    expect((await loaded?.inspect())?.layers).toEqual(image.layers.map(({ diffId }) => diffId))
    await loaded?.remove()
  })
})

describe.skipIf(!isReady || !hasSkopeo)('archives of skopeo (needs root, docker-registry, skopeo)', () => {
  const plain = ['--src-tls-verify=false', '--dest-tls-verify=false']

  it('both kinds are loaded: name, id, layers; of an OCI layout the manifest, too', async () => {
    for (const [kind, format] of [['docker-archive', 'docker'] as const, ['oci-archive', 'oci'] as const]) {
      const { reference, image } = await publishNew(format)
      const archive = join(folder, `${kind}.tar`)
      const name = `skopeo/${kind}:1`
      await skopeo(
        'copy',
        '-q',
        ...plain,
        `docker://${reference}`,
        `${kind}:${archive}:${kind === 'docker-archive' ? name : `docker.io/${name}`}`
      )
      const [loaded, ...others] = await engine.load(archive)
      expect(others).toEqual([])
      expect(loaded).toMatchObject({ id: image.config.digest, tags: [name] })
      expect((await loaded?.inspect())?.layers).toEqual(image.layers.map(({ diffId }) => diffId))
      const saved = join(folder, 'saved.tar')
      await loaded?.save(saved)
      const digest = (await skopeo('inspect', '--format={{.Digest}}', `oci-archive:${saved}`)).trim()
      if (kind === 'oci-archive') expect(digest).toBe(image.manifest.digest)
      await loaded?.remove()
    }
  })

  it('what Gantry saves has the digests that skopeo sees in the registry, and skopeo reads it as either kind', async () => {
    for (const format of ['docker', 'oci'] as const) {
      const { reference, image } = await publishNew(format)
      const inRegistry = (
        await skopeo('inspect', '--no-tags', '--tls-verify=false', '--format={{.Digest}}', `docker://${reference}`)
      ).trim()
      const pulled = await engine.image(reference).pull()
      expect(pulled.digest).toBe(inRegistry)
      const archive = join(folder, 'for-skopeo.tar')
      await pulled.save(archive)
      // By a name skopeo finds OCI manifests only in a layout; the one that is there it takes in any format.
      const layout = `oci-archive:${archive}${format === 'oci' ? ':1' : ''}`
      expect((await skopeo('inspect', '--format={{.Digest}}', layout)).trim()).toBe(inRegistry)
      expect(JSON.parse(await skopeo('inspect', '--config', '--raw', `docker-archive:${archive}:${reference}`))).toEqual(
        JSON.parse(Buffer.from(image.config.content).toString())
      )
      for (const source of [layout, `docker-archive:${archive}:${reference}`]) {
        const copy = join(folder, `copy-${source.split(':')[0]}`)
        await skopeo('copy', '-q', source, `dir:${copy}`)
        const manifest = JSON.parse(await readFile(join(copy, 'manifest.json'), 'utf8'))
        expect(manifest.config.digest).toBe(image.config.digest)
        await rm(copy, { recursive: true })
      }
      await pulled.remove()
    }
  })

  it('of an index with several platforms the one asked for is loaded, the index kept', async () => {
    const images = [await newImage({ architecture: 'amd64', format: 'oci' }), await newImage({ architecture: 'arm64', format: 'oci' })]
    const index = makeIndex(images)
    const name = `platforms-${process.pid}`
    await push(registry, `${name}:1`, index)
    const archive = join(folder, 'platforms.tar')
    await skopeo('copy', '-q', '--all', ...plain, `docker://${registry}/${name}:1`, `oci-archive:${archive}:${registry}/${name}:1`)
    for (const image of [...images, ...images]) {
      const platform = [{ os: 'linux', architecture: image.architecture }]
      await collect(await engine.raw.call(ImageLoad, { body: createReadStream(archive), query: { platform } }))
      const loaded = await engine.raw.call(ImageInspect, { path: { name: `${registry}/${name}:1` }, query: { manifests: true } })
      expect(loaded).toMatchObject({
        Id: image.config.digest,
        Architecture: image.architecture,
        Descriptor: { digest: index.manifest.digest }
      })
      expect(loaded.Manifests?.map(({ ID, Available }) => [ID, Available || ID === image.manifest.digest])).toContainEqual([
        image.manifest.digest,
        true
      ])
    }
    for (const { config } of images) await gantry('rmi', '-f', config.digest)
  })
})

describe.skipIf(!isReady || !hasPodman)('archives of podman (needs root, docker-registry, podman)', () => {
  it('both kinds are loaded by Gantry, and what Gantry saves by podman', async () => {
    const { reference, image } = await publishNew('oci')
    await podman('pull', '-q', '--tls-verify=false', reference)
    const [theirs] = await inspect(podman, [reference])
    for (const kind of ['docker-archive', 'oci-archive']) {
      const archive = join(folder, `podman-${kind}.tar`)
      await podman('save', '-q', '--format', kind, '-o', archive, reference)
      const [loaded] = await engine.load(archive)
      expect(loaded).toMatchObject({ id: image.config.digest, tags: [reference] })
      expect(await inspect(gantry, [reference])).toEqual([theirs])
      await loaded?.remove()
    }
    await podman('rmi', '-af')
    const saved = join(folder, 'for-podman.tar')
    const pulled = await engine.image(reference).pull()
    await pulled.save(saved)
    await podman('load', '-q', '-i', saved)
    expect((await inspect(podman, [theirs?.id ?? '']))[0]).toMatchObject({ id: theirs?.id, layers: theirs?.layers, env: theirs?.env })
    expect((await inspect(podman, [theirs?.id ?? '']))[0]?.tags).toEqual(theirs?.tags)
    await podman('rmi', '-af')
    await pulled.remove()
  })
})

describe.skipIf(!isReady)('round trips (needs root, docker-registry)', () => {
  it('pull, save, load, save: the same bytes', async () => {
    for (const name of [(await publishNew('docker')).reference, (await publishNew('oci')).reference, lab.images.multi ?? '']) {
      await using other = await createEngine({ transport: 'in-process', root: join(folder, 'other') })
      const pulled = await engine.image(name).pull()
      const [first, second] = [join(folder, 'first.tar'), join(folder, 'second.tar')]
      await pulled.save(first)
      const [loaded] = await other.load(first)
      expect(loaded?.id).toBe(pulled.id)
      await loaded?.save(second)
      expect(await sha256(second)).toBe(await sha256(first))
      await loaded?.remove()
      await pulled.remove()
    }
  })

  it('a plain layer stays plain under its manifest, however often it is saved and loaded', async () => {
    const { reference, image } = await publishNew('docker')
    await docker('pull', '-q', reference)
    const archive = join(folder, 'plain.tar')
    await docker('save', '-o', archive, reference)
    await docker('rmi', reference)
    let before: string | undefined
    for (let round = 0; round < 2; round++) {
      const [loaded] = await engine.load(archive)
      await loaded?.save(archive)
      const files = await entriesOf(createReadStream(archive))
      const index = String(files.get('index.json'))
      expect(before ?? index).toBe(index)
      before = index
      const manifest = JSON.parse(String(files.get(`blobs/${JSON.parse(index).manifests[0].digest.replace(':', '/')}`)))
      expect(manifest.layers.map(({ digest }: { digest: string }) => digest)).toEqual(image.layers.map(({ diffId }) => diffId))
      await loaded?.remove()
    }
  })

  it('several names in one archive; a reader that goes away in the middle of a save holds nothing up', async () => {
    const { reference, image } = await publishNew('oci')
    const pulled = await engine.image(reference).pull()
    for (let round = 0; round < 5; round++) {
      for await (const _ of await engine.raw.call(ImageGetAll, { query: { names: [reference] } })) break
    }
    // What was read is not held any more: the image goes, and all of it.
    await pulled.remove()
    const blobs = [image.manifest, image.config, ...image.layers].map(({ digest }) => digest.replace('sha256:', ''))
    const kept = async () => (await readdir(join(daemon.root, 'content/blobs/sha256'))).filter(name => blobs.includes(name))
    await eventually(async () => (await kept()).length === 0)
    const again = await engine.image(reference).pull()
    const read = digestStream(await engine.raw.call(ImageGetAll, { query: { names: [reference, pulled.id] } }))
    expect((await read).length).toBeGreaterThan(0)
    await again.remove()
  })
})
