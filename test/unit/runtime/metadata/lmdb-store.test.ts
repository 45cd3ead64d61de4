import { execFileSync, fork } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openMetadataStore } from '../../../../runtime/metadata/lmdb-store.js'
import type { MetadataStore } from '../../../../runtime/metadata/metadata-store.js'

let folder: string
let store: MetadataStore

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-metadata-'))
  store = await openMetadataStore({ path: join(folder, 'metadata.lmdb') })
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

describe('metadata store', () => {
  it('reads what a transaction wrote, also inside the transaction', async () => {
    const inside = await store.transaction(transaction => {
      transaction.put('names', 'a', 'id-a')
      return transaction.get('names', 'a')
    })
    expect(inside).toBe('id-a')
    expect(store.get('names', 'a')).toBe('id-a')
  })

  it('aborts everything a throwing transaction wrote and rejects with its error', async () => {
    const error = new Error('no')
    const failing = store.transaction(transaction => {
      transaction.put('names', 'a', 'id-a')
      throw error
    })
    const passing = store.transaction(transaction => transaction.put('names', 'b', 'id-b'))
    await expect(failing).rejects.toBe(error)
    await passing
    expect(store.get('names', 'a')).toBeUndefined()
    expect(store.get('names', 'b')).toBe('id-b')
  })

  it('lists in key order, by prefix', async () => {
    await store.transaction(transaction => {
      for (const key of ['n2/b', 'n1/b', 'n1/a', 'n1']) transaction.put('endpoints', key, key)
    })
    expect(store.list('endpoints', 'n1/').map(row => row.key)).toEqual(['n1/a', 'n1/b'])
    expect(store.list('endpoints').map(row => row.key)).toEqual(['n1', 'n1/a', 'n1/b', 'n2/b'])
  })

  it('removes', async () => {
    await store.transaction(transaction => transaction.put('names', 'a', 1))
    await store.transaction(transaction => transaction.remove('names', 'a'))
    expect(store.get('names', 'a')).toBeUndefined()
  })

  it('refuses a store of another version', async () => {
    await store.transaction(transaction => transaction.put('meta', 'version', 99))
    await store.close()
    await expect(openMetadataStore({ path: join(folder, 'metadata.lmdb') })).rejects.toMatchObject({ code: 'not_supported' })
  })

  it('gives every one of several processes its own numbers from one counter, killed writers included', async () => {
    const writer = join(import.meta.dirname, 'counting-writer.mjs')
    const children = [0, 1, 2].map(() => fork(writer, [join(folder, 'metadata.lmdb')], { stdio: 'ignore' }))
    const ended = children.map(child => new Promise(resolve => child.once('exit', resolve)))
    // However long it takes them to begin.
    const writers = () => new Set(store.list<number>('names').map(({ value }) => value)).size
    while (writers() < children.length) await setTimeout(20)
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(ended)
    const taken = store.list<number>('names')
    expect(taken.length).toBeGreaterThan(3)
    await store.transaction(transaction => expect(transaction.get('meta', 'counter')).toBe(taken.length))
  })

  it.skipIf(process.getuid?.() !== 0)(
    'on a full disk records what makes room, and says resource_exhausted of what does not fit (needs root)',
    async () => {
      const disk = join(folder, 'disk')
      await mkdir(disk)
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', disk])
      const full = await openMetadataStore({ path: join(disk, 'metadata.lmdb') })
      try {
        await writeFile(join(disk, 'rest'), Buffer.alloc(4_000_000)).catch(() => undefined)
        for (let at = 0; at < 20; at++) await full.transaction(transaction => transaction.put('names', `${at}`, 'x'.repeat(5000)))
        for (let at = 0; at < 20; at++) await full.transaction(transaction => transaction.remove('names', `${at}`))
        const large = full.transaction(transaction => transaction.put('names', 'large', 'x'.repeat(1_000_000)))
        await expect(large).rejects.toMatchObject({ code: 'resource_exhausted', details: { errno: 'ENOSPC' } })
        await rm(join(disk, 'rest'))
        await full.transaction(transaction => transaction.put('names', 'large', 'x'.repeat(500_000)))
        expect(full.list('names').map(({ key }) => key)).toEqual(['large'])
        await writeFile(join(disk, 'rest'), Buffer.alloc(4_000_000)).catch(() => undefined)
        const last = full.transaction(transaction => transaction.put('names', 'larger', 'x'.repeat(1_500_000)))
        await expect(last).rejects.toMatchObject({ code: 'resource_exhausted' })
        // Closed below, though the last change did not fit.
      } finally {
        await full.close()
        execFileSync('umount', [disk])
      }
    }
  )
})
