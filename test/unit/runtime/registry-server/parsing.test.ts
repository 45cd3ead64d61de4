import { describe, expect, it } from 'vitest'
import { parseContentRange, parseRange } from '../../../../runtime/registry-server/byte-range.js'
import { pageOf } from '../../../../runtime/registry-server/list-endpoints.js'
import { readManifest } from '../../../../runtime/registry-server/manifest-content.js'
import { parseProxy } from '../../../../runtime/registry-server/open-upstream.js'
import { parseRoute } from '../../../../runtime/registry-server/route.js'
import { parseScopes, Tokens } from '../../../../runtime/registry-server/tokens.js'
import { ociIndex, ociManifest, sha256 } from './served.js'

const digest = sha256('x')
const id = 'a'.repeat(32)

describe('paths', () => {
  it.each([
    ['/v2/', { kind: 'base' }],
    ['/v2/_catalog', { kind: 'catalog' }],
    ['/v2/a/tags/list', { kind: 'tags', repository: 'a' }],
    ['/v2/a/b-c/d.e/manifests/v1.0', { kind: 'manifest', repository: 'a/b-c/d.e', target: { tag: 'v1.0' } }],
    [`/v2/a/manifests/${digest}`, { kind: 'manifest', repository: 'a', target: { digest } }],
    [`/v2/a/manifests/${encodeURIComponent(digest)}`, { kind: 'manifest', repository: 'a', target: { digest } }],
    [`/v2/a/blobs/${digest}`, { kind: 'blob', repository: 'a', digest }],
    ['/v2/a/blobs/uploads/', { kind: 'uploads', repository: 'a' }],
    ['/v2/a/blobs/uploads', { kind: 'uploads', repository: 'a' }],
    [`/v2/a/blobs/uploads/${id}`, { kind: 'upload', repository: 'a', id }],
    [`/v2/a/referrers/${digest}`, { kind: 'referrers', repository: 'a', digest }],
    // Words of the API are names like any others.
    ['/v2/blobs/manifests/tags/list', { kind: 'tags', repository: 'blobs/manifests' }],
    ['/v2/manifests/manifests/blobs', { kind: 'manifest', repository: 'manifests', target: { tag: 'blobs' } }],
    ['/v2/tags/blobs/uploads/', { kind: 'uploads', repository: 'tags' }]
  ])('%s', (path, route) => {
    expect(parseRoute(path)).toEqual(route)
  })

  it.each(['/', '/v1/', '/v2/a', '/v2/a/tags', '/v2/a/nothing/b', '/v2/tags/list', '/v22/'])('%s is none of the API', path => {
    expect(parseRoute(path)).toBeUndefined()
  })

  it.each([
    ['/v2/A/tags/list', 'NAME_INVALID'],
    ['/v2/a..b/tags/list', 'NAME_INVALID'],
    ['/v2/../../etc/tags/list', 'NAME_INVALID'],
    ['/v2/%2e%2e/tags/list', 'NAME_INVALID'],
    ['/v2/a%2F..%2Fb/tags/list', 'NAME_INVALID'],
    ['/v2/a%/tags/list', 'NAME_INVALID'],
    [`/v2/${'a'.repeat(256)}/tags/list`, 'NAME_INVALID'],
    ['/v2/a/blobs/sha256:abc', 'DIGEST_INVALID'],
    [`/v2/a/blobs/md5:${'a'.repeat(32)}`, 'DIGEST_INVALID'],
    ['/v2/a/manifests/.hidden', 'TAG_INVALID'],
    ['/v2/a/manifests/..%2F..%2Fx', 'TAG_INVALID'],
    [`/v2/a/manifests/${'a'.repeat(129)}`, 'TAG_INVALID'],
    ['/v2/a/blobs/uploads/..', 'BLOB_UPLOAD_UNKNOWN']
  ])('%s is refused', (path, code) => {
    expect(() => parseRoute(path)).toThrow(expect.objectContaining({ refusalCode: code }))
  })
})

describe('ranges', () => {
  it.each([
    [undefined, undefined],
    ['bytes=0-3', { first: 0, last: 3 }],
    ['bytes=4-', { first: 4, last: 9 }],
    ['bytes=-3', { first: 7, last: 9 }],
    ['bytes=-30', { first: 0, last: 9 }],
    ['bytes=8-100', { first: 8, last: 9 }],
    ['Bytes = 1-2', undefined],
    ['bytes=0-1,4-5', undefined],
    ['bytes=5-2', undefined],
    ['bytes=-', undefined],
    ['items=0-1', undefined]
  ])('%s of ten bytes', (header, range) => {
    expect(parseRange(header, 10)).toEqual(range)
  })

  it.each(['bytes=10-', 'bytes=10-12', 'bytes=-0'])('%s has none of ten bytes', header => {
    expect(() => parseRange(header, 10)).toThrow(expect.objectContaining({ status: 416, headers: { 'content-range': 'bytes */10' } }))
  })

  it('of a piece are read as the specification and as HTTP writes them', () => {
    expect(parseContentRange('0-9')).toEqual({ first: 0, last: 9 })
    expect(parseContentRange('bytes 10-19/*')).toEqual({ first: 10, last: 19 })
    expect(parseContentRange(undefined)).toBeUndefined()
    for (const wrong of ['', '9-0', 'x', '0-', '-1', '1-2-3']) {
      expect(() => parseContentRange(wrong)).toThrow(expect.objectContaining({ refusalCode: 'BLOB_UPLOAD_INVALID' }))
    }
  })
})

