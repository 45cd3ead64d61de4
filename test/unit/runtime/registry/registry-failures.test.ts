import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import type { Digest } from '../../../../runtime/registry/digest.js'
import { parsePlatform } from '../../../../runtime/registry/platform.js'
import { parseReference } from '../../../../runtime/registry/reference.js'
import { createRegistryClient, type RegistryClientOptions } from '../../../../runtime/registry/registry-client.js'
import { resolveImage } from '../../../../runtime/registry/resolve-image.js'
import { answerError, contentsOf, registryListener, serve } from './local-server.js'
import { blobOf, imageOf, indexOf, indexType, manifestType } from './sample-image.js'

const image = imageOf()
const contents = contentsOf('a', 'latest', image, manifestType)
const retry = { baseMs: 1, maxMs: 2, attempts: 3 }
const signal = new AbortController().signal
const noise = blobOf(Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) % 251)))
const noiseDescriptor = { mediaType: 'application/octet-stream', digest: noise.digest as Digest, size: noise.bytes.length }

function client(options: RegistryClientOptions = {}) {
  return createRegistryClient({ retry, ...options })
}

async function readBlob(listener: RequestListener, options: RegistryClientOptions & { signal?: AbortSignal } = {}) {
  await using server = await serve(listener)
  const chunks: Uint8Array[] = []
  const stream = client(options).blobStream(parseReference(`${server.host}/a`), noiseDescriptor, { signal: options.signal ?? signal })
  for await (const chunk of stream) chunks.push(Uint8Array.from(chunk))
  return { bytes: Buffer.concat(chunks), requests: server.requests }
}

async function readManifest(listener: RequestListener, options: RegistryClientOptions = {}) {
  await using server = await serve(listener)
  return { ...(await client(options).manifest(parseReference(`${server.host}/a`), { signal })), requests: server.requests }
}

describe('a registry on loopback', () => {
  it('is reached over plain http without settings', async () => {
    expect((await readManifest(registryListener(contents))).digest).toBe(image.manifest.digest)
  })

  it('that is down is named with errno and advice, at once', async () => {
    const server = await serve(() => {})
    await server[Symbol.asyncDispose]()
    await expect(client().manifest(parseReference(`${server.host}/a`), { signal })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(new RegExp(`registry ${server.host}: the connection was refused \\(ECONNREFUSED\\); check that`)),
      details: { errno: 'ECONNREFUSED', registry: server.host }
    })
  })

  it('whose name does not exist is named too', async () => {
    await expect(client().manifest(parseReference('no-such-host.invalid/a'), { signal })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/no-such-host\.invalid.*(ENOTFOUND|EAI_AGAIN)/)
    })
  })

  it('that answers with a web page is not believed', async () => {
    const page = '<!doctype html>\n<title>Welcome to the hotel</title>'
    const listener: RequestListener = (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(page)
    await expect(readManifest(listener)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(
        /answered with a web page instead of a manifest \(text\/html: <!doctype html> <title>Welcome to the hotel/
      )
    })
  })

  it('that falls silent is given up after the stall deadline', async () => {
    await expect(readManifest(() => {}, { stallMs: 50 })).rejects.toMatchObject({
      code: 'deadline_exceeded',
      message: expect.stringMatching(/sent nothing for 50 ms/)
    })
    const half: RequestListener = (_, response) => {
      response.writeHead(200, { 'content-length': noise.bytes.length })
      response.write(noise.bytes.subarray(0, 1000))
    }
    await expect(readBlob(half, { stallMs: 50 })).rejects.toMatchObject({ code: 'deadline_exceeded' })
  })

  it('that is slow but alive is waited for', async () => {
    const drip: RequestListener = async (_, response) => {
      response.writeHead(200, { 'content-length': noise.bytes.length })
      for (let at = 0; at < noise.bytes.length; at += 15_000) {
        response.write(noise.bytes.subarray(at, at + 15_000))
        await delay(100)
      }
      response.end()
    }
    expect((await readBlob(drip, { stallMs: 1500 })).bytes.equals(noise.bytes)).toBe(true)
  })

  it('does not time out a reader that takes its time', async () => {
    await using server = await serve(registryListener({ ...contents, blobs: new Map([[noise.digest, noise.bytes]]) }))
    let size = 0
    for await (const chunk of client({ stallMs: 500 }).blobStream(parseReference(`${server.host}/a`), noiseDescriptor, { signal })) {
      size += chunk.byteLength
      if (size === chunk.byteLength) await delay(800)
    }
    expect(size).toBe(noise.bytes.length)
  })

  it('ends with the reason of the abort, while waiting for it', async () => {
    const controller = new AbortController()
    const reason = new Error('changed my mind')
    const reading = readBlob(() => controller.abort(reason), { signal: controller.signal })
    await expect(reading).rejects.toBe(reason)
    const silent = new AbortController()
    silent.abort(reason)
    await expect(readBlob(() => {}, { signal: silent.signal })).rejects.toBe(reason)
  })
})

