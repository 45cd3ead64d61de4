import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ContentStore } from '../../../../runtime/content/content-store.js'
import { createContentStore } from '../../../../runtime/content/file-content-store.js'
import { ownedName } from '../../../../runtime/content/owned-name.js'
import { currentProcess } from '../../../../runtime/host/process-identity.js'

const signal = new AbortController().signal
const isRoot = process.getuid?.() === 0

let root: string
let store: ContentStore

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'content-'))
  store = await createContentStore({ root })
})
afterEach(() => rm(root, { recursive: true, force: true }))

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

async function* pieces(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const leftovers = async () => [...(await readdir(join(root, 'ingest'))), ...(await readdir(join(root, 'blobs', 'sha256')))]

describe('ingest', () => {
  it.each([0, 1, 1000, 3_000_001])('keeps %i bytes under their digest', async size => {
    const bytes = randomBytes(size)
    const digest = digestOf(bytes)
    expect(await store.has(digest)).toBe(false)
    await store.ingest({ digest, sizeBytes: size }, pieces(bytes, 50_000), { signal })
    expect(await store.has(digest)).toBe(true)
    expect(bytes.equals(await store.read(digest))).toBe(true)
    expect(bytes.equals(await collect(store.stream(digest)))).toBe(true)
    expect(bytes.equals(await readFile(store.path(digest)))).toBe(true)
    expect(store.path(digest)).toBe(join(root, 'blobs', 'sha256', digest.slice(7)))
    expect(await readdir(join(root, 'ingest'))).toEqual([])
  })

  it('takes tiny pieces and sha512', async () => {
    const bytes = randomBytes(20_000)
    const digest = `sha512:${createHash('sha512').update(bytes).digest('hex')}`
    await store.ingest({ digest }, pieces(bytes, 7), { signal })
    expect(bytes.equals(await store.read(digest))).toBe(true)
  })

  it('hands the bytes on in order, waiting for the reader', async () => {
    const bytes = randomBytes(500_000)
    const seen: Uint8Array[] = []
    let busy = 0
    await store.ingest({ digest: digestOf(bytes) }, pieces(bytes, 60_000), {
      signal,
      tee: async chunk => {
        expect(++busy).toBe(1)
        await delay(1)
        seen.push(chunk)
        busy--
      }
    })
    expect(bytes.equals(Buffer.concat(seen))).toBe(true)
  })

  it('may happen twice at once', async () => {
    const bytes = randomBytes(300_000)
    const digest = digestOf(bytes)
    await Promise.all([
      store.ingest({ digest }, pieces(bytes, 9000), { signal }),
      store.ingest({ digest }, pieces(bytes, 5000), { signal })
    ])
    expect(bytes.equals(await store.read(digest))).toBe(true)
  })

  const bytes = Buffer.from('the right content')
  it.each([
    ['another content', { digest: digestOf(bytes) }, Buffer.from('the wrong content'), 'data_loss', /hashes to sha256:/],
    ['fewer bytes', { digest: digestOf(bytes), sizeBytes: 18 }, bytes, 'data_loss', /has 17 bytes, 18 were expected/],
    ['more bytes', { digest: digestOf(bytes), sizeBytes: 3 }, bytes, 'data_loss', /more than 3 bytes/],
    ['no digest', { digest: '../../etc/passwd' }, bytes, 'invalid_argument', /invalid digest/],
    ['a digest in capitals', { digest: digestOf(bytes).toUpperCase() }, bytes, 'invalid_argument', /invalid digest/]
  ])('refuses %s and leaves nothing', async (_, expected, content, code, message) => {
    await expect(store.ingest(expected, pieces(content, 5), { signal })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message)
    })
    expect(await leftovers()).toEqual([])
  })

  it('passes on what the source or the reader throws, and leaves nothing', async () => {
    const failure = new Error('line cut')
    async function* failing(): AsyncIterable<Uint8Array> {
      yield randomBytes(2_000_000)
      throw failure
    }
    await expect(store.ingest({ digest: digestOf(bytes) }, failing(), { signal })).rejects.toBe(failure)
    const tee = () => {
      throw failure
    }
    await expect(store.ingest({ digest: digestOf(bytes) }, pieces(bytes, 5), { signal, tee })).rejects.toBe(failure)
    expect(await leftovers()).toEqual([])
  })

  it('ends with the reason of an abort, even when the source is silent', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    let returned = false
    const silent: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => setImmediate(() => controller.abort(reason))),
        return: async () => {
          returned = true
          return { done: true, value: undefined }
        }
      })
    }
    await expect(store.ingest({ digest: digestOf(bytes) }, silent, { signal: controller.signal })).rejects.toBe(reason)
    await expect(store.ingest({ digest: digestOf(bytes) }, pieces(bytes, 5), { signal: controller.signal })).rejects.toBe(reason)
    expect(returned).toBe(true)
    expect(await leftovers()).toEqual([])
  })

  it.skipIf(!isRoot)('reports a full disk and leaves nothing (needs root)', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', root])
    try {
      const small = await createContentStore({ root })
      const large = randomBytes(5_000_000)
      await expect(small.ingest({ digest: digestOf(large) }, pieces(large, 65_536), { signal })).rejects.toMatchObject({
        code: 'resource_exhausted',
        message: expect.stringMatching(/no room on disk for sha256:.*\(ENOSPC\): remove images/)
      })
      expect(await leftovers()).toEqual([])
    } finally {
      execFileSync('umount', [root])
    }
  })
})

describe('the store', () => {
  const bytes = Buffer.from('hello')
  const digest = digestOf(bytes)

  it('names a blob that is not there', async () => {
    const failure = { code: 'not_found', message: expect.stringContaining(digest) }
    await expect(store.read(digest)).rejects.toMatchObject(failure)
    await expect(collect(store.stream(digest))).rejects.toMatchObject(failure)
    await store.remove(digest)
  })

  it('lists and removes', async () => {
    await store.ingest({ digest }, pieces(bytes, 5), { signal })
    await writeFile(join(root, 'blobs', 'sha256', 'README'), 'no blob')
    const listed = []
    for await (const blob of store.list()) listed.push(blob)
    expect(listed).toEqual([{ digest, sizeBytes: 5 }])
    await store.remove(digest)
    expect(await store.has(digest)).toBe(false)
  })

  it('sweeps what dead processes left when it opens, and nothing else', async () => {
    const dead = spawnSync('/bin/true').pid
    const abandoned = ownedName({ pid: dead, startTime: '1@x' })
    const reused = ownedName({ pid: process.pid, startTime: '1@x' })
    const mine = ownedName(currentProcess())
    for (const name of [abandoned, reused, mine, 'something-else']) await writeFile(join(root, 'ingest', name), 'half')
    await createContentStore({ root })
    expect((await readdir(join(root, 'ingest'))).sort()).toEqual([mine, 'something-else'].sort())
  })

  it.skipIf(isRoot)('passes on a directory that may not be read (needs an ordinary user)', async () => {
    await chmod(root, 0)
    await expect(createContentStore({ root })).rejects.toMatchObject({ code: 'EACCES' })
    await chmod(root, 0o700)
  })
})
