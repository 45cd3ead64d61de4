import nock from 'nock'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parseReference } from '../../../../runtime/registry/reference.js'
import type { RegistryAuth } from '../../../../runtime/registry/registry-auth.js'
import { createRegistryClient, type RegistryClientOptions } from '../../../../runtime/registry/registry-client.js'
import { blobOf, imageOf, manifestType } from './sample-image.js'

const hub = 'https://registry-1.docker.io'
const image = imageOf()
const manifestHeaders = { 'content-type': manifestType }
const challenge = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"'
const retry = { baseMs: 1, maxMs: 2 }

beforeAll(() => nock.disableNetConnect())
afterEach(() => {
  expect(nock.pendingMocks()).toEqual([])
  nock.cleanAll()
})
afterAll(() => {
  nock.enableNetConnect()
  nock.restore()
})

const never = new AbortController().signal

function pullManifest(text: string, options: RegistryClientOptions & { auth?: RegistryAuth } = {}) {
  const client = createRegistryClient({ retry, ...options })
  return client.manifest(parseReference(text), { signal: never, ...(options.auth === undefined ? {} : { auth: options.auth }) })
}

/** The hub wants this before it answers. */
function mockHub(path: string, authorization: string) {
  nock(hub)
    .get(path)
    .reply(401, { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }, { 'www-authenticate': challenge })
  nock(hub, { reqheaders: { authorization } }).get(path).reply(200, image.manifest.bytes, manifestHeaders)
}

