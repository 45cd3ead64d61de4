// Needs: the lab's registry (test/lab): Debian's docker-registry.
import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Digest } from '../../runtime/registry/digest.js'
import { parseManifest } from '../../runtime/registry/manifest.js'
import { mediaTypes } from '../../runtime/registry/media-types.js'
import type { UploadSource } from '../../runtime/registry/push-blob.js'
import { parseReference } from '../../runtime/registry/reference.js'
import { createRegistryClient, type RegistryClient } from '../../runtime/registry/registry-client.js'
import { startCuttingProxy } from '../lab/cutting-proxy.js'

const lab = inject('lab')
const upstream = lab.registry?.address ?? ''
const signal = new AbortController().signal

let client: RegistryClient
beforeAll(() => {
  client = createRegistryClient({ retry: { baseMs: 5, maxMs: 20 } })
})
afterAll(() => client.close())

let count = 0
const repository = (): string => `write-${process.pid}-${count++}`

function digestOf(bytes: Uint8Array): Digest {
  // The reason for the cast: that is how a digest is spelled.
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest
}

function sourceOf(bytes: Buffer): UploadSource & { readonly opened: number[] } {
  const opened: number[] = []
  return {
    digest: digestOf(bytes),
    size: bytes.length,
    opened,
    async *open(offset) {
      opened.push(offset)
      for (let at = offset; at < bytes.length; at += 64 * 1024) yield Buffer.from(bytes.subarray(at, at + 64 * 1024))
    }
  }
}

async function stored(name: string, digest: string): Promise<Buffer> {
  const answer = await fetch(`http://${upstream}/v2/${name}/blobs/${digest}`)
  expect(answer.status).toBe(200)
  return Buffer.from(await answer.arrayBuffer())
}

describe.skipIf(upstream === '')("docker-registry takes the client's pushes", () => {
  it('blobs, a configuration and the manifest that names them', async () => {
    const name = repository()
    const reference = parseReference(`${upstream}/${name}:1`)
    const layer = randomBytes(1024 * 1024)
    const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}')
    for (const bytes of [layer, config]) {
      expect(await client.pushBlob(reference, sourceOf(bytes), { signal })).toEqual({ how: 'uploaded' })
      expect(await client.pushBlob(reference, sourceOf(bytes), { signal })).toEqual({ how: 'present' })
    }
    const manifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: digestOf(layer), size: layer.length }]
    }
    const bytes = Buffer.from(JSON.stringify(manifest))
    const { digest } = await client.pushManifest(reference, { bytes, mediaType: mediaTypes.ociManifest }, { signal })
    expect(digest).toBe(digestOf(bytes))
    const head = { digest, mediaType: mediaTypes.ociManifest, sizeBytes: bytes.length }
    expect(await client.headManifest(reference, { signal })).toEqual(head)
    const read = await client.manifest(reference, { signal })
    expect(read.document).toEqual(parseManifest(bytes, { mediaType: undefined, source: 'test' }))
    // It knows no referrers: the list under a tag is kept instead.
    const about = { ...manifest, artifactType: 'application/test', subject: head }
    const referrer = Buffer.from(JSON.stringify(about))
    const at = { domain: reference.domain, path: reference.path, digest: digestOf(referrer) }
    await client.pushManifest(at, { bytes: referrer, mediaType: mediaTypes.ociManifest }, { signal })
    expect(await client.referrers({ ...at, digest }, { signal })).toMatchObject([{ digest: at.digest, artifactType: 'application/test' }])
  })

  it('a blob of another repository by mounting it', async () => {
    const [from, to] = [repository(), repository()]
    const source = sourceOf(randomBytes(100_000))
    await client.pushBlob(parseReference(`${upstream}/${from}:1`), source, { signal })
    const mounted = await client.pushBlob(parseReference(`${upstream}/${to}:1`), source, { signal, mountFrom: [from] })
    expect(mounted).toEqual({ how: 'mounted', from })
    expect(source.opened).toEqual([0])
    expect(await stored(to, source.digest ?? '')).toHaveLength(100_000)
  })

  it.each([
    ['of known length', true],
    ['of unknown length', false]
  ])('an upload that is cut twice arrives: %s', async (_, isMeasured) => {
    const bytes = randomBytes(6 * 1024 * 1024)
    const source = sourceOf(bytes)
    await using proxy = await startCuttingProxy(upstream, { cutAfterBytes: 2 * 1024 * 1024, times: 2 })
    const name = repository()
    const cut = isMeasured ? source : { open: source.open, finished: () => digestOf(bytes) }
    await client.pushBlob(parseReference(`${proxy.address}/${name}:1`), cut, { signal })
    expect(proxy.cuts).toBe(2)
    expect(source.opened).toHaveLength(3)
    // Each time from the beginning: this registry forgets an upload of which it got other bytes than it said before.
    expect((await stored(name, digestOf(bytes))).equals(bytes)).toBe(true)
  })
})
