// Needs: root on Linux and the lab's registry (test/lab).
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine, type Engine } from 'gantry'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { dockerArchive, newImage, tarOf } from '../conformance/kit/archives.js'
import { expectError } from '../conformance/kit/errors.js'
import { publish } from '../conformance/kit/publish.js'
import { eventually } from '../conformance/kit/streams.js'
import type { LayerEntry } from '../lab/images/layer.js'
import { run } from '../lab/programs.js'

const lab = inject('lab')
const runsHere = process.platform === 'linux' && process.getuid?.() === 0 && lab.images.busybox !== undefined

const mib = 1024 ** 2
/** Records take a few pages more or less, whatever becomes of a call. */
const slackBytes = 256 * 1024
/** A layer is marked when the disk has it, a little after it is there. */
const slackInodes = 2

let folder: string
let engine: Engine | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-full-'))
})

afterEach(async () => {
  await engine?.close()
  engine = undefined
  await run(['umount', join(folder, 'root')])
  await rm(folder, { recursive: true })
})

/** An engine whose data root is a disk of its own. */
async function engineOn(disk: string): Promise<Engine> {
  const root = join(folder, 'root')
  await mkdir(root)
  await run(['mount', '-t', 'tmpfs', '-o', disk, 'none', root])
  engine = await createEngine({ transport: 'in-process', root })
  return engine
}

async function used(): Promise<{ readonly bytes: number; readonly inodes: number }> {
  const { blocks, bfree, bsize, files, ffree } = await statfs(join(folder, 'root'))
  return { bytes: (blocks - bfree) * bsize, inodes: files - ffree }
}

async function expectRoomAsBefore(before: Awaited<ReturnType<typeof used>>): Promise<void> {
  const after = await used()
  expect(after.bytes - before.bytes).toBeLessThan(slackBytes)
  expect(after.inodes - before.inodes).toBeLessThanOrEqual(slackInodes)
}

const noise = (path: string, sizeBytes: number): LayerEntry => ({ kind: 'file', path, content: randomBytes(sizeBytes) })

describe.skipIf(!runsHere)("a data root on a full disk (needs root and the lab's registry)", () => {
  it('pull: resource_exhausted, whether the blob or its files do not fit; what it took is free again, and a smaller image comes in', async () => {
    const busybox = await engineOn('size=24m')
    await busybox.image(lab.images.busybox ?? '').pull()
    const before = await used()
    for (const size of [30 * mib, 13 * mib]) {
      const reference = await publish(lab, { entries: [noise('large', size)] })
      await expectError(busybox.image(reference).pull(), 'resource_exhausted', /no (space|room)/i)
      await expectRoomAsBefore(before)
    }
    const small = await busybox.image(await publish(lab, { entries: [noise('small', mib)] })).pull()
    expect(await small.run(['stat', '-c', '%s', '/small']).text()).toBe(`${mib}\n`)
  })

  it('pull of more files than there are inodes: resource_exhausted, and they are free again', async () => {
    const few = await engineOn('size=64m,nr_inodes=3000')
    await few.image(lab.images.busybox ?? '').pull()
    const before = await used()
    const entries = Array.from({ length: 3000 }, (_, index): LayerEntry => ({ kind: 'file', path: `files/${index}`, content: '' }))
    await expectError(few.image(await publish(lab, { entries })).pull(), 'resource_exhausted', /no (space|room)/i)
    await expectRoomAsBefore(before)
    await few.image(await publish(lab, { entries: entries.slice(0, 1000) })).pull()
  })

  it('load: resource_exhausted, what it took is free again, and a smaller archive is loaded', async () => {
    const loading = await engineOn('size=24m')
    const archiveOf = async (sizeBytes: number) => {
      const path = join(folder, `${sizeBytes}.tar`)
      await writeFile(
        path,
        await tarOf(dockerArchive(await newImage({ layers: [[noise('a', mib)], [noise('b', sizeBytes)]] }), ['full:1']))
      )
      return path
    }
    const before = await used()
    for (const size of [30 * mib, 13 * mib]) {
      await expectError(loading.load(await archiveOf(size)), 'resource_exhausted', /no (space|room)/i)
      await expectRoomAsBefore(before)
    }
    expect((await loading.load(await archiveOf(mib))).map(({ tags }) => tags)).toEqual([['full:1']])
  })

  it('commit: resource_exhausted, what it took is free again, and the container is as it was', async () => {
    const committing = await engineOn('size=32m')
    const container = await committing.image(lab.images.busybox ?? '').create()
    await container.fs.write('/large', randomBytes(12 * mib))
    const before = await used()
    await expectError(container.commit('full:1'), 'resource_exhausted', /no (space|room)/i)
    await expectRoomAsBefore(before)
    expect((await container.fs.read('/large')).byteLength).toBe(12 * mib)
    await container.fs.write('/large', 'small now')
    const image = await container.commit('full:1')
    expect(await image.run(['cat', '/large']).text()).toBe('small now')
  })

  it('files copied into a container: resource_exhausted, and the container can be removed', async () => {
    const copying = await engineOn('size=16m')
    const container = await copying.image(lab.images.busybox ?? '').create()
    await expectError(container.fs.write('/large', randomBytes(20 * mib)), 'resource_exhausted', /no (space|room)/i)
    await container.remove()
    // Gone at once, deleted a little later.
    await eventually(async () => (await used()).bytes < 8 * mib)
    const other = await copying.image(lab.images.busybox ?? '').create()
    await other.fs.write('/small', 'fits')
    expect(await other.fs.readText('/small')).toBe('fits')
  })
})