describe('token authentication', () => {
  it('gets an anonymous token with the scope it needs, once for several requests', async () => {
    mockHub('/v2/library/alpine/manifests/latest', 'Bearer anonymous-token')
    nock('https://auth.docker.io', { badheaders: ['authorization'] })
      .get('/token')
      .query({ service: 'registry.docker.io', scope: 'repository:library/alpine:pull' })
      .reply(200, { token: 'anonymous-token', expires_in: 300 })
    nock(hub, { reqheaders: { authorization: 'Bearer anonymous-token' } })
      .get(`/v2/library/alpine/blobs/${image.config.digest}`)
      .reply(200, image.config.bytes)
    const client = createRegistryClient({ retry })
    const reference = parseReference('alpine')
    const { digest, document } = await client.manifest(reference, { signal: never })
    expect(digest).toBe(image.manifest.digest)
    if (document.kind !== 'manifest') throw new Error('a manifest was served')
    expect(await client.blob(reference, document.config, { signal: never, limitBytes: 1e6 })).toEqual(image.config.bytes)
  })

  it('uses the scope that the registry names, and access_token where there is no token', async () => {
    nock('https://ghcr.io')
      .get('/v2/o/a/manifests/1')
      .reply(401, '', { 'www-authenticate': 'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:o/a:pull"' })
    nock('https://ghcr.io').get('/token').query({ service: 'ghcr.io', scope: 'repository:o/a:pull' }).reply(200, { access_token: 'at' })
    nock('https://ghcr.io', { reqheaders: { authorization: 'Bearer at' } })
      .get('/v2/o/a/manifests/1')
      .reply(200, image.manifest.bytes, manifestHeaders)
    await pullManifest('ghcr.io/o/a:1')
  })

  it('shows user name and password to the token service only', async () => {
    mockHub('/v2/me/app/manifests/latest', 'Bearer mine')
    nock('https://auth.docker.io', { reqheaders: { authorization: `Basic ${Buffer.from('me:pä:ss').toString('base64')}` } })
      .get('/token')
      .query({ service: 'registry.docker.io', scope: 'repository:me/app:pull', account: 'me' })
      .reply(200, { token: 'mine' })
    await pullManifest('me/app', { auth: { username: 'me', password: 'pä:ss' } })
  })

  it('exchanges an identity token', async () => {
    mockHub('/v2/me/app/manifests/latest', 'Bearer fresh')
    nock('https://auth.docker.io')
      .post(
        '/token',
        body => body.grant_type === 'refresh_token' && body.refresh_token === 'refresh-me' && body.scope === 'repository:me/app:pull'
      )
      .reply(200, { access_token: 'fresh' })
    await pullManifest('me/app', { auth: { identityToken: 'refresh-me' } })
  })

  it('uses a registry token as it is', async () => {
    nock('https://r.example', { reqheaders: { authorization: 'Bearer given' } })
      .get('/v2/a/manifests/latest')
      .reply(200, image.manifest.bytes, manifestHeaders)
    await pullManifest('r.example/a', { auth: { registryToken: 'given' } })
  })

  it('answers a basic challenge', async () => {
    nock('https://r.example').get('/v2/a/manifests/latest').reply(401, '', { 'www-authenticate': 'Basic realm="r"' })
    nock('https://r.example', { reqheaders: { authorization: `Basic ${Buffer.from('u:p').toString('base64')}` } })
      .get('/v2/a/manifests/latest')
      .reply(200, image.manifest.bytes, manifestHeaders)
    await pullManifest('r.example/a', { registries: { 'r.example': { auth: { username: 'u', password: 'p' } } } })
  })

  it('says what to give where basic authentication is asked and nothing is given', async () => {
    nock('https://r.example').get('/v2/a/manifests/latest').reply(401, '', { 'www-authenticate': 'Basic realm="r"' })
    await expect(pullManifest('r.example/a')).rejects.toMatchObject({
      code: 'unauthenticated',
      message: expect.stringMatching(/r\.example asks for a user name and password.*give credentials for r\.example/)
    })
  })

  it('gets a new token when the one it has is refused', async () => {
    const client = createRegistryClient({ retry })
    const path = '/v2/library/alpine/manifests/latest'
    mockHub(path, 'Bearer one')
    nock('https://auth.docker.io').get('/token').query(true).reply(200, { token: 'one' })
    await client.manifest(parseReference('alpine'), { signal: never })
    nock(hub, { reqheaders: { authorization: 'Bearer one' } })
      .get(path)
      .reply(401, '', { 'www-authenticate': `${challenge},error="invalid_token"` })
    nock('https://auth.docker.io').get('/token').query(true).reply(200, { token: 'two' })
    nock(hub, { reqheaders: { authorization: 'Bearer two' } })
      .get(path)
      .reply(200, image.manifest.bytes, manifestHeaders)
    await client.manifest(parseReference('alpine'), { signal: never })
  })

  it('tells of refused credentials without repeating them', async () => {
    nock(hub).get('/v2/me/app/manifests/latest').reply(401, '', { 'www-authenticate': challenge })
    nock('https://auth.docker.io').get('/token').query(true).reply(401, { details: 'incorrect username or password: me hunter2' })
    const failure = await pullManifest('me/app', { auth: { username: 'me', password: 'hunter2' } }).catch(error => error)
    expect(failure).toMatchObject({ code: 'unauthenticated', message: expect.stringContaining('incorrect username or password') })
    expect(JSON.stringify([failure.message, failure.details])).not.toContain('hunter2')
  })

  it('does not send credentials to a token service elsewhere over plain http', async () => {
    nock('https://r.example')
      .get('/v2/a/manifests/latest')
      .reply(401, '', { 'www-authenticate': 'Bearer realm="http://evil.example/token"' })
    await expect(pullManifest('r.example/a', { auth: { username: 'u', password: 'p' } })).rejects.toMatchObject({
      code: 'unauthenticated',
      message: expect.stringContaining('evil.example over plain http')
    })
  })

  it('reports a token service that answers no token', async () => {
    nock(hub).get('/v2/library/alpine/manifests/latest').reply(401, '', { 'www-authenticate': challenge })
    nock('https://auth.docker.io').get('/token').query(true).reply(200, '<html>log in</html>', { 'content-type': 'text/html' })
    await expect(pullManifest('alpine')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('auth.docker.io answered something that is no token: text/html: <html>log in</html>')
    })
  })

  it('drops the authorization when a redirect leaves the registry', async () => {
    nock('https://r.example', { reqheaders: { authorization: 'Bearer given' } })
      .get(`/v2/a/blobs/${image.config.digest}`)
      .reply(307, '', { location: 'https://storage.example/blob?signature=s' })
    nock('https://storage.example', { badheaders: ['authorization'] })
      .get('/blob')
      .query({ signature: 's' })
      .reply(200, image.config.bytes)
    const client = createRegistryClient({ retry })
    const descriptor = { mediaType: 'x', digest: image.config.digest as never, size: image.config.bytes.length }
    const bytes = await client.blob(parseReference('r.example/a'), descriptor, {
      signal: never,
      limitBytes: 1e6,
      auth: { registryToken: 'given' }
    })
    expect(bytes).toEqual(image.config.bytes)
  })

  it('does not answer a challenge of the storage behind a registry', async () => {
    nock('https://r.example').get('/v2/a/manifests/latest').reply(302, '', { location: 'https://evil.example/m' })
    nock('https://evil.example').get('/m').reply(401, '', { 'www-authenticate': 'Bearer realm="https://evil.example/token"' })
    await expect(pullManifest('r.example/a', { auth: { username: 'u', password: 'p' } })).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  it('does not follow a redirect from https to plain http', async () => {
    nock('https://r.example').get('/v2/a/manifests/latest').reply(302, '', { location: 'http://other.example/m' })
    await expect(pullManifest('r.example/a')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('from https to plain http on other.example')
    })
  })
})

