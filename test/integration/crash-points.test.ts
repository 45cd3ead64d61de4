// Needs: root on Linux and the lab's registry (test/lab).
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createEngine, type Engine } from 'gantry'
import { ImageDelete, ImagePush, ImageTag } from 'gantry/api'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { removeTree } from '../../runtime/host/remove-tree.js'
import { type CrashPoint, crashPoints } from '../../src/util/crash-point.js'
import { dockerArchive, tarOf } from '../conformance/kit/archives.js'
import { makeImage } from '../lab/images/image.js'
import { digestOf, makeLayer } from '../lab/images/layer.js'
import { push } from '../lab/images/push.js'
import { viewRepository } from './crash/repository.js'
import { viewStore } from './crash/store.js'

const lab = inject('lab')
const upstream = lab.registry?.address ?? ''
const runsHere = process.platform === 'linux' && process.getuid?.() === 0 && lab.registry !== undefined

const child = fileURLToPath(new URL('crash/child.mjs', import.meta.url))

/** Is there before and after, whatever dies: shares its lower layer with the one that is worked on. */
const kept = `${upstream}/crash-kept:latest`
const target = `${upstream}/crash-target:latest`
const lying = `${upstream}/crash-lying:latest`
const committed = 'crash-committed:latest'
const loaded = 'crash-loaded:latest'

const bringsIn: readonly CrashPoint[] = ['lease.taken', 'blob.opened', 'blob.written', 'blob.synced', 'blob.renamed']
const makesLayer: readonly CrashPoint[] = ['layer.prepared', 'layer.unpacked', 'layer.placed', 'layer.recorded', 'layer.committed']
const stores: readonly CrashPoint[] = ['image.recording', 'image.recorded']

type At = CrashPoint | readonly [CrashPoint, nth: number]
type Work = 'pull' | 'failing pull' | 'load' | 'push' | 'commit' | 'remove'

/** By kind of work, where it dies; of what happens several times the first or the n-th. */
const deaths: Readonly<Record<Work, readonly At[]>> = {
  pull: ['image.resolved', ...bringsIn, ['blob.renamed', 3], ...makesLayer, ['layer.committed', 2], ...stores],
  'failing pull': ['lease.abandoned'],
  load: [
    ...bringsIn,
    'load.read',
    ['blob.renamed', 3],
    'load.blobs-stored',
    ...makesLayer,
    ['layer.committed', 2],
    'load.layers-stored',
    ...stores
  ],
  push: [
    'lease.taken',
    'push.planned',
    'upload.begun',
    'upload.sending',
    'upload.finished',
    ['upload.finished', 3],
    'push.compressed',
    'push.blobs-sent',
    'push.tagged',
    'push.released'
  ],
  commit: ['commit.packing', 'commit.packed', ...bringsIn, ['blob.renamed', 3], ...makesLayer, ...stores],
  remove: [
    'image.removing',
    'image.removed',
    'layer.unrecorded',
    'layer.thrown-away',
    'garbage.layers-gone',
    'blob.removed',
    ['blob.removed', 2],
    'garbage.blobs-gone',
    'garbage.recorded'
  ]
}

const works = Object.keys(deaths) as readonly Work[] // the keys of the literal above

let folder: string
let archive: string

beforeAll(async () => {
  // In memory where that is possible: what is tested are the steps, not the disk.
  folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'gantry-crash-'))
  if (!runsHere) return
  const shared = await makeLayer([{ kind: 'file', path: 'shared', content: 'in both' }])
  const own = (number: number) => makeLayer([{ kind: 'file', path: `own-${number}`, content: `of layer ${number}` }])
  const layers = await Promise.all([1, 2].map(own))
  const settings = { Cmd: ['/none'] }
  await push(upstream, 'crash-kept:latest', makeImage([shared], { settings }))
  await push(upstream, 'crash-target:latest', makeImage([shared, ...layers], { settings }))
  await push(upstream, 'crash-lying:latest', makeImage([shared, { ...(await own(3)), diffId: digestOf('of another layer') }], { settings }))
  archive = join(folder, 'archive.tar')
  const image = makeImage([shared, ...layers], { settings: { Cmd: ['/other'] } })
  await writeFile(archive, await tarOf(dockerArchive(image, [loaded])))
})

afterAll(() => removeTree(folder))

/** Points at which a process has died. */
const diedAt = new Set<CrashPoint>()

// Each kind of work has a data root of its own: they run side by side.
describe
  .skipIf(!runsHere)
  .concurrent("a process that dies by SIGKILL in the middle of its work (needs root and the lab's registry)", () => {
    for (const work of works) {
      it(`${work}: wherever it dies, the store opens clean, nothing is lost or half there, the work can be done again, and the disk comes back`, {
        timeout: 240_000
      }, async () => {
        const root = join(folder, work.replace(' ', '-'))
        await withEngine(root, engine => engine.image(kept).pull())
        for (const [index, at] of deaths[work].entries()) {
          const [point, nth] = typeof at === 'string' ? [at, 1] : at
          await test(root, { work, point, nth, pushed: `${upstream}/crash-pushed-${index}:latest` })
          diedAt.add(point)
        }
      })
    }
  })

