import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
    const runs = [0, 1, 2].map(
      () =>
        new Promise<void>(resolve => {
          const child = fork(writer, [join(folder, 'metadata.lmdb')], { stdio: 'ignore' })
          setTimeout(() => child.kill('SIGKILL'), 700).unref()
          child.once('exit', () => resolve())
        })
    )
    await Promise.all(runs)
    const taken = store.list<number>('names')
    expect(taken.length).toBeGreaterThan(3)
    await store.transaction(transaction => expect(transaction.get('meta', 'counter')).toBe(taken.length))
  })
})
