import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { currentProcess } from '../../../../runtime/host/process-identity.js'
import { openMetadataStore } from '../../../../runtime/metadata/lmdb-store.js'
import type { MetadataStore } from '../../../../runtime/metadata/metadata-store.js'
import type { CommittedLayer } from '../../../../runtime/snapshots/layer-records.js'
import { isLayerName, layerName } from '../../../../runtime/snapshots/layout.js'
import { createSnapshotter } from '../../../../runtime/snapshots/overlay-snapshotter.js'
import { temporaryFolders } from '../layers/temporary-folder.js'

const folder = temporaryFolders()
const checkout = fileURLToPath(new URL('../../../../', import.meta.url))
const record = { diffId: 'sha256:diff', sizeBytes: 5 }
let root: string
let metadata: MetadataStore

const open = () => createSnapshotter({ root, metadata })
const snapshots = () => join(root, 'snapshots')
const temporaryNames = () => readdirSync(join(snapshots(), 'tmp'))
const layerNames = () => readdirSync(snapshots()).filter(isLayerName).sort()
const recordedNames = () =>
  metadata
    .list<CommittedLayer>('layers')
    .map(row => row.value.name)
    .sort()

beforeEach(async () => {
  root = folder()
  metadata = await openMetadataStore({ path: join(root, 'metadata.lmdb') })
})

afterEach(() => metadata.close())

describe('opening the snapshots', () => {
  it('takes away what a dead process was making, and leaves what a living one makes', async () => {
    const dead = spawnSync('true').pid
    const [, boot = ''] = currentProcess().startTime.split('@')
    const first = await open()
    const prepared = await first.prepare('sha256:a')
    for (const name of [`${dead}.1@${boot}.abc123`, `${process.pid}.1@${boot}.abc123`, 'unreadable']) {
      mkdirSync(join(snapshots(), 'tmp', name, 'fs'), { recursive: true })
    }
    await open()
    expect(temporaryNames()).toHaveLength(1)
    await prepared.commit(record)
    expect(first.has('sha256:a')).toBe(true)
  })

  it('takes away directories that have no record, and nothing else', async () => {
    const first = await open()
    await (await first.prepare('sha256:a')).commit(record)
    await first.create('c', { chainId: 'sha256:a' })
    mkdirSync(join(snapshots(), 'zz/fs'), { recursive: true })
    writeFileSync(join(snapshots(), 'README.txt'), 'not ours')
    await open()
    expect(layerNames()).toHaveLength(2)
    expect(existsSync(join(snapshots(), 'README.txt'))).toBe(true)
    expect(temporaryNames()).toEqual([])
  })

  it('drops what a loss of power may have damaged, with all that stands on it, and keeps what was on the disk', async () => {
    const before = await open()
    await (await before.prepare('sha256:synced')).commit(record)
    await (await before.prepare('sha256:lost', 'sha256:synced')).commit(record)
    await (await before.prepare('sha256:above', 'sha256:lost')).commit(record)
    await before.create('c', { chainId: 'sha256:above' })
    // As after another boot: only the first one had reached the disk, and the topmost one by itself.
    await setTimeout(300)
    await metadata.transaction(transaction => {
      for (const { key, value } of transaction.list<CommittedLayer>('layers', 'sha256:'))
        transaction.put('layers', key, { ...value, boot: 'earlier' })
    })
    for (const { key, value } of metadata.list<CommittedLayer>('layers', 'sha256:')) {
      const mark = join(snapshots(), value.name, 'synced')
      if (key === 'sha256:lost') spawnSync('rm', ['-f', mark])
      else writeFileSync(mark, '')
    }
    const after = await open()
    expect(['sha256:synced', 'sha256:lost', 'sha256:above'].map(chainId => after.has(chainId))).toEqual([true, false, false])
    expect(() => after.mounts('c')).toThrow(expect.objectContaining({ code: 'not_found', message: expect.stringContaining('pull') }))
    expect(layerNames()).toEqual(recordedNames())
    // Pulled again, what stood on it stands again.
    await (await after.prepare('sha256:lost', 'sha256:synced')).commit(record)
    await (await after.prepare('sha256:above', 'sha256:lost')).commit(record)
    expect(after.mounts('c').lower).toHaveLength(3)
  })

  it('marks layers that the process which committed them did not live to mark', async () => {
    const first = await open()
    await (await first.prepare('sha256:a')).commit(record)
    const mark = join(snapshots(), recordedNames()[0] ?? '', 'synced')
    await expect.poll(() => existsSync(mark), { timeout: 20_000 }).toBe(true)
    spawnSync('rm', [mark])
    await open()
    await expect.poll(() => existsSync(mark), { timeout: 20_000 }).toBe(true)
  })

  it('is not disturbed by other processes that remove layers at that moment', async () => {
    const busy = await open()
    let isOver = false
    const removing = (async () => {
      for (let at = 0; !isOver; at++) {
        await busy.create(`${at}`, undefined)
        await busy.remove(`${at}`)
      }
    })()
    for (let times = 0; times < 100; times++) await open()
    isOver = true
    await removing
    expect(layerNames()).toEqual([])
  })

  it('finds records and directories in step, wherever processes that commit and remove are killed', async () => {
    await open()
    const script = bundledWriter()
    for (let round = 0; round < 4; round++) {
      const children = [1, 2].map(() => spawn(process.execPath, [script, root], { stdio: ['ignore', 'pipe', 'inherit'] }))
      try {
        await Promise.all(children.map(firstCommit))
        await setTimeout(round * 61)
      } finally {
        await Promise.all(children.map(killed))
      }
      const snapshotter = await open()
      expect(layerNames()).toEqual(recordedNames())
      expect(temporaryNames()).toEqual([])
      for (const { key } of metadata.list('layers', 'writable:')) {
        for (const directory of snapshotter.mounts(key.slice('writable:'.length)).lower)
          expect(readdirSync(directory)).toEqual(['complete'])
      }
    }
    expect(metadata.get<number>('meta', 'snapshots/next')).toBeGreaterThan(1)
  }, 120_000)
})

