// Needs: root on Linux.
import { randomBytes } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { createEngine, type Engine, EngineError, type ErrorCode } from 'gantry'
import { ImageCreate, ImageGet, ImageGetAll } from 'gantry/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ArchiveEntry, dockerArchive, newImage, ociArchive, tarOf } from '../conformance/kit/archives.js'
import { collect, eventually } from '../conformance/kit/streams.js'
import { run } from '../lab/programs.js'

const runsHere = process.platform === 'linux' && process.getuid?.() === 0

let folder: string
let engine: Engine

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-archive-faults-'))
  engine = await createEngine({ transport: 'in-process', root: join(folder, 'root') })
})
afterEach(async () => {
  await engine.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
})

/** Files of blobs and layers, whole ones and others. What was moved aside to be deleted is seen by nobody. */
async function leftIn(root = join(folder, 'root')): Promise<string[]> {
  const found: string[] = []
  for (const part of ['content', 'snapshots']) {
    const entries = await entriesBelow(join(root, part))
    found.push(...entries.filter(entry => entry.isFile()).map(entry => relative(root, join(entry.parentPath, entry.name))))
  }
  return found.filter(path => !/^snapshots\/tmp\/|\/synced$/.test(path))
}

/** Looked at again where something was taken away meanwhile. */
async function entriesBelow(path: string): Promise<Dirent[]> {
  return eventually(() =>
    readdir(path, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      return undefined
    })
  )
}

/** The layers' folders that nobody committed. */
const places = async () => (await readdir(join(folder, 'root/snapshots'))).filter(name => name !== 'tmp')

async function nothingIsLeft(): Promise<void> {
  await eventually(async () => (await leftIn()).length === 0)
  expect(await leftIn()).toEqual([])
  expect(await collect(engine.images())).toEqual([])
}

const kinds = { docker: 'docker save', oci: 'an OCI layout' } as const

/** An archive of an image of two layers, as entries. */
async function archiveOf(
  kind: keyof typeof kinds
): Promise<{ readonly entries: readonly ArchiveEntry[]; readonly layers: readonly string[] }> {
  const image = await newImage({ layers: [[{ kind: 'file', path: 'a', content: randomBytes(300_000) }], []], format: kind })
  const entries = kind === 'docker' ? dockerArchive(image, ['faulty:1']) : ociArchive([{ image, name: 'docker.io/library/faulty:1' }])
  const isLayer = (path: string) =>
    kind === 'docker' ? path.endsWith('layer.tar') : image.layers.some(({ digest }) => path.endsWith(digest.slice(7)))
  return { entries, layers: entries.map(([path]) => path).filter(isLayer) }
}

const replaced = (entries: readonly ArchiveEntry[], path: string, content: string | Uint8Array): readonly ArchiveEntry[] =>
  entries.map(entry => (entry[0] === path ? [path, content] : entry))
const configOf = (entries: readonly ArchiveEntry[]): string =>
  entries.find(([, content]) => String(content).includes('"rootfs"'))?.[0] ?? ''

async function refusal(archive: Uint8Array | Readable): Promise<{ readonly code: ErrorCode | undefined; readonly message: string }> {
  const error = await engine.load(archive instanceof Uint8Array ? Readable.from([archive]) : archive).then(
    () => new Error('it was loaded'),
    (reason: unknown) => reason
  )
  return { code: EngineError.is(error) ? error.code : undefined, message: String(error) }
}

describe.skipIf(!runsHere)('archives that are not what they say (needs root)', () => {
  for (const kind of ['docker', 'oci'] as const) {
    it(`${kinds[kind]}: each damage has its code, and nothing of it stays`, async () => {
      const { entries, layers } = await archiveOf(kind)
      const [first = '', second = ''] = layers
      const whole = await tarOf(entries)
      const other = await tarOf([['other', 'content']])
      const lists = ['manifest.json', 'index.json']
      const cases: Readonly<Record<string, readonly [Uint8Array, ErrorCode]>> = {
        'cut in a layer': [whole.subarray(0, 200_000), 'data_loss'],
        'cut between entries': [whole.subarray(0, whole.length - 1024 - 512), 'data_loss'],
        'without a list': [await tarOf(entries.filter(([path]) => !lists.includes(path))), 'invalid_argument'],
        'an empty archive': [await tarOf([]), 'invalid_argument'],
        'without a layer': [await tarOf(entries.filter(([path]) => path !== second)), 'data_loss'],
        'another layer': [await tarOf(replaced(entries, first, other)), 'data_loss'],
        'a layer that is none': [await tarOf(replaced(entries, first, 'x'.repeat(1000))), 'data_loss'],
        'a configuration that is no JSON': [await tarOf(replaced(entries, configOf(entries), '{ "rootfs"')), 'data_loss'],
        'without a configuration': [await tarOf(entries.filter(([path]) => path !== configOf(entries))), 'data_loss'],
        'a list that is no JSON': [await tarOf(entries.map(entry => (lists.includes(entry[0]) ? [entry[0], '[{'] : entry))), 'data_loss'],
        nothing: [Buffer.alloc(0), 'invalid_argument'],
        'no archive at all': [randomBytes(4096), 'data_loss']
      }
      for (const [problem, [archive, code]] of Object.entries(cases)) {
        expect({ problem, ...(await refusal(archive)) }).toMatchObject({ problem, code })
        await nothingIsLeft()
      }
      // The engine is none the worse for it.
      expect((await engine.load(Readable.from([whole]))).map(({ tags }) => tags)).toEqual([['faulty:1']])
    })
  }

  it('a layer that hashes to another digest than its name says is told by both', async () => {
    const { entries, layers } = await archiveOf('oci')
    const archive = await tarOf(replaced(entries, layers[0] ?? '', await tarOf([['other', 'content']])))
    const { message } = await refusal(archive)
    expect(message).toContain(layers[0]?.replace('blobs/sha256/', ''))
    expect(message).toMatch(/should be sha256:\w{64} but hashes to sha256:\w{64}/)
  })
})