describe('refusals', () => {
  it.each<[string, number, object | string, Record<string, string>, string, RegExp]>([
    [
      'an unknown tag',
      404,
      { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] },
      {},
      'not_found',
      /^manifest for r\.example\/a:latest not found: manifest unknown/
    ],
    [
      'an unknown repository',
      404,
      { errors: [{ code: 'NAME_UNKNOWN', message: 'repository name not known' }] },
      {},
      'not_found',
      /^repository r\.example\/a not found: name unknown/
    ],
    ['a bare 404', 404, 'nothing here', {}, 'not_found', /^manifest for r\.example\/a:latest not found: nothing here/],
    [
      'a repository that is private or not there',
      401,
      '',
      { 'www-authenticate': 'Bearer realm="https://r.example/token",error="insufficient_scope"' },
      'not_found',
      /^pull access denied for r\.example\/a, repository does not exist or may require authentication/
    ],
    [
      'a denial',
      403,
      { errors: [{ code: 'DENIED', message: 'requested access to the resource is denied' }] },
      {},
      'not_found',
      /^pull access denied for r\.example\/a.*requested access to the resource is denied/
    ],
    ['a plain 401', 401, '', {}, 'unauthenticated', /^pull access denied for r\.example\/a.*give credentials for r\.example/],
    [
      'a forbidden address',
      403,
      '<h1>Forbidden</h1>',
      { 'content-type': 'text/html' },
      'permission_denied',
      /answered 403 \(text\/html: <h1>Forbidden<\/h1>\)/
    ],
    ['a bad request', 400, 'bad', {}, 'failed', /answered 400 \(bad\)/]
  ])('%s', async (_, status, body, headers, code, message) => {
    const registry = nock('https://r.example')
    registry.get('/v2/a/manifests/latest').reply(status, body, headers)
    if (headers['www-authenticate'] !== undefined) {
      registry.get('/token').query(true).reply(200, { token: 't' })
      registry.get('/v2/a/manifests/latest').reply(status, body, headers)
    }
    await expect(pullManifest('r.example/a')).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  it('waits as long as a 429 says, then goes on', async () => {
    nock('https://r.example').get('/v2/a/manifests/latest').reply(429, '', { 'retry-after': '0' })
    nock('https://r.example').get('/v2/a/manifests/latest').reply(200, image.manifest.bytes, manifestHeaders)
    await pullManifest('r.example/a')
  })

  it('does not wait longer than it may, and says when to come back', async () => {
    const body = { errors: [{ code: 'TOOMANYREQUESTS', message: 'You have reached your pull rate limit' }] }
    nock('https://r.example').get('/v2/a/manifests/latest').reply(429, body, { 'retry-after': '3600' })
    await expect(pullManifest('r.example/a')).rejects.toMatchObject({
      code: 'resource_exhausted',
      message: expect.stringMatching(
        /^too many requests.*pull rate limit.*try again in 3600 s; registries allow more pulls to those who log in/
      )
    })
  })

  it('tries five times when the registry is in trouble', async () => {
    nock('https://r.example').get('/v2/a/manifests/latest').times(4).reply(503, 'overloaded')
    nock('https://r.example').get('/v2/a/manifests/latest').reply(200, image.manifest.bytes, manifestHeaders)
    await pullManifest('r.example/a')
    nock('https://r.example').get('/v2/a/manifests/latest').times(5).reply(500, 'broken')
    await expect(pullManifest('r.example/a')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('r.example answered 500 (broken); try again later')
    })
  })

  it('refuses a schema 1 manifest by name', async () => {
    const old = blobOf({ schemaVersion: 1, name: 'a', fsLayers: [] })
    nock('https://r.example')
      .get('/v2/a/manifests/latest')
      .reply(200, old.bytes, { 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' })
    await expect(pullManifest('r.example/a')).rejects.toMatchObject({ code: 'not_supported', message: expect.stringContaining('schema 1') })
  })

  it('refuses what is no image', async () => {
    const chart = blobOf({ schemaVersion: 2, mediaType: 'application/vnd.example.thing+json' })
    nock('https://r.example')
      .get('/v2/a/manifests/latest')
      .reply(200, chart.bytes, { 'content-type': 'application/vnd.example.thing+json' })
    await expect(pullManifest('r.example/a')).rejects.toMatchObject({ code: 'not_supported' })
  })

  it.each([
    ['no JSON', '{"schemaVersion": 2,', /not valid JSON/],
    ['no object', '[1]', /no JSON object/],
    [
      'a bad digest',
      { schemaVersion: 2, mediaType: manifestType, config: { mediaType: 'c', digest: 'sha256:x', size: 1 }, layers: [] },
      /malformed at config\[0\]\.digest/
    ],
    [
      'a negative size',
      { schemaVersion: 2, mediaType: manifestType, config: { mediaType: 'c', digest: image.config.digest, size: -1 }, layers: [] },
      /malformed at config\[0\]\.size/
    ],
    [
      'no layers',
      { schemaVersion: 2, mediaType: manifestType, config: { mediaType: 'c', digest: image.config.digest, size: 1 } },
      /malformed at layers/
    ]
  ])('refuses a manifest with %s', async (_, content, message) => {
    nock('https://r.example').get('/v2/a/manifests/latest').reply(200, blobOf(content).bytes, manifestHeaders)
    await expect(pullManifest('r.example/a')).rejects.toMatchObject({ code: 'data_loss', message: expect.stringMatching(message) })
  })

  it('notices a manifest that is not what its digest says', async () => {
    const other = imageOf({ config: { User: 'mallory' } }).manifest
    const path = `/v2/a/manifests/${image.manifest.digest}`
    nock('https://r.example').get(path).reply(200, other.bytes, manifestHeaders)
    await expect(pullManifest(`r.example/a@${image.manifest.digest}`)).rejects.toMatchObject({ code: 'data_loss' })
    nock('https://r.example')
      .get('/v2/a/manifests/latest')
      .reply(200, other.bytes, { ...manifestHeaders, 'docker-content-digest': image.manifest.digest })
    await expect(pullManifest('r.example/a')).rejects.toMatchObject({ code: 'data_loss' })
  })
})

describe('mirrors', () => {
  const registries = { 'docker.io': { mirrors: ['https://one.example', 'two.example/cache'], auth: { username: 'u', password: 'p' } } }

  it('are asked first, in order, without the credentials of the registry', async () => {
    nock('https://one.example', { badheaders: ['authorization'] })
      .get('/v2/library/alpine/manifests/latest')
      .reply(404, '')
    nock('https://two.example', { badheaders: ['authorization'] })
      .get('/cache/v2/library/alpine/manifests/latest')
      .reply(401, '', { 'www-authenticate': 'Bearer realm="https://two.example/token"' })
    nock('https://two.example', { badheaders: ['authorization'] })
      .get('/token')
      .query(true)
      .reply(200, { token: 'm' })
    nock('https://two.example', { reqheaders: { authorization: 'Bearer m' } })
      .get('/cache/v2/library/alpine/manifests/latest')
      .reply(200, image.manifest.bytes, manifestHeaders)
    await pullManifest('alpine', { registries, auth: { username: 'u', password: 'p' } })
  })

  it('give way to the registry, whose error tells what they said', async () => {
    nock('https://one.example').get('/v2/library/alpine/manifests/latest').reply(503, 'sleeping')
    nock('https://two.example').get('/cache/v2/library/alpine/manifests/latest').reply(200, '<html>', { 'content-type': 'text/html' })
    nock(hub)
      .get('/v2/library/alpine/manifests/latest')
      .reply(404, { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] })
    await expect(pullManifest('alpine', { registries })).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('asked before: mirror one.example, unavailable; mirror two.example, unavailable'),
      details: {
        mirrors: [
          { mirror: 'one.example', code: 'unavailable', message: expect.stringContaining('sleeping') },
          { mirror: 'two.example', code: 'unavailable', message: expect.stringContaining('web page') }
        ]
      }
    })
  })

  it('that do not answer are passed over for a while', async () => {
    const client = createRegistryClient({ retry, registries: { 'docker.io': { mirrors: ['https://one.example'] } } })
    nock('https://one.example')
      .get('/v2/library/alpine/manifests/latest')
      .replyWithError(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))
    nock(hub).get('/v2/library/alpine/manifests/latest').times(2).reply(200, image.manifest.bytes, manifestHeaders)
    await client.manifest(parseReference('alpine'), { signal: never })
    await client.manifest(parseReference('alpine'), { signal: never })
  })

  it('that send damaged content are not believed', async () => {
    nock('https://one.example').get(`/v2/library/alpine/blobs/${image.config.digest}`).reply(200, Buffer.alloc(image.config.bytes.length))
    nock(hub).get(`/v2/library/alpine/blobs/${image.config.digest}`).reply(200, image.config.bytes)
    const client = createRegistryClient({ retry, registries: { 'docker.io': { mirrors: ['https://one.example'] } } })
    const descriptor = { mediaType: 'x', digest: image.config.digest as never, size: image.config.bytes.length }
    expect(await client.blob(parseReference('alpine'), descriptor, { signal: never, limitBytes: 1e6 })).toEqual(image.config.bytes)
  })

  it.each(['ftp://x', 'https://user:pw@m.example', 'https://m.example?x=1', ''])('%j is refused when the client is made', mirror => {
    const make = () => createRegistryClient({ registries: { 'docker.io': { mirrors: [mirror] } } })
    expect(make).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    expect(make).not.toThrow(/pw/)
  })
})