describe('layerName', () => {
  it('never gives the name of the temporary folder, and gives each name once', () => {
    const around = Array.from({ length: 50_000 }, (_, at) => layerName(at + 1))
    expect(new Set(around).size).toBe(50_000)
    expect(around).not.toContain('tmp')
    expect(around.every(isLayerName)).toBe(true)
  })
})

/** Once the process is in the middle of it. */
function firstCommit(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', () => resolve())
    child.once('exit', code => reject(new Error(`the writer ended with ${code} before its first commit`)))
  })
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
}

/** Commits, stacks and removes layers until it is killed. Bundled, because this Node does not run TypeScript. */
function bundledWriter(): string {
  const script = `
    import { writeFileSync } from 'node:fs'
    import { openMetadataStore } from ${JSON.stringify(join(checkout, 'runtime/metadata/lmdb-store.ts'))}
    import { createSnapshotter } from ${JSON.stringify(join(checkout, 'runtime/snapshots/overlay-snapshotter.ts'))}
    const root = process.argv[2]
    const metadata = await openMetadataStore({ path: root + '/metadata.lmdb' })
    const snapshotter = await createSnapshotter({ root, metadata })
    for (let at = 0; ; at = (at + 1) % 7) {
      try {
        const prepared = await snapshotter.prepare('sha256:' + at, at === 0 ? undefined : 'sha256:' + (at - 1))
        writeFileSync(prepared.directory + '/complete', 'x')
        await prepared.commit({ diffId: 'sha256:d', sizeBytes: 1 })
        process.stdout.write('.')
        await snapshotter.create(process.pid + '-' + at, { chainId: 'sha256:' + at })
        if (at % 2 === 0) await snapshotter.remove(process.pid + '-' + at)
        if (at === 6) for (let old = 6; old >= 0; old--) { await snapshotter.remove(process.pid + '-' + old); await snapshotter.removeLayer('sha256:' + old) }
      } catch (error) {
        if (!['conflict', 'not_found', 'already_exists'].includes(error.code)) throw error
      }
    }`
  const directory = folder()
  const options = [
    '--bundle',
    '--platform=node',
    '--format=esm',
    '--loader=ts',
    '--packages=external',
    `--outfile=${join(directory, 'writer.mjs')}`
  ]
  const built = spawnSync(join(checkout, 'node_modules/.bin/esbuild'), options, { input: script, encoding: 'utf8', cwd: checkout })
  if (built.status !== 0) throw new Error(built.stderr)
  spawnSync('ln', ['-s', join(checkout, 'node_modules'), directory])
  return join(directory, 'writer.mjs')
}