describe('pages', () => {
  const names = ['a', 'b', 'c', 'd']
  it.each([
    ['', { names }],
    ['n=2', { names: ['a', 'b'], next: 'b' }],
    ['n=2&last=b', { names: ['c', 'd'] }],
    ['last=bb', { names: ['c', 'd'] }],
    ['n=0', { names: [] }],
    ['n=9', { names }]
  ])('%s', (query, page) => {
    expect(pageOf(names, new URLSearchParams(query))).toEqual(page)
  })

  it('have to be of a number of names', () => {
    expect(() => pageOf(names, new URLSearchParams('n=x'))).toThrow(expect.objectContaining({ refusalCode: 'PAGINATION_NUMBER_INVALID' }))
  })
})

describe('manifests', () => {
  const part = { mediaType: 'a/b', digest, size: 1 }
  const read = (document: object, type?: string) => readManifest(Buffer.from(JSON.stringify(document)), type)

  it('name blobs, but not those that are to be had elsewhere', () => {
    const foreign = { ...part, digest: sha256('y'), mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }
    const { blobs, manifests } = read({ schemaVersion: 2, config: part, layers: [part, foreign] }, ociManifest)
    expect(blobs.map(each => each.digest)).toEqual([digest, digest])
    expect(manifests).toEqual([])
  })

  it('say what they are about, and of what type: where they do not, their configuration does', () => {
    const image = { schemaVersion: 2, config: part, layers: [], subject: part, annotations: { a: 'b' } }
    expect(read(image)).toMatchObject({ mediaType: ociManifest, subject: digest, artifactType: 'a/b', annotations: { a: 'b' } })
    expect(read({ ...image, artifactType: 'c/d' })).toMatchObject({ artifactType: 'c/d' })
    expect(read({ schemaVersion: 2, manifests: [part] })).toMatchObject({ mediaType: ociIndex, manifests: [{ digest, sizeBytes: 1 }] })
  })

  it.each<[string, unknown, string?]>([
    ['is no object', []],
    ['has another type than it says', { schemaVersion: 2, mediaType: ociIndex, manifests: [] }, ociManifest],
    ['is of schema 1', { schemaVersion: 1 }],
    ['has no version', { config: part, layers: [] }],
    ['has a type nobody knows', { schemaVersion: 2, config: part, layers: [] }, 'text/plain'],
    ['has no layers', { schemaVersion: 2, config: part }],
    ['has a layer without a digest', { schemaVersion: 2, config: part, layers: [{ mediaType: 'a/b', size: 1 }] }],
    ['has a layer with a negative size', { schemaVersion: 2, config: part, layers: [{ ...part, size: -1 }] }]
  ])('one that %s is refused', (_what, document, type) => {
    expect(() => read(document as object, type)).toThrow(expect.objectContaining({ refusalCode: 'MANIFEST_INVALID' }))
  })
})

describe('tokens', () => {
  it('hold for what they were given for, for a while, and for one registry', () => {
    const tokens = new Tokens()
    const access = parseScopes(['repository:a/b:pull,push registry:catalog:*', 'repository:c:pull'])
    expect(access).toEqual([
      { repository: 'a/b', actions: ['pull', 'push'] },
      { repository: 'c', actions: ['pull'] }
    ])
    const token = tokens.issue({ user: 'me', access }, 1000)
    expect(tokens.read(token, 2000)).toMatchObject({ user: 'me', access })
    expect(tokens.read(token, 1000 + 301_000)).toBeUndefined()
    expect(new Tokens().read(token, 2000)).toBeUndefined()
    expect(tokens.read(`${token.slice(0, -2)}AA`, 2000)).toBeUndefined()
    expect(tokens.read('', 2000)).toBeUndefined()
  })
})

describe('the URL of the other registry', () => {
  it('is a host, and shows no credentials when it is refused', () => {
    expect(parseProxy('https://registry.example:5000').host).toBe('registry.example:5000')
    for (const wrong of ['registry.example', 'ftp://a', 'https://a/b', 'https://a?b']) expect(() => parseProxy(wrong)).toThrow(/^proxy: /)
    expect(() => parseProxy('https://me:secret@a')).toThrow(expect.not.objectContaining({ message: expect.stringContaining('secret') }))
  })
})
