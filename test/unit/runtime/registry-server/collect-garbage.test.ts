import { mkdir, readdir, rename, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { collectGarbage } from '../../../../runtime/registry-server/collect-garbage.js'
import { createStorage } from '../../../../runtime/registry-server/storage.js'
import { type Served, serve } from './served.js'

let served: Served
beforeEach(async () => {
  served = await serve()
})
afterEach(() => served[Symbol.asyncDispose]())

const hourMs = 3_600_000

async function collect(graceMs = hourMs) {
  return collectGarbage(await createStorage({ root: join(served.folder, 'storage') }), { graceMs })
}

/** Make everything as old as if it had been stored two hours ago. */
async function age(): Promise<void> {
  const past = new Date(Date.now() - 2 * hourMs)
  for (const entry of await readdir(served.folder, { recursive: true })) await utimes(join(served.folder, entry), past, past)
}

it('removes blobs that no manifest names, from repositories and the disk', async () => {
  const image = await served.image('kept')
  const orphan = await served.blob('kept', 'orphan')
  const { digest, layer } = await served.image('gone', { layer: 'some layer' })
  await served.call('DELETE', `/v2/gone/manifests/${digest}`)
  await age()
  const collected = await collect()
  expect(collected).toEqual({ blobs: 3, reclaimedBytes: expect.any(Number), uploads: 0 })
  expect(collected.reclaimedBytes).toBeGreaterThan(100)
  expect((await served.call('GET', `/v2/kept/blobs/${orphan}`)).status).toBe(404)
  expect((await served.call('GET', `/v2/gone/blobs/${layer}`)).status).toBe(404)
  for (const path of [`manifests/${image.digest}`, 'manifests/latest', `blobs/${image.layer}`, `blobs/${image.config}`]) {
    expect((await served.call('GET', `/v2/kept/${path}`)).status).toBe(200)
  }
})

it('leaves alone what is young, and what somebody was told of lately', async () => {
  const young = await served.blob('a', 'young')
  expect(await collect()).toMatchObject({ blobs: 0 })
  await age()
  await served.call('HEAD', `/v2/a/blobs/${young}`)
  expect(await collect()).toMatchObject({ blobs: 0 })
  await age()
  await served.call('POST', `/v2/b/blobs/uploads/?mount=${young}&from=a`)
  expect(await collect()).toMatchObject({ blobs: 0 })
  expect((await served.call('GET', `/v2/b/blobs/${young}`)).text).toBe('young')
})

it('removes uploads that nobody has gone on with for a day', async () => {
  const place = (await served.call('POST', '/v2/a/blobs/uploads/')).headers.get('location') ?? ''
  await age()
  expect(await collect()).toMatchObject({ uploads: 0 })
  const past = new Date(Date.now() - 25 * hourMs)
  for (const entry of await readdir(served.folder, { recursive: true })) await utimes(join(served.folder, entry), past, past)
  expect(await collect()).toMatchObject({ uploads: 1 })
  expect((await served.call('GET', place)).codes).toEqual(['BLOB_UPLOAD_UNKNOWN'])
  expect(await readdir(join(served.folder, 'storage', 'uploads'))).toEqual([])
})

it('that was cut short while it looked at a blob loses nothing', async () => {
  const { layer } = await served.image('a')
  const storage = await createStorage({ root: join(served.folder, 'storage') })
  const path = storage.content.path(layer)
  await mkdir(join(path, '..'), { recursive: true })
  await rename(path, `${path}.removed`)
  await age()
  expect(await collect()).toMatchObject({ blobs: 0 })
  expect((await served.call('GET', `/v2/a/blobs/${layer}`)).status).toBe(200)
})
