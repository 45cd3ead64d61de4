import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ociIndex, ociManifest, type Served, serve, sha256 } from './served.js'

let served: Served
let names = 0
const name = (): string => `test/repository-${names++}`
const call: Served['call'] = (...rest) => served.call(...rest)

beforeAll(async () => {
  served = await serve()
})
afterAll(() => served[Symbol.asyncDispose]())

describe('uploads', () => {
  it('come in one piece', async () => {
    const repository = name()
    const digest = sha256('hello')
    const sent = await call('POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: 'hello' })
    expect([sent.status, sent.headers.get('location'), sent.headers.get('docker-content-digest')]).toEqual([
      201,
      `/v2/${repository}/blobs/${digest}`,
      digest
    ])
    expect((await call('GET', `/v2/${repository}/blobs/${digest}`)).text).toBe('hello')
  })

  it('begin, then are finished with all of the bytes', async () => {
    const repository = name()
    const begun = await call('POST', `/v2/${repository}/blobs/uploads/`)
    expect([begun.status, begun.headers.get('range')]).toEqual([202, '0-0'])
    const digest = sha256('hello')
    const done = await call('PUT', `${begun.headers.get('location')}?digest=${digest}`, { body: 'hello' })
    expect(done.status).toBe(201)
    expect((await call('HEAD', `/v2/${repository}/blobs/${digest}`)).headers.get('content-length')).toBe('5')
  })

  it('come piece by piece, in order', async () => {
    const repository = name()
    const place = (await call('POST', `/v2/${repository}/blobs/uploads/`)).headers.get('location') ?? ''
    const first = await call('PATCH', place, { body: 'hello ', headers: { 'content-range': '0-5' } })
    expect([first.status, first.headers.get('range'), first.headers.get('location')]).toEqual([202, '0-5', place])
    const early = await call('PATCH', place, { body: 'ld', headers: { 'content-range': '9-10' } })
    expect([early.status, early.headers.get('range'), early.codes]).toEqual([416, '0-5', ['RANGE_INVALID']])
    const again = await call('PATCH', place, { body: 'hello ', headers: { 'content-range': '0-5' } })
    expect(again.status).toBe(416)
    const status = await call('GET', place)
    expect([status.status, status.headers.get('range')]).toEqual([204, '0-5'])
    const wrong = await call('PATCH', place, { body: 'wor', headers: { 'content-range': '6-7' } })
    expect([wrong.status, wrong.codes]).toEqual([400, ['SIZE_INVALID']])
    const digest = sha256('hello world')
    const done = await call('PUT', `${place}?digest=${digest}`, { body: 'world', headers: { 'content-range': '6-10' } })
    expect(done.status).toBe(201)
    expect((await call('GET', `/v2/${repository}/blobs/${digest}`)).text).toBe('hello world')
    expect((await call('GET', place)).codes).toEqual(['BLOB_UPLOAD_UNKNOWN'])
  })

  it('may be named by sha512, and be empty', async () => {
    const repository = name()
    const digest = `sha512:${createHash('sha512').update('hello').digest('hex')}`
    expect((await call('POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: 'hello' })).status).toBe(201)
    expect((await call('GET', `/v2/${repository}/blobs/${digest}`)).text).toBe('hello')
    const empty = await served.blob(repository, '')
    const got = await call('GET', `/v2/${repository}/blobs/${empty}`)
    expect([got.status, got.text, got.headers.get('content-length')]).toEqual([200, '', '0'])
  })

  it('that are damaged leave nothing', async () => {
    const repository = name()
    const place = (await call('POST', `/v2/${repository}/blobs/uploads/`)).headers.get('location') ?? ''
    const digest = sha256('hello')
    const damaged = await call('PUT', `${place}?digest=${digest}`, { body: 'hallo' })
    expect([damaged.status, damaged.codes]).toEqual([400, ['DIGEST_INVALID']])
    expect((await call('HEAD', `/v2/${repository}/blobs/${digest}`)).status).toBe(404)
    expect((await call('GET', place)).codes).toEqual(['BLOB_UPLOAD_UNKNOWN'])
    expect((await call('PUT', `${place}?digest=x`)).codes).toEqual(['DIGEST_INVALID'])
  })

  it("can be given up, and are their own repository's", async () => {
    const repository = name()
    const place = (await call('POST', `/v2/${repository}/blobs/uploads/`)).headers.get('location') ?? ''
    expect((await call('GET', place.replace(repository, name()))).codes).toEqual(['BLOB_UPLOAD_UNKNOWN'])
    expect((await call('DELETE', place)).status).toBe(204)
    expect((await call('DELETE', place)).status).toBe(404)
  })

  it('are not needed for what another repository has', async () => {
    const from = name()
    const to = name()
    const digest = await served.blob(from, 'shared')
    const mounted = await call('POST', `/v2/${to}/blobs/uploads/?mount=${digest}&from=${from}`)
    expect([mounted.status, mounted.headers.get('location')]).toEqual([201, `/v2/${to}/blobs/${digest}`])
    expect((await call('GET', `/v2/${to}/blobs/${digest}`)).text).toBe('shared')
    expect((await call('POST', `/v2/${name()}/blobs/uploads/?mount=${digest}`)).status).toBe(201)
    // What is not there has to be sent.
    const missing = await call('POST', `/v2/${to}/blobs/uploads/?mount=${sha256('missing')}&from=${from}`)
    expect([missing.status, missing.headers.get('location')]).toEqual([202, expect.stringContaining('/blobs/uploads/')])
  })

  it('of megabytes arrive as they were sent, many at once', async () => {
    const repository = name()
    const blobs = Array.from({ length: 8 }, () => randomBytes(3_000_000))
    const digests = await Promise.all(blobs.map(content => served.blob(repository, content)))
    const got = await Promise.all(digests.map(digest => call('GET', `/v2/${repository}/blobs/${digest}`)))
    expect(got.map(({ body }) => sha256(body))).toEqual(digests)
  })
})

describe('blobs', () => {
  it('are sent in part', async () => {
    const repository = name()
    const digest = await served.blob(repository, '0123456789')
    const path = `/v2/${repository}/blobs/${digest}`
    const part = await call('GET', path, { headers: { range: 'bytes=2-4' } })
    expect([part.status, part.text, part.headers.get('content-range')]).toEqual([206, '234', 'bytes 2-4/10'])
    expect((await call('GET', path, { headers: { range: 'bytes=-2' } })).text).toBe('89')
    const none = await call('GET', path, { headers: { range: 'bytes=10-' } })
    expect([none.status, none.headers.get('content-range'), none.codes]).toEqual([416, 'bytes */10', ['RANGE_INVALID']])
    const other = await call('GET', path, { headers: { range: 'bytes=2-4', 'if-range': '"other"' } })
    expect([other.status, other.text]).toEqual([200, '0123456789'])
  })

  it('are not sent to those who have them', async () => {
    const repository = name()
    const digest = await served.blob(repository, 'x')
    const path = `/v2/${repository}/blobs/${digest}`
    const etag = (await call('HEAD', path)).headers.get('etag') ?? ''
    expect(etag).toBe(`"${digest}"`)
    expect((await call('GET', path, { headers: { 'if-none-match': `"a", W/${etag}` } })).status).toBe(304)
    expect((await call('GET', path, { headers: { 'if-none-match': '"a"' } })).status).toBe(200)
  })

  it("are a repository's own, and go with their repository only", async () => {
    const one = name()
    const other = name()
    const digest = await served.blob(one, 'mine')
    expect((await call('GET', `/v2/${other}/blobs/${digest}`)).codes).toEqual(['BLOB_UNKNOWN'])
    await served.blob(other, 'mine')
    expect((await call('DELETE', `/v2/${one}/blobs/${digest}`)).status).toBe(202)
    expect((await call('DELETE', `/v2/${one}/blobs/${digest}`)).codes).toEqual(['BLOB_UNKNOWN'])
    expect((await call('GET', `/v2/${other}/blobs/${digest}`)).text).toBe('mine')
  })
})

describe('manifests', () => {
  it('are found by tag and digest, byte for byte', async () => {
    const repository = name()
    const { digest, bytes } = await served.image(repository, { tag: 'v1' })
    for (const target of ['v1', digest]) {
      const got = await call('GET', `/v2/${repository}/manifests/${target}`)
      expect([got.status, got.text, got.headers.get('content-type')]).toEqual([200, bytes, ociManifest])
      expect(got.headers.get('docker-content-digest')).toBe(digest)
    }
    const head = await call('HEAD', `/v2/${repository}/manifests/v1`)
    expect([head.status, head.text, head.headers.get('content-length')]).toEqual([200, '', String(Buffer.byteLength(bytes))])
    expect((await call('GET', `/v2/${repository}/manifests/v1`, { headers: { 'if-none-match': `"${digest}"` } })).status).toBe(304)
  })

  it('name only what is there, of the size that they say', async () => {
    const repository = name()
    const { bytes, layer } = await served.image(repository)
    const put = (body: string) => call('PUT', `/v2/${repository}/manifests/x`, { body, headers: { 'content-type': ociManifest } })
    const missing = await put(bytes.replace(layer, sha256('nowhere')))
    expect([missing.status, missing.codes, JSON.parse(missing.text).errors[0].detail]).toEqual([
      404,
      ['MANIFEST_BLOB_UNKNOWN'],
      [{ digest: sha256('nowhere') }]
    ])
    expect((await put(bytes.replace(/"size":200/, '"size":201'))).codes).toEqual(['MANIFEST_INVALID'])
    expect((await put('{')).codes).toEqual(['MANIFEST_INVALID'])
    const index = JSON.stringify({
      schemaVersion: 2,
      mediaType: ociIndex,
      manifests: [{ mediaType: ociManifest, digest: layer, size: 200 }]
    })
    const unknown = await call('PUT', `/v2/${repository}/manifests/x`, { body: index, headers: { 'content-type': ociIndex } })
    expect(unknown.codes).toEqual(['MANIFEST_BLOB_UNKNOWN'])
    expect((await call('GET', `/v2/${repository}/manifests/x`)).codes).toEqual(['MANIFEST_UNKNOWN'])
    expect((await call('GET', `/v2/${name()}/manifests/x`)).codes).toEqual(['NAME_UNKNOWN'])
  })

  it('are stored under the digest they have', async () => {
    const repository = name()
    const { bytes } = await served.image(repository)
    const put = (digest: string) =>
      call('PUT', `/v2/${repository}/manifests/${digest}`, { body: bytes, headers: { 'content-type': ociManifest } })
    expect((await put(sha256('other'))).codes).toEqual(['DIGEST_INVALID'])
    const sha512 = `sha512:${createHash('sha512').update(bytes).digest('hex')}`
    expect((await put(sha512)).headers.get('docker-content-digest')).toBe(sha512)
    expect((await call('GET', `/v2/${repository}/manifests/${sha512}`)).text).toBe(bytes)
  })

  it('have at most 4 MiB', async () => {
    const body = Buffer.alloc(4 * 1024 * 1024 + 1, 0x20)
    const long = await call('PUT', `/v2/${name()}/manifests/x`, { body, headers: { 'content-type': ociManifest } })
    expect([long.status, long.codes]).toEqual([413, ['MANIFEST_INVALID']])
  })

  it('go by tag, or with all their tags', async () => {
    const repository = name()
    const { digest, bytes } = await served.image(repository, { tag: 'a' })
    for (const tag of ['b', 'c'])
      await call('PUT', `/v2/${repository}/manifests/${tag}`, { body: bytes, headers: { 'content-type': ociManifest } })
    expect((await call('DELETE', `/v2/${repository}/manifests/a`)).status).toBe(202)
    expect((await call('DELETE', `/v2/${repository}/manifests/a`)).codes).toEqual(['MANIFEST_UNKNOWN'])
    expect((await call('GET', `/v2/${repository}/manifests/${digest}`)).status).toBe(200)
    expect((await call('DELETE', `/v2/${repository}/manifests/${digest}`)).status).toBe(202)
    expect((await call('GET', `/v2/${repository}/manifests/b`)).status).toBe(404)
    expect(JSON.parse((await call('GET', `/v2/${repository}/tags/list`)).text)).toEqual({ name: repository, tags: [] })
  })
})

describe('lists', () => {
  it('of tags come in pages', async () => {
    const repository = name()
    const { bytes } = await served.image(repository, { tag: 'b' })
    for (const tag of ['c', 'a', 'd', 'B']) {
      await call('PUT', `/v2/${repository}/manifests/${tag}`, { body: bytes, headers: { 'content-type': ociManifest } })
    }
    const pages: string[][] = []
    let next: string | undefined = `/v2/${repository}/tags/list?n=2`
    while (next !== undefined) {
      const page = await call('GET', next)
      pages.push(JSON.parse(page.text).tags)
      next = /^<(.*)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1]
    }
    expect(pages).toEqual([['B', 'a'], ['b', 'c'], ['d']])
    expect((await call('GET', `/v2/${name()}/tags/list`)).codes).toEqual(['NAME_UNKNOWN'])
  })

  it('of repositories have those with a manifest', async () => {
    await using own = await serve()
    for (const repository of ['b', 'a/x', 'c']) await own.image(repository)
    await own.blob('blobs-only', 'x')
    const page = await own.call('GET', '/v2/_catalog?n=2')
    expect(JSON.parse(page.text)).toEqual({ repositories: ['a/x', 'b'] })
    expect(page.headers.get('link')).toBe('</v2/_catalog?n=2&last=b>; rel="next"')
    expect(JSON.parse((await own.call('GET', '/v2/_catalog')).text)).toEqual({ repositories: ['a/x', 'b', 'c'] })
  })

  it('of referrers have what is about a manifest, whether that is there or not', async () => {
    const repository = name()
    const subject = { mediaType: ociManifest, digest: sha256('not here yet'), size: 3 }
    const path = `/v2/${repository}/referrers/${subject.digest}`
    expect(JSON.parse((await call('GET', path)).text)).toEqual({ schemaVersion: 2, mediaType: ociIndex, manifests: [] })
    const one = await served.image(repository, {
      tag: 'one',
      extra: { subject, artifactType: 'a/signature', annotations: { key: 'value' } }
    })
    const two = await served.image(repository, { tag: 'two', extra: { subject, artifactType: 'a/sbom' } })
    const all = await call('GET', path)
    expect(all.headers.get('content-type')).toBe(ociIndex)
    expect(all.headers.get('oci-filters-applied')).toBeNull()
    const manifests = JSON.parse(all.text).manifests as { digest: string }[]
    expect(manifests.map(({ digest }) => digest).sort()).toEqual([one.digest, two.digest].sort())
    const some = await call('GET', `${path}?artifactType=a%2Fsignature`)
    expect(some.headers.get('oci-filters-applied')).toBe('artifactType')
    expect(JSON.parse(some.text).manifests).toEqual([
      {
        mediaType: ociManifest,
        digest: one.digest,
        size: Buffer.byteLength(one.bytes),
        artifactType: 'a/signature',
        annotations: { key: 'value' }
      }
    ])
    const again = await call('PUT', `/v2/${repository}/manifests/one`, { body: one.bytes, headers: { 'content-type': ociManifest } })
    expect(again.headers.get('oci-subject')).toBe(subject.digest)
    await call('DELETE', `/v2/${repository}/manifests/${one.digest}`)
    expect(JSON.parse((await call('GET', path)).text).manifests).toHaveLength(1)
    expect((await call('GET', `/v2/${repository}/referrers/x`)).codes).toEqual(['DIGEST_INVALID'])
  })
})

describe('what the registry does not do', () => {
  it('is told by code and method', async () => {
    const wrong = await call('POST', '/v2/a/tags/list')
    expect([wrong.status, wrong.codes, wrong.headers.get('allow')]).toEqual([405, ['UNSUPPORTED'], 'HEAD, GET'])
    expect((await call('GET', '/v1/search')).status).toBe(404)
    expect((await call('GET', '/token')).status).toBe(404)
    expect((await call('GET', '/v2/')).headers.get('docker-distribution-api-version')).toBe('registry/2.0')
  })

  it('where it is read-only', async () => {
    await using own = await serve({ folder: served.folder, readOnly: true })
    const repository = name()
    const { digest } = await served.image(repository)
    expect((await own.call('GET', `/v2/${repository}/manifests/latest`)).status).toBe(200)
    for (const [method, path] of [
      ['POST', 'blobs/uploads/'],
      ['PUT', 'manifests/x'],
      ['DELETE', `manifests/${digest}`],
      ['DELETE', `blobs/${digest}`]
    ] as const) {
      expect((await own.call(method, `/v2/${repository}/${path}`)).codes).toEqual(['UNSUPPORTED'])
    }
  })
})