describe('blobs', () => {
  it('are resumed where the connection broke', async () => {
    let broken = 0
    const { bytes, requests } = await readBlob(
      registryListener({ ...contents, blobs: new Map([[noise.digest, noise.bytes]]) }, (request, response) => {
        if (broken++ >= 2) return false
        const start = Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0)
        response.writeHead(start === 0 ? 200 : 206, {
          'content-length': noise.bytes.length - start,
          'content-range': `bytes ${start}-${noise.bytes.length - 1}/${noise.bytes.length}`
        })
        response.write(noise.bytes.subarray(start, start + 100_000), () => setTimeout(() => request.socket.destroy(), 20))
        return true
      })
    )
    expect(bytes.equals(noise.bytes)).toBe(true)
    expect(requests).toHaveLength(3)
  })

  it('are resumed from a server that knows no ranges', async () => {
    let broken = false
    const { bytes } = await readBlob((request, response) => {
      response.writeHead(200, { 'content-length': noise.bytes.length })
      if (broken) return response.end(noise.bytes)
      broken = true
      return response.write(noise.bytes.subarray(0, 123_456), () => setTimeout(() => request.socket.resetAndDestroy(), 20))
    })
    expect(bytes.equals(noise.bytes)).toBe(true)
  })

  it('that stay short are data_loss, with the numbers', async () => {
    const withLength: RequestListener = (request, response) => {
      response.writeHead(200, { 'content-length': noise.bytes.length })
      response.write(noise.bytes.subarray(0, 1000), () => setTimeout(() => request.socket.end(), 20))
    }
    const chunked: RequestListener = (_, response) => response.writeHead(200).end(noise.bytes.subarray(0, 1000))
    for (const listener of [withLength, chunked]) {
      await expect(readBlob(listener)).rejects.toMatchObject({
        code: 'data_loss',
        message: expect.stringMatching(/sent only 1000 of the 300000 bytes of sha256:/),
        details: { receivedBytes: 1000, expectedBytes: 300_000 }
      })
    }
  })

  it('that are too long are data_loss', async () => {
    const listener: RequestListener = (_, response) => response.writeHead(200).end(Buffer.concat([noise.bytes, Buffer.from('x')]))
    await expect(readBlob(listener)).rejects.toMatchObject({ code: 'data_loss', message: expect.stringContaining('sent more than') })
  })

  it('that the registry lost are data_loss, not an unknown image', async () => {
    await expect(readBlob((_, response) => answerError(response, 404, 'BLOB_UNKNOWN', 'blob unknown'))).rejects.toMatchObject({
      code: 'data_loss',
      message: expect.stringMatching(/has no blob sha256:.*push the image again/)
    })
  })

  it('whose connection is reset each time are unavailable', async () => {
    await expect(readBlob(request => request.socket.resetAndDestroy())).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/reset \(ECONNRESET\)|closed early \(UND_ERR_SOCKET\)/)
    })
  })

  it('free their connection when the reader leaves', async () => {
    let closed = 0
    await using server = await serve((request, response) => {
      request.socket.on('close', () => closed++)
      response.writeHead(200, { 'content-length': noise.bytes.length })
      response.write(noise.bytes.subarray(0, 1000))
    })
    for await (const _ of client().blobStream(parseReference(`${server.host}/a`), noiseDescriptor, { signal })) break
    await expect.poll(() => closed).toBe(1)
  })
})