describe.skipIf(!runsHere)('a load that is cut short (needs root)', () => {
  const half = async () => {
    const { entries } = await archiveOf('docker')
    const archive = await tarOf(entries)
    const source = new PassThrough()
    source.write(archive.subarray(0, archive.length / 2))
    return source
  }

  it('by its source: the reason comes through, and nothing stays', async () => {
    const failing = await half()
    setTimeout(() => failing.destroy(new Error('the cable was pulled')), 100)
    expect(await refusal(failing)).toMatchObject({
      code: 'failed',
      message: expect.stringContaining('read to its end: the cable was pulled')
    })
    await nothingIsLeft()
    const closed = await half()
    setTimeout(() => closed.destroy(), 100)
    expect(await refusal(closed)).toMatchObject({ code: 'failed', message: expect.stringMatching(/read to its end: premature close/i) })
    await nothingIsLeft()
  })

  it('by its signal: it rejects with the reason, lets go of the source, and nothing stays', async () => {
    const source = await half()
    const stop = new AbortController()
    const reason = new Error('enough')
    setTimeout(() => stop.abort(reason), 100)
    await expect(engine.load(source, { signal: stop.signal })).rejects.toBe(reason)
    expect(source.destroyed).toBe(true)
    await nothingIsLeft()
    const again = await half()
    await expect(engine.import(again, 'x:1', { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({ name: 'TimeoutError' })
    await nothingIsLeft()
  })

  it('by a full disk: resource_exhausted, and there is room again', async () => {
    const root = join(folder, 'small')
    await mkdir(root)
    await run(['mount', '-t', 'tmpfs', '-o', 'size=12m', 'none', root])
    try {
      await using small = await createEngine({ transport: 'in-process', root })
      const image = await newImage({ layers: [[{ kind: 'file', path: 'big', content: randomBytes(9_000_000) }]] })
      const large = await tarOf(dockerArchive(image, ['large:1']))
      await expect(small.load(Readable.from([large]))).rejects.toMatchObject({ code: 'resource_exhausted' })
      await eventually(async () => (await leftIn(root)).length === 0)
      const fits = await newImage({ layers: [[{ kind: 'file', path: 'big', content: randomBytes(3_000_000) }]] })
      expect(await small.load(Readable.from([await tarOf(dockerArchive(fits, ['small:1']))]))).toHaveLength(1)
    } finally {
      await run(['umount', root])
    }
  })
})

describe.skipIf(!runsHere)('loads side by side (needs root)', () => {
  it('of one archive by two engines on the same data: one image, and nothing more than that', async () => {
    await using other = await createEngine({ transport: 'in-process', root: join(folder, 'root') })
    const image = await newImage({ layers: [[{ kind: 'file', path: 'a', content: randomBytes(2_000_000) }], [], []] })
    const archive = await tarOf(dockerArchive(image, ['both:1']))
    const loads = [engine, other, engine, other].map(each => each.load(Readable.from([archive])))
    for (const [loaded] of await Promise.all(loads)) expect(loaded?.id).toBe(image.config.digest)
    // The configuration, a manifest made for it, and its plain layers.
    expect((await leftIn()).filter(path => path.startsWith('content/'))).toHaveLength(2 + image.layers.length)
    await eventually(async () => (await places()).length === image.layers.length)
    const again = engine.load(Readable.from([archive]))
    await Promise.allSettled([
      again,
      other
        .image('both:1')
        .pull({ policy: 'never' })
        .then(found => found.remove())
    ])
    await (await engine.load(Readable.from([archive])))[0]?.remove()
    await nothingIsLeft()
  })
})

describe.skipIf(!runsHere)('saves and imports that cannot be (needs root)', () => {
  it('a save of what is not here is not_found before the first byte, all of it or nothing', async () => {
    const { entries } = await archiveOf('docker')
    await engine.load(Readable.from([await tarOf(entries)]))
    await expect(engine.raw.call(ImageGet, { path: { name: 'none:1' } })).rejects.toMatchObject({ code: 'not_found' })
    await expect(engine.raw.call(ImageGetAll, { query: { names: ['faulty:1', 'none:1'] } })).rejects.toMatchObject({ code: 'not_found' })
    await expect(engine.raw.call(ImageGetAll, {})).rejects.toMatchObject({ code: 'invalid_argument' })
    const platform = [{ os: 'linux', architecture: 's390x' }]
    await expect(engine.raw.call(ImageGet, { path: { name: 'faulty:1' }, query: { platform } })).rejects.toMatchObject({
      code: 'not_found'
    })
  })

  it('an import of half an archive, or of none, leaves nothing', async () => {
    const archive = await tarOf([['file', randomBytes(100_000)]])
    const importing = async (bytes: Uint8Array) =>
      collect(await engine.raw.call(ImageCreate, { query: { fromSrc: '-' }, body: Readable.from([bytes]) }))
    await expect(importing(archive.subarray(0, 50_000))).rejects.toMatchObject({ code: 'data_loss' })
    await expect(importing(randomBytes(5000))).rejects.toMatchObject({ code: 'data_loss' })
    await nothingIsLeft()
    expect(await places()).toEqual([])
  })
})
