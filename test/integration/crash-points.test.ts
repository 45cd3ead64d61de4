// Needs: root on Linux and the lab's registry (test/lab).
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createEngine, type Engine } from 'gantry'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { removeTree } from '../../runtime/host/remove-tree.js'
import type { CrashPoint } from '../../src/util/crash-point.js'
import { makeImage } from '../lab/images/image.js'
import { makeLayer } from '../lab/images/layer.js'
import { push } from '../lab/images/push.js'
import { viewStore } from './crash/store.js'

const lab = inject('lab')
const upstream = lab.registry?.address ?? ''
const runsHere = process.platform === 'linux' && process.getuid?.() === 0 && lab.registry !== undefined

const child = fileURLToPath(new URL('crash/child.mjs', import.meta.url))

/** Is there before and after, whatever dies: shares its lower layer with the one that is worked on. */
const kept = `${upstream}/crash-kept:latest`
const target = `${upstream}/crash-target:latest`
const committed = 'crash-committed:latest'

const bringsIn: readonly CrashPoint[] = ['lease.taken', 'blob.opened', 'blob.written', 'blob.synced', 'blob.renamed']
const makesLayer: readonly CrashPoint[] = ['layer.prepared', 'layer.unpacked', 'layer.placed', 'layer.recorded', 'layer.committed']
const stores: readonly CrashPoint[] = ['image.recording', 'image.recorded']

type At = CrashPoint | readonly [CrashPoint, nth: number]

/** By kind of work, where it dies; of what happens several times the first or the n-th. */
const deaths: Readonly<Record<'pull' | 'commit' | 'remove', readonly At[]>> = {
  pull: ['image.resolved', ...bringsIn, ['blob.renamed', 3], ...makesLayer, ['layer.committed', 2], ...stores],
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

let folder: string

beforeAll(async () => {
  // In memory where that is possible: what is tested are the steps, not the disk.
  folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'gantry-crash-'))
  if (!runsHere) return
  const shared = await makeLayer([{ kind: 'file', path: 'shared', content: 'in both' }])
  const layers = [1, 2].map(number => makeLayer([{ kind: 'file', path: `own-${number}`, content: `of layer ${number}` }]))
  const settings = { Cmd: ['/none'] }
  await push(upstream, 'crash-kept:latest', makeImage([shared], { settings }))
  await push(upstream, 'crash-target:latest', makeImage([shared, ...(await Promise.all(layers))], { settings }))
})

afterAll(() => removeTree(folder))

// Each kind of work has a data root of its own: they run side by side.
describe
  .skipIf(!runsHere)
  .concurrent("a process that dies by SIGKILL in the middle of its work (needs root and the lab's registry)", () => {
    for (const work of ['pull', 'commit', 'remove'] as const) {
      it(`${work}: wherever it dies, the store opens clean, nothing is lost or half there, the work can be done again, and the disk comes back`, {
        timeout: 240_000
      }, async () => {
        const root = join(folder, work)
        await withEngine(root, engine => engine.image(kept).pull())
        for (const at of deaths[work]) {
          const [point, nth] = typeof at === 'string' ? [at, 1] : at
          await test(root, work, { point, nth })
        }
      })
    }
  })

async function test(root: string, work: keyof typeof deaths, { point, nth }: { readonly point: CrashPoint; readonly nth: number }) {
  const where = `${work}, ${point} ${nth}`
  if (work === 'remove') await withEngine(root, engine => engine.image(target).pull())
  expect(await died(root, { work, point, nth }), where).toBe('SIGKILL')
  const dead = await viewStore(root)
  expect(dead.broken, where).toEqual([])
  await withEngine(root, async engine => {
    expect(await tags(engine), where).toContain(kept)
    await again(engine, work)
    if (work === 'pull')
      expect(await readAll(engine, target, ['/shared', '/own-1', '/own-2']), where).toEqual(['in both', 'of layer 1', 'of layer 2'])
    // Whatever is removed takes along what dead processes had brought in.
    for await (const image of engine.images()) if (!image.tags.includes(kept)) await image.remove({ force: true })
  })
  const after = await viewStore(root)
  expect({ ...after, references: [] }, where).toEqual({ references: [], broken: [], unreferenced: [], unfinished: [] })
}

async function again(engine: Engine, work: keyof typeof deaths): Promise<void> {
  if (work === 'pull') await engine.image(target).pull()
  if (work === 'commit') {
    await using container = await engine.image(kept).create()
    await container.fs.write('/made', 'once more')
    await container.commit(committed)
    expect(await readAll(engine, committed, ['/shared', '/made'])).toEqual(['in both', 'once more'])
  }
  if (work === 'remove') {
    for await (const image of engine.images()) if (image.tags.includes(target)) await image.remove()
    expect(await tags(engine)).toEqual([kept])
  }
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

function died(
  root: string,
  { work, point, nth }: { readonly work: string; readonly point: string; readonly nth: number }
): Promise<unknown> {
  const argument = JSON.stringify({ root, point, nth, work, reference: target, base: kept, name: committed })
  return new Promise(resolve =>
    execFile(process.execPath, [child, argument], (error, stdout, stderr) => resolve(error?.signal ?? `${stdout}${stderr}${error ?? ''}`))
  )
}