describe('platforms', () => {
  const arm = imageOf({ platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } })
  const amd = imageOf({ platform: { os: 'linux', architecture: 'amd64' } })
  const attestation = blobOf({ schemaVersion: 2, mediaType: manifestType })
  const index = indexOf([
    { manifest: arm.manifest, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    { manifest: amd.manifest, platform: { os: 'linux', architecture: 'amd64' } },
    { manifest: attestation, platform: { os: 'unknown', architecture: 'unknown' } }
  ])
  const outer = indexOf([{ manifest: index, mediaType: indexType }])
  const manifests = new Map(
    [
      { tag: 'latest', blob: index, mediaType: indexType },
      { tag: 'nested', blob: outer, mediaType: indexType },
      { tag: index.digest, blob: index, mediaType: indexType },
      { tag: arm.manifest.digest, blob: arm.manifest, mediaType: manifestType },
      { tag: amd.manifest.digest, blob: amd.manifest, mediaType: manifestType }
    ].map(({ tag, ...entry }) => [`a:${tag}`, entry])
  )

  async function resolve(tag: string, platform: string) {
    await using server = await serve(registryListener({ manifests, blobs: new Map() }))
    return await resolveImage(client(), parseReference(`${server.host}/a:${tag}`), { signal, platform: parsePlatform(platform) })
  }

  it('are chosen from an index, which stays the target', async () => {
    const found = await resolve('latest', 'linux/arm64')
    expect(found.manifestDigest).toBe(arm.manifest.digest)
    expect(found.target).toBe(index.digest)
    expect(found.documents.map(({ digest }) => digest)).toEqual([index.digest, arm.manifest.digest])
    expect((await resolve('latest', 'linux/amd64')).manifestDigest).toBe(amd.manifest.digest)
  })

  it('are found through an index of indexes', async () => {
    const found = await resolve('nested', 'linux/amd64')
    expect(found.target).toBe(outer.digest)
    expect(found.manifestDigest).toBe(amd.manifest.digest)
  })

  it('that are not there are told apart from those that are', async () => {
    await expect(resolve('latest', 'linux/s390x')).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(/no matching manifest for linux\/s390x .*it has linux\/arm64, linux\/amd64$/)
    })
  })
})

describe('TLS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'registry-tls-'))
  const key = join(directory, 'key.pem')
  const certificate = join(directory, 'cert.pem')
  const canMakeCertificates = makeCertificate()

  function makeCertificate(): boolean {
    try {
      const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
      const options = { stdio: 'ignore' } as const
      execFileSync(
        'openssl',
        [
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:P-256',
          '-nodes',
          '-days',
          '2',
          '-keyout',
          key,
          '-out',
          certificate,
          ...subject
        ],
        options
      )
      return true
    } catch {
      return false
    }
  }

  async function withTls<T>(work: (host: string) => Promise<T>): Promise<T> {
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) })
    await using running = await serve(registryListener(contents), server as never) // the same events and methods as node:http's
    return await work(running.host)
  }

  it.skipIf(!canMakeCertificates)('is used with the authority given for the host (needs openssl)', async () => {
    await withTls(async host => {
      const registry = client({ registries: { [host]: { ca: readFileSync(certificate, 'utf8') } } })
      expect((await registry.manifest(parseReference(`${host}/a`), { signal })).digest).toBe(image.manifest.digest)
      await registry.close()
    })
  })

  it.skipIf(!canMakeCertificates)('without a known authority is refused, and told what to set (needs openssl)', async () => {
    await withTls(async host => {
      const other = readFileSync(certificate, 'utf8')
      // An authority is known for another host only, so this one is checked against the system's.
      const registry = client({ registries: { 'r.example': { ca: other }, [host]: { mirrors: [], ca: '' } } })
      await expect(registry.manifest(parseReference(`${host}/a`), { signal })).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(/certificate is not trusted \(\w+\).*give its authority as `ca`/)
      })
      await registry.close()
    })
  })

  it.skipIf(!canMakeCertificates)('is tried first on a host set insecure, unverified, then plain http (needs openssl)', async () => {
    await withTls(async host => {
      const registry = client({ registries: { [host]: { insecure: true } } })
      expect((await registry.manifest(parseReference(`${host}/a`), { signal })).digest).toBe(image.manifest.digest)
      await registry.close()
    })
    await using server = await serve(registryListener(contents))
    const registry = client({ registries: { [server.host]: { insecure: true } } })
    expect((await registry.manifest(parseReference(`${server.host}/a`), { signal })).digest).toBe(image.manifest.digest)
    await registry.close()
  })

  it.skipIf(!canMakeCertificates)('is found on loopback when plain http is not spoken (needs openssl)', async () => {
    await withTls(async host => {
      const registry = client()
      expect((await registry.manifest(parseReference(`${host}/a`), { signal })).digest).toBe(image.manifest.digest)
      await registry.close()
    })
  })

  afterAll(() => {
    rmSync(directory, { recursive: true })
  })
})
