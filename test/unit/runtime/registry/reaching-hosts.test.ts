// Needs: openssl, for certificates.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseReference } from '../../../../runtime/registry/reference.js'
import { createRegistryClient, type RegistryClientOptions } from '../../../../runtime/registry/registry-client.js'
import { type Authority, hasOpenssl, makeAuthority } from '../../../lab/certificates.js'
import { startConnectProxy } from '../../../lab/connect-proxy.js'
import { contentsOf, registryListener, serve } from './local-server.js'
import { imageOf, manifestType } from './sample-image.js'

const image = imageOf()
const contents = contentsOf('a', 'latest', image, manifestType)
const retry = { baseMs: 1, maxMs: 2, attempts: 2 }
const never = new AbortController().signal

let folder: string
let authority: Authority
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-hosts-'))
  if (hasOpenssl()) authority = makeAuthority(folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function digestAt(host: string, options: RegistryClientOptions, signal = never): Promise<string> {
  const client = createRegistryClient({ retry, certificates: join(folder, 'certs.d'), ...options })
  try {
    return (await client.manifest(parseReference(`${host}/a`), { signal })).digest
  } finally {
    await client.close()
  }
}

async function failureAt(host: string, options: RegistryClientOptions, signal = never): Promise<Error> {
  return digestAt(host, options, signal).then(
    () => Promise.reject(new Error('it worked')),
    (error: Error) => error
  )
}

/** A registry that speaks TLS as registry.test, and sees who asks. */
async function secureRegistry(settings: { readonly requestCert?: boolean } = {}) {
  const { cert, key } = authority.issue('server', ['DNS:registry.test', 'IP:127.0.0.1'])
  const seen: IncomingMessage[] = []
  const server = createTlsServer({ cert, key, ca: authority.cert, ...settings, rejectUnauthorized: settings.requestCert === true })
  const listener = registryListener(contents, request => {
    seen.push(request)
    return false
  })
  // The same events and methods as node:http's.
  return { running: await serve(listener, server as never), seen }
}

describe.skipIf(!hasOpenssl())('through a proxy (needs openssl)', () => {
  const secret = 'hunter2'

  it('TLS goes through a tunnel; only the proxy sees its credentials', async () => {
    const { running, seen } = await secureRegistry()
    await using _registry = running
    await using proxy = await startConnectProxy({ upstream: running.host, credentials: `me:${secret}@` })
    const proxies = () => ({ https: `http://me:${secret}%40@${proxy.host}`, http: 'http://127.0.0.1:1' })
    const registries = { 'registry.test:5000': { ca: authority.cert } }
    expect(await digestAt('registry.test:5000', { proxies, registries })).toBe(image.manifest.digest)
    expect(proxy.requests.map(({ line }) => line)).toEqual(['CONNECT registry.test:5000'])
    expect(seen[0]?.headers).not.toHaveProperty('proxy-authorization')
  })

  it('TLS is checked as it is without one', async () => {
    const { running } = await secureRegistry()
    await using _registry = running
    await using proxy = await startConnectProxy({ upstream: running.host })
    const proxies = () => ({ https: proxy.host })
    const other = { 'other.test': { ca: authority.cert } }
    expect(await failureAt('other.test', { proxies, registries: other })).toMatchObject({
      message: expect.stringMatching(/another host name/)
    })
    expect(await failureAt('registry.test', { proxies })).toMatchObject({ message: expect.stringMatching(/certificate is not trusted/) })
  })

  it('plain HTTP is asked of it', async () => {
    await using registry = await serve(registryListener(contents))
    await using proxy = await startConnectProxy({ upstream: registry.host, credentials: `me:${secret}`, status: 403 })
    const registries = { 'plain.test': { insecure: true } }
    const proxies = () => ({ http: `http://me:${secret}@${proxy.host}`, https: proxy.host })
    expect(await digestAt('plain.test', { registries, proxies })).toBe(image.manifest.digest)
    expect(proxy.requests.at(-1)?.line).toBe('GET http://plain.test/v2/a/manifests/latest')
  })

  it('not what is excepted, and not this machine', async () => {
    await using registry = await serve(registryListener(contents))
    const proxies = () => ({ http: 'http://127.0.0.1:1', https: 'http://127.0.0.1:1' })
    expect(await digestAt(registry.host, { proxies })).toBe(image.manifest.digest)
  })

  it('that refuses, is silent, is down or wrong: it is named, its credentials are not', async () => {
    await using refusing = await startConnectProxy({ upstream: '127.0.0.1:1', credentials: 'other:x' })
    await using forbidding = await startConnectProxy({ upstream: '127.0.0.1:1', status: 403 })
    const at = (host: string) => failureAt('registry.test', { proxies: () => ({ https: `http://me:${secret}@${host}` }) })
    const failures = {
      refusing: await at(refusing.host),
      forbidding: await at(forbidding.host),
      down: await at('127.0.0.1:1'),
      wrong: await failureAt('registry.test', { proxies: () => ({ https: `ftp://me:${secret}@p` }) })
    }
    expect(failures).toMatchObject({
      refusing: { code: 'unavailable', message: expect.stringMatching(/the proxy 127\.0\.0\.1:\d+ wants other credentials/) },
      forbidding: { code: 'unavailable', message: expect.stringMatching(/does not lead to registry\.test:443: it answered 403 No/) },
      down: { code: 'unavailable', message: expect.stringMatching(/the proxy 127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)/) },
      wrong: { code: 'invalid_argument', message: expect.stringMatching(/invalid proxy HTTPS_PROXY/) }
    })
    for (const failure of Object.values(failures)) {
      expect(JSON.stringify(failure) + failure.stack + String(failure.cause)).not.toContain(secret)
    }
    await using silent = await startConnectProxy({ upstream: '127.0.0.1:1', silent: true })
    const proxies = () => ({ https: silent.host })
    expect(await failureAt('registry.test', { proxies }, AbortSignal.timeout(100))).toMatchObject({ name: 'TimeoutError' })
    expect(await failureAt('registry.test', { proxies, stallMs: 100 })).toMatchObject({ code: 'deadline_exceeded' })
  })
})

describe.skipIf(!hasOpenssl())('a registry that wants a client certificate (needs openssl)', () => {
  const certificates = (host: string): string => join(folder, 'certs.d', host)

  it('is shown the one of its settings', async () => {
    const { running } = await secureRegistry({ requestCert: true })
    await using _registry = running
    const { cert, key } = authority.issue('client', [])
    const { host } = running
    expect(await digestAt(host, { registries: { [host]: { ca: authority.cert, cert, key } } })).toBe(image.manifest.digest)
    expect(await failureAt(host, { registries: { [host]: { ca: authority.cert } } })).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/certificate/)
    })
  })

  it("is shown the one of Docker's folder, and checked by the authority there", async () => {
    const { running } = await secureRegistry({ requestCert: true })
    await using _registry = running
    const { host } = running
    const { cert, key } = authority.issue('client', [])
    await mkdir(certificates(host), { recursive: true })
    await writeFile(join(certificates(host), 'ca.crt'), authority.cert)
    await writeFile(join(certificates(host), 'client.cert'), cert)
    expect(await failureAt(host, {})).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(/missing key client\.key for client certificate client\.cert/)
    })
    await writeFile(join(certificates(host), 'client.key'), key)
    expect(await digestAt(host, {})).toBe(image.manifest.digest)
    await rm(join(certificates(host), 'client.cert'))
    expect(await failureAt(host, {})).toMatchObject({
      message: expect.stringMatching(/missing client certificate client\.cert for key client\.key/)
    })
    await rm(certificates(host), { recursive: true })
  })
})