describe.skipIf(!runsHere)("the points at which processes died (needs root and the lab's registry)", () => {
  it('are all that there are', () => {
    expect([...diedAt].sort()).toEqual([...crashPoints].sort())
    expect(diedAt.size).toBeGreaterThanOrEqual(25)
    console.log(`${diedAt.size} named points, ${works.reduce((sum, work) => sum + deaths[work].length, 0)} deaths`)
  })
})

interface Death {
  readonly work: Work
  readonly point: CrashPoint
  readonly nth: number
  /** Where a push goes to: another repository each time. */
  readonly pushed: string
}

async function test(root: string, death: Death) {
  const { work, point, nth, pushed } = death
  const where = `${work}, ${point} ${nth}`
  if (work === 'remove') await withEngine(root, engine => engine.image(target).pull())
  if (work === 'push') await withEngine(root, engine => loadAs(engine, pushed))
  const before = await viewStore(root)
  expect(await died(root, death), where).toBe('SIGKILL')
  const dead = await viewStore(root)
  expect(dead.broken, where).toEqual([])
  if (work === 'push') {
    // What was pushed is known by its digest, too, from then on.
    expect(
      dead.references.filter(reference => !reference.includes('@')),
      where
    ).toEqual(before.references.filter(reference => !reference.includes('@')))
    expect((await viewRepository(upstream, repositoryOf(pushed))).broken, where).toEqual([])
  }
  await withEngine(root, async engine => {
    expect(await tags(engine), where).toContain(kept)
    await again(engine, death)
    // Whatever is removed takes along what dead processes had brought in.
    for await (const image of engine.images())
      if (!image.tags.includes(kept)) await engine.raw.call(ImageDelete, { path: { name: image.id }, query: { force: true } })
  })
  const after = await viewStore(root)
  expect({ ...after, references: [] }, where).toEqual({ references: [], broken: [], unreferenced: [], unfinished: [] })
}

async function again(engine: Engine, { work, point, pushed }: Death): Promise<void> {
  switch (work) {
    case 'pull':
    case 'failing pull':
      await engine.image(target).pull()
      expect(await readAll(engine, target, ['/shared', '/own-1', '/own-2']), point).toEqual(['in both', 'of layer 1', 'of layer 2'])
      return
    case 'load':
      expect(
        (await engine.load(archive)).map(({ tags: [tag] }) => tag),
        point
      ).toEqual([loaded])
      expect(await readAll(engine, loaded, ['/shared', '/own-1', '/own-2']), point).toEqual(['in both', 'of layer 1', 'of layer 2'])
      return
    case 'push': {
      const digest = await pushTo(engine, pushed)
      expect(await viewRepository(upstream, repositoryOf(pushed)), point).toEqual({ tags: { latest: digest }, broken: [] })
      return
    }
    case 'commit': {
      await using container = await engine.image(kept).create()
      await container.fs.write('/made', 'once more')
      await container.commit(committed)
      expect(await readAll(engine, committed, ['/shared', '/made']), point).toEqual(['in both', 'once more'])
      return
    }
    case 'remove':
      for await (const image of engine.images()) if (image.tags.includes(target)) await image.remove()
      expect(await tags(engine), point).toEqual([kept])
  }
}

/** An image of plain layers, which are compressed on their way. */
async function loadAs(engine: Engine, reference: string): Promise<void> {
  await engine.load(archive)
  const [, repo = '', tag = ''] = /^(.*):(.*)$/.exec(reference) ?? []
  await engine.raw.call(ImageTag, { path: { name: loaded }, query: { repo, tag } })
}

/** @returns the digest of what was pushed */
async function pushTo(engine: Engine, reference: string): Promise<string> {
  const [, name = '', tag = ''] = /^(.*):(.*)$/.exec(reference) ?? []
  const call = { path: { name }, query: { tag }, headers: { 'X-Registry-Auth': 'e30=' } }
  let said = ''
  for await (const { status } of await engine.raw.call(ImagePush, call)) said = status ?? said
  return /digest: (\S+)/.exec(said)?.[1] ?? said
}

function repositoryOf(reference: string): string {
  return /\/(.*):/.exec(reference)?.[1] ?? ''
}

/** Files of an image, as a container of it has them. */
async function readAll(engine: Engine, reference: string, paths: readonly string[]): Promise<readonly string[]> {
  await using container = await engine.image(reference).create()
  return Promise.all(paths.map(path => container.fs.readText(path)))
}

async function tags(engine: Engine): Promise<readonly string[]> {
  const found: string[] = []
  for await (const image of engine.images()) found.push(...image.tags)
  return found
}

async function withEngine(root: string, use: (engine: Engine) => PromiseLike<unknown>): Promise<void> {
  const engine = await createEngine({ transport: 'in-process', root })
  try {
    await use(engine)
  } finally {
    await engine.close()
  }
}

function died(root: string, { work, point, nth, pushed }: Death): Promise<unknown> {
  const reference = work === 'push' ? pushed : work === 'failing pull' ? lying : target
  const argument = JSON.stringify({ root, point, nth, work, reference, base: kept, name: committed, archive })
  return new Promise(resolve =>
    execFile(process.execPath, [child, argument], (error, stdout, stderr) => resolve(error?.signal ?? `${stdout}${stderr}${error ?? ''}`))
  )
}
