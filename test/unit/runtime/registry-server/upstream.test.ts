import { once } from 'node:events'
import { readdir, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ociManifest, type Pushed, type Served, serve } from './served.js'

let origin: Served
let cache: Served
let image: Pushed

beforeEach(async () => {
  origin = await serve()
  cache = await serve({ proxy: `http://${origin.registry.address}` })
  image = await origin.image('app', { layer: 'x'.repeat(3_000_000) })
})
afterEach(async () => {
  await cache[Symbol.asyncDispose]()
  await origin[Symbol.asyncDispose]()
})

const pathOf = (digest: string) => join(origin.folder, 'storage', 'blobs', digest.replace(':', '/'))
/** Requests that reached the origin since it was asked last, for the cache's sake. */
const asked = (what: string) => origin.lines.filter(line => line.startsWith('GET') && line.includes(what)).length

it('fetches what it does not have, once, and keeps it', async () => {
  const manifests = await Promise.all(['latest', 'latest', image.digest].map(target => cache.call('GET', `/v2/app/manifests/${target}`)))
  expect(manifests.map(({ text }) => text)).toEqual([image.bytes, image.bytes, image.bytes])
  const blobs = await Promise.all(Array.from({ length: 5 }, () => cache.call('GET', `/v2/app/blobs/${image.layer}`)))
  expect(blobs.map(({ status, body }) => [status, body.byteLength])).toEqual(Array.from({ length: 5 }, () => [200, 3_000_000]))
  expect(asked(image.layer)).toBe(1)
  await origin.registry.close()
  expect((await cache.call('GET', '/v2/app/manifests/latest')).text).toBe(image.bytes)
  expect((await cache.call('GET', `/v2/app/blobs/${image.layer}`)).body.byteLength).toBe(3_000_000)
  // Not fetched in time.
  expect((await cache.call('GET', `/v2/app/blobs/${image.config}`)).status).toBe(503)
})

it('asks what a tag names each time, and believes that there is none', async () => {
  await cache.call('GET', '/v2/app/manifests/latest')
  await cache.call('GET', '/v2/app/manifests/latest')
  // Asked about, and not fetched again.
  expect(asked('/manifests/latest')).toBe(1)
  const other = await origin.image('app')
  const got = await cache.call('GET', '/v2/app/manifests/latest')
  expect([got.text, got.headers.get('content-type')]).toEqual([other.bytes, ociManifest])
  await origin.call('DELETE', '/v2/app/manifests/latest')
  expect((await cache.call('GET', '/v2/app/manifests/latest')).codes).toEqual(['MANIFEST_UNKNOWN'])
  // By digest it is still here.
  expect((await cache.call('GET', `/v2/app/manifests/${image.digest}`)).status).toBe(200)
})

it('tells the size of a blob without fetching it, and knows no blob that no manifest names', async () => {
  expect((await cache.call('HEAD', `/v2/app/blobs/${image.layer}`)).status).toBe(404)
  await cache.call('GET', '/v2/app/manifests/latest')
  const head = await cache.call('HEAD', `/v2/app/blobs/${image.layer}`)
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '3000000'])
  expect(asked(image.layer)).toBe(0)
  const part = await cache.call('GET', `/v2/app/blobs/${image.layer}`, { headers: { range: 'bytes=2999990-' } })
  expect([part.status, part.text]).toEqual([206, 'x'.repeat(10)])
})

it.each<[string, (path: string) => Promise<void>]>([
  ['damaged', path => writeFile(path, `y${'x'.repeat(2_999_999)}`)],
  ['cut short', path => truncate(path, 1_000_000)]
])('gives nobody the whole of a blob that is %s there, and keeps nothing of it', async (_what, damage) => {
  await cache.call('GET', '/v2/app/manifests/latest')
  await damage(pathOf(image.layer))
  const attempts = await Promise.allSettled([1, 2].map(() => cache.call('GET', `/v2/app/blobs/${image.layer}`)))
  for (const attempt of attempts) {
    if (attempt.status === 'fulfilled') expect(attempt.value.status).toBeGreaterThanOrEqual(400)
    else expect(attempt.reason).toBeInstanceOf(TypeError)
  }
  await expect.poll(() => readdir(join(cache.folder, 'storage', 'uploads'))).toEqual([])
  await writeFile(pathOf(image.layer), 'x'.repeat(3_000_000))
  expect((await cache.call('GET', `/v2/app/blobs/${image.layer}`)).body.byteLength).toBe(3_000_000)
})

it('takes nothing from those who push, and forgets what is deleted', async () => {
  await cache.call('GET', '/v2/app/manifests/latest')
  const sent = await cache.call('PUT', '/v2/app/manifests/x', { body: image.bytes, headers: { 'content-type': ociManifest } })
  expect([sent.status, sent.codes]).toEqual([405, ['UNSUPPORTED']])
  expect((await cache.call('DELETE', `/v2/app/manifests/${image.digest}`)).status).toBe(202)
  expect((await cache.call('GET', '/v2/app/manifests/latest')).status).toBe(200)
})

it('lists what refers to a manifest there, and what is kept when nobody answers', async () => {
  const subject = { mediaType: ociManifest, digest: image.digest, size: Buffer.byteLength(image.bytes) }
  const about = await origin.image('app', { tag: 'about', extra: { subject, artifactType: 'a/signature' } })
  const list = async () => JSON.parse((await cache.call('GET', `/v2/app/referrers/${image.digest}`)).text).manifests
  const there = await list()
  expect(there).toMatchObject([{ digest: about.digest, artifactType: 'a/signature' }])
  await cache.call('GET', `/v2/app/manifests/${about.digest}`)
  await origin.registry.close()
  expect(await list()).toEqual(there)
})

it('ends while it waits for the other registry, and tells whoever waits with it', async () => {
  const silent = createServer(request => request.resume())
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const waiting = await serve({ proxy: `http://127.0.0.1:${port}` })
  const answer = waiting.call('GET', '/v2/app/manifests/latest').catch((error: unknown) => error)
  await once(silent, 'request')
  await waiting[Symbol.asyncDispose]()
  expect(await answer).toBeInstanceOf(Error)
  silent.closeAllConnections()
  silent.close()
})
