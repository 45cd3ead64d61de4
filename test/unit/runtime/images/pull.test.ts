import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { PullProgress } from '../../../../runtime/images/image-service.js'
import { chainIdsOf } from '../../../../runtime/layers/chain-id.js'
import { EngineError } from '../../../../src/errors/index.js'
import { answerError, type Contents, contentsOf, registryListener, serve } from '../registry/local-server.js'
import { blobOf, imageOf, indexOf, indexType, layerOf, manifestType, type SampleImage } from '../registry/sample-image.js'
import { emptyInventory, gunzipLayer, openWorld } from './world.js'

const signal = new AbortController().signal

function chainsOf(image: SampleImage): readonly string[] {
  return chainIdsOf(image.layers.map(({ diffId }) => diffId))
}

async function* oneChunk(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}

function withLayers(count: number, bytes = 200_000): SampleImage {
  return imageOf({
    layers: Array.from({ length: count }, (_, at) => layerOf(Buffer.concat([Buffer.from(`layer ${at}`), randomBytes(bytes)])))
  })
}

describe('pull', () => {
  it('brings an image in whole and describes it', async () => {
    const image = withLayers(5)
    await using server = await serve(registryListener(contentsOf('team/app', '1', image, manifestType)))
    await using world = await openWorld()
    const name = `${server.host}/team/app:1`
    const result = await world.images.pull(name, { signal })
    expect(result).toMatchObject({ digest: image.manifest.digest, changed: true })
    expect(result.image).toEqual({
      id: image.config.digest,
      manifestDigest: image.manifest.digest,
      tags: [name],
      repoDigests: [`${server.host}/team/app@${image.manifest.digest}`],
      diffIds: image.layers.map(({ diffId }) => diffId),
      chainId: chainsOf(image).at(-1),
      sizeBytes: image.layers.length * 200_007,
      createdAt: '2026-01-02T03:04:05Z',
      architecture: 'amd64',
      os: 'linux',
      config: { Env: ['PATH=/bin'], Cmd: ['/bin/sh'] },
      history: image.layers.map((_, at) => ({ created_by: `step ${at}` }))
    })
    expect(world.commits).toEqual(chainsOf(image))
    const all = [image.manifest, image.config, ...image.layers]
    expect((await world.inventory()).blobs).toEqual(all.map(({ digest }) => digest).sort())
    for (const { digest, bytes } of all) expect(bytes.equals(await world.content.read(digest))).toBe(true)
    expect((await world.inventory()).places).toEqual([])
    expect(world.metadata.list('meta').map(({ key }) => key)).toEqual(['version'])
  })

  it('says that nothing changed the second time, asks for the manifest only, and follows a tag that moves', async () => {
    const [first, second] = [withLayers(2), withLayers(1)]
    const contents = contentsOf('a', 'latest', first, manifestType)
    await using server = await serve(registryListener(contents))
    await using world = await openWorld()
    await world.images.pull(`${server.host}/a`, { signal })
    const before = server.requests.length
    const phases: string[] = []
    const again = await world.images.pull(`${server.host}/a`, { signal, onProgress: ({ phase }) => phases.push(phase) })
    expect(again).toMatchObject({ changed: false, digest: first.manifest.digest })
    expect(phases).toEqual(['present', 'present'])
    expect(server.requests.slice(before)).toEqual(['GET /v2/a/manifests/latest'])

    const moved = contentsOf('a', 'latest', second, manifestType)
    for (const [key, value] of moved.manifests) contents.manifests.set(key, value)
    for (const [key, value] of moved.blobs) contents.blobs.set(key, value)
    expect((await world.images.pull(`${server.host}/a`, { signal })).image.id).toBe(second.config.digest)
    expect((await world.images.get(first.config.digest)).tags).toEqual([])
    expect((await world.images.get(first.config.digest)).repoDigests).toEqual([`${server.host}/a@${first.manifest.digest}`])
  })

  it('tells how each layer comes along', async () => {
    const image = withLayers(3, 2_000_000)
    await using server = await serve(registryListener(contentsOf('a', 'latest', image, manifestType)))
    await using world = await openWorld()
    const seen: PullProgress[] = []
    await world.images.pull(`${server.host}/a`, { signal, onProgress: progress => seen.push(progress) })
    for (const { digest, bytes } of image.layers) {
      const mine = seen.filter(({ layer }) => layer === digest)
      const phases = mine.map(({ phase }) => phase).filter((phase, at, all) => phase !== all[at - 1])
      expect(phases[0]).toBe('downloading')
      expect(phases.at(-1)).toBe('done')
      expect(phases).toContain('downloaded')
      expect(mine.every(({ totalBytes, currentBytes }) => totalBytes === bytes.length && currentBytes <= totalBytes)).toBe(true)
    }
  })

  it('does not fetch layers that are there, whichever image brought them', async () => {
    const base = withLayers(2)
    const derived = imageOf({ layers: [...base.layers, layerOf('more')] })
    await using one = await serve(registryListener(contentsOf('base', 'latest', base, manifestType)))
    await using two = await serve(registryListener(contentsOf('derived', 'latest', derived, manifestType)))
    await using world = await openWorld()
    await world.images.pull(`${one.host}/base`, { signal })
    const phases: string[] = []
    await world.images.pull(`${two.host}/derived`, { signal, onProgress: ({ phase }) => phases.push(phase) })
    expect(phases.filter(phase => phase === 'present')).toHaveLength(2)
    expect(two.requests.filter(request => request.includes('/blobs/'))).toHaveLength(2)
  })

  it('takes the same layer twice in one image', async () => {
    const empty = layerOf('empty')
    const image = imageOf({ layers: [empty, layerOf('x'), empty, empty] })
    await using server = await serve(registryListener(contentsOf('a', 'latest', image, manifestType)))
    await using world = await openWorld()
    await world.images.pull(`${server.host}/a`, { signal })
    expect(world.commits).toEqual(chainsOf(image))
    expect(server.requests.filter(request => request.endsWith(empty.digest))).toHaveLength(1)
  })

  it('takes an image without layers', async () => {
    const image = imageOf({ layers: [] })
    await using server = await serve(registryListener(contentsOf('a', 'latest', image, manifestType)))
    await using world = await openWorld()
    const { image: record } = await world.images.pull(`${server.host}/a`, { signal })
    expect(record).toMatchObject({ sizeBytes: 0, diffIds: [] })
    expect(record).not.toHaveProperty('chainId')
  })

  it('downloads three layers at a time', async () => {
    const image = withLayers(9)
    let now = 0
    let most = 0
    const contents = contentsOf('a', 'latest', image, manifestType)
    const layers = new Set(image.layers.map(({ digest }) => digest))
    await using server = await serve(
      registryListener(contents, (request, response) => {
        if (!layers.has(request.url?.split('/').at(-1) ?? '')) return false
        most = Math.max(most, ++now)
        setTimeout(() => {
          now--
          registryListener(contents)(request, response)
        }, 30)
        return true
      })
    )
    await using world = await openWorld()
    await world.images.pull(`${server.host}/a`, { signal })
    expect(most).toBe(3)
  })

  it('unpacks while it downloads', async () => {
    const image = withLayers(1, 3_000_000)
    const blob = image.layers[0]?.bytes ?? Buffer.alloc(0)
    let unpackerSaw = 0
    let finish = () => {}
    const contents = contentsOf('a', 'latest', image, manifestType)
    await using server = await serve(
      registryListener(contents, (request, response) => {
        if (!request.url?.endsWith(image.layers[0]?.digest ?? '')) return false
        response.writeHead(200, { 'content-length': blob.length })
        response.write(blob.subarray(0, 1_000_000))
        // The rest comes only when the first part has been seen by the unpacker.
        finish = () => void response.end(blob.subarray(1_000_000))
        return true
      })
    )
    await using world = await openWorld({
      unpack: (source, options) =>
        gunzipLayer(source, {
          ...options,
          onProgress: bytes => {
            if (unpackerSaw < 1_000_000 && bytes >= 1_000_000) finish()
            unpackerSaw = bytes
          }
        })
    })
    await world.images.pull(`${server.host}/a`, { signal })
    expect(unpackerSaw).toBe(blob.length)
  })

  it('pulls by digest, and does not keep a tag given beside it', async () => {
    const image = withLayers(1)
    await using server = await serve(registryListener(contentsOf('a', '1', image, manifestType)))
    await using world = await openWorld()
    const { image: record } = await world.images.pull(`${server.host}/a:1@${image.manifest.digest}`, { signal })
    expect(record.tags).toEqual([])
    expect(record.repoDigests).toEqual([`${server.host}/a@${image.manifest.digest}`])
    expect((await world.images.get(`${server.host}/a:other@${image.manifest.digest}`)).id).toBe(image.config.digest)
  })
})

describe('platforms', () => {
  const amd = imageOf({ layers: [layerOf('amd')] })
  const arm = imageOf({ layers: [layerOf('arm')], platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } })
  const index = indexOf([
    { manifest: amd.manifest, platform: { os: 'linux', architecture: 'amd64' } },
    { manifest: arm.manifest, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } }
  ])
  const contents: Contents = { manifests: new Map(), blobs: new Map() }
  for (const image of [amd, arm]) {
    contents.manifests.set(`a:${image.manifest.digest}`, { blob: image.manifest, mediaType: manifestType })
    for (const { digest, bytes } of [image.config, ...image.layers]) contents.blobs.set(digest, bytes)
  }
  contents.manifests.set('a:latest', { blob: index, mediaType: indexType })
  contents.manifests.set('a:single', { blob: amd.manifest, mediaType: manifestType })

  it('of the host by default, another when asked; the index is what the reference names', async () => {
    await using server = await serve(registryListener(contents))
    await using world = await openWorld()
    const ours = await world.images.pull(`${server.host}/a`, { signal })
    expect(ours).toMatchObject({ digest: index.digest, image: { architecture: 'amd64', manifestDigest: amd.manifest.digest } })
    expect(ours.image.repoDigests).toEqual([`${server.host}/a@${index.digest}`])
    const theirs = await world.images.pull(`${server.host}/a`, { signal, platform: 'linux/arm64/v8' })
    expect(theirs.image).toMatchObject({ architecture: 'arm64', variant: 'v8', tags: [`${server.host}/a:latest`] })
    expect((await world.images.get(amd.config.digest)).tags).toEqual([])
    expect((await world.images.list()).map(({ architecture }) => architecture).sort()).toEqual(['amd64', 'arm64'])
  })

  it('what a builder attested of the one that is taken is kept and told, and goes with it', async () => {
    const statement = blobOf({ _type: 'https://in-toto.io/Statement/v0.1', predicateType: 'https://spdx.dev/Document' })
    const annotations = { 'in-toto.io/predicate-type': 'https://spdx.dev/Document' }
    const layers = [{ mediaType: 'application/vnd.in-toto+json', digest: statement.digest, size: statement.bytes.length, annotations }]
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: amd.config.digest, size: amd.config.bytes.length }
    const attestation = blobOf({ schemaVersion: 2, mediaType: manifestType, config, layers })
    const entry = (digest: string, of: string) => ({
      mediaType: manifestType,
      digest,
      size: attestation.bytes.length,
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': of }
    })
    const plain: { manifests: object[] } = JSON.parse(Buffer.from(index.bytes).toString())
    // The second is not in the registry: a copy of an image may be made without.
    const entries = [attestation.digest, `sha256:${'0'.repeat(64)}`].map(digest => entry(digest, amd.manifest.digest))
    const attested = blobOf({ ...plain, manifests: [...plain.manifests, ...entries] })
    const all: Contents = { manifests: new Map(contents.manifests), blobs: new Map(contents.blobs) }
    all.manifests.set('a:attested', { blob: attested, mediaType: indexType })
    all.manifests.set(`a:${attestation.digest}`, { blob: attestation, mediaType: manifestType })
    all.blobs.set(statement.digest, statement.bytes)
    await using server = await serve(registryListener(all))
    await using world = await openWorld()
    const { image } = await world.images.pull(`${server.host}/a:attested`, { signal })
    const [told, ...more] = await world.images.attestations(image.id, { types: [], withStatements: true })
    expect(more).toEqual([])
    expect(told).toMatchObject({ predicateType: 'https://spdx.dev/Document', statement: { predicateType: 'https://spdx.dev/Document' } })
    expect(await world.images.attestations(image.id, { types: ['https://slsa.dev/provenance/v1'], withStatements: false })).toEqual([])
    await world.images.remove(image.id, { force: true, usedBy: new Map() })
    expect(await world.inventory()).toEqual(emptyInventory)
  })

  it('that an image lacks are refused by name', async () => {
    await using server = await serve(registryListener(contents))
    await using world = await openWorld()
    await expect(world.images.pull(`${server.host}/a`, { signal, platform: 'linux/s390x' })).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('it has linux/amd64, linux/arm64')
    })
    await expect(world.images.pull(`${server.host}/a:single`, { signal, platform: 'linux/arm64' })).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('wanted linux/arm64, actual linux/amd64')
    })
    await expect(world.images.pull(`${server.host}/a`, { signal, platform: 'lin ux' })).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await world.inventory()).toEqual(emptyInventory)
  })
})

describe('a pull that fails', () => {
  const image = withLayers(4)
  const [, second] = image.layers
  const contents = contentsOf('a', 'latest', image, manifestType)
  const secondDigest = second?.digest ?? ''

  const bent = (bytes: Buffer) => {
    const copy = Buffer.from(bytes)
    copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1
    return copy
  }

  it.each<[string, string, RegExp, (request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void]>([
    [
      'a damaged layer',
      'data_loss',
      /cannot pull .*layer sha256:.* hashes to/,
      (_, response) => response.end(bent(second?.bytes ?? Buffer.alloc(0)))
    ],
    ['a truncated layer', 'data_loss', /sent only 100 of the/, (_, response) => response.end(second?.bytes.subarray(0, 100))],
    ['a layer that is not there', 'data_loss', /has no blob/, (_, response) => answerError(response, 404, 'BLOB_UNKNOWN', 'blob unknown')],
    ['a registry in trouble', 'unavailable', /answered 500/, (_, response) => answerError(response, 500, 'UNKNOWN', 'oops')],
    [
      'too many requests',
      'resource_exhausted',
      /too many requests/,
      (_, response) => answerError(response, 429, 'TOOMANYREQUESTS', 'slow down')
    ],
    ['a broken line', 'unavailable', /reset|closed early/, request => request.socket.resetAndDestroy()]
  ])('because of %s leaves nothing behind', async (_, code, message, answer) => {
    await using server = await serve(
      registryListener(contents, (request, response) => {
        if (!request.url?.endsWith(secondDigest)) return false
        answer(request, response)
        return true
      })
    )
    await using world = await openWorld()
    await expect(world.images.pull(`${server.host}/a`, { signal })).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    expect(await world.inventory()).toEqual(emptyInventory)
  })

  it('because of its caller rejects with the reason and leaves nothing behind', async () => {
    const controller = new AbortController()
    const reason = new Error('no longer wanted')
    await using server = await serve(
      registryListener(contents, request => {
        if (!request.url?.endsWith(secondDigest)) return false
        setTimeout(() => controller.abort(reason), 30)
        return true
      })
    )
    await using world = await openWorld()
    await expect(world.images.pull(`${server.host}/a`, { signal: controller.signal })).rejects.toBe(reason)
    expect(await world.inventory()).toEqual(emptyInventory)
  })

  it('because the unpacker does, reports that and leaves nothing behind', async () => {
    await using server = await serve(registryListener(contents))
    const full = new EngineError('resource_exhausted', 'no room on disk')
    await using world = await openWorld({ unpack: () => Promise.reject(full) })
    await expect(world.images.pull(`${server.host}/a`, { signal })).rejects.toMatchObject({
      code: 'resource_exhausted',
      message: expect.stringMatching(/^cannot pull .*: layer sha256:.*: no room on disk$/)
    })
    expect(await world.inventory()).toEqual(emptyInventory)
  })

  it('because a layer unpacks to something else than the configuration says', async () => {
    const lying = imageOf({ layers: [{ ...layerOf('truth'), diffId: blobOf('lie').digest }] })
    await using server = await serve(registryListener(contentsOf('a', 'latest', lying, manifestType)))
    await using world = await openWorld()
    await expect(world.images.pull(`${server.host}/a`, { signal })).rejects.toMatchObject({
      code: 'data_loss',
      message: expect.stringMatching(/unpacks to sha256:.*configuration says sha256:/)
    })
    expect(await world.inventory()).toEqual(emptyInventory)
  })

  it('because it is no container image says what it is', async () => {
    const config = blobOf({ chart: true })
    const manifest = (layerType: string) =>
      blobOf({
        schemaVersion: 2,
        mediaType: manifestType,
        config: { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: config.digest, size: config.bytes.length },
        layers: layerType === '' ? [] : [{ mediaType: layerType, digest: config.digest, size: 1 }]
      })
    await using world = await openWorld()
    for (const layerType of ['', 'application/vnd.cncf.helm.chart.content.v1.tar+gzip']) {
      const blob = manifest(layerType)
      await using server = await serve(
        registryListener({
          manifests: new Map([['a:latest', { blob, mediaType: manifestType }]]),
          blobs: new Map([[config.digest, config.bytes]])
        })
      )
      await expect(world.images.pull(`${server.host}/a`, { signal })).rejects.toMatchObject({ code: 'not_supported' })
    }
    expect(await world.inventory()).toEqual(emptyInventory)
  })

  it('keeps what another image needs', async () => {
    const base = imageOf({ layers: image.layers.slice(0, 1) })
    await using one = await serve(registryListener(contentsOf('base', 'latest', base, manifestType)))
    await using two = await serve(
      registryListener(contents, (request, response) => {
        if (!request.url?.endsWith(secondDigest)) return false
        answerError(response, 404, 'BLOB_UNKNOWN', 'gone')
        return true
      })
    )
    await using world = await openWorld()
    await world.images.pull(`${one.host}/base`, { signal })
    const before = await world.inventory()
    await expect(world.images.pull(`${two.host}/a`, { signal })).rejects.toMatchObject({ code: 'data_loss' })
    expect(await world.inventory()).toEqual(before)
  })
})

describe('what is left by others', () => {
  it('a blob from a killed pull is used, and the lease of the dead goes with success', async () => {
    const image = withLayers(2)
    const [first] = image.layers
    await using server = await serve(registryListener(contentsOf('a', 'latest', image, manifestType)))
    await using world = await openWorld()
    await world.content.ingest({ digest: first?.digest ?? '' }, oneChunk(first?.bytes ?? Buffer.alloc(0)), { signal })
    await world.metadata.transaction(transaction =>
      transaction.put('meta', 'lease/dead', {
        owner: { pid: 1, startTime: 'long ago' },
        reference: `${server.host}/a:latest`,
        digests: [first?.digest],
        chainIds: []
      })
    )
    await world.images.pull(`${server.host}/a`, { signal })
    expect(server.requests.some(request => request.endsWith(first?.digest ?? ''))).toBe(false)
    expect(world.metadata.list('meta').map(({ key }) => key)).toEqual(['version'])
    expect(await world.content.has(first?.digest ?? '')).toBe(true)
  })

  it('a blob that went bad on the disk is fetched again', async () => {
    const image = withLayers(1)
    const digest = image.layers[0]?.digest ?? ''
    await using server = await serve(registryListener(contentsOf('a', 'latest', image, manifestType)))
    await using world = await openWorld()
    await writeFile(world.content.path(digest), 'rotten')
    await world.images.pull(`${server.host}/a`, { signal })
    expect((await readFile(world.content.path(digest))).equals(image.layers[0]?.bytes ?? Buffer.alloc(0))).toBe(true)
  })

  it('a mirror with a damaged layer is passed over', async () => {
    const image = withLayers(2)
    const contents = contentsOf('a', 'latest', image, manifestType)
    const rotten: Contents = {
      ...contents,
      blobs: new Map(
        [...contents.blobs].map(([digest, bytes]) => [digest, digest === image.config.digest ? bytes : Buffer.alloc(bytes.length)])
      )
    }
    await using origin = await serve(registryListener(contents))
    await using mirror = await serve(registryListener(rotten))
    await using world = await openWorld({ registries: { [origin.host]: { mirrors: [`http://${mirror.host}`] } } })
    await world.images.pull(`${origin.host}/a`, { signal })
    expect(mirror.requests.length).toBeGreaterThan(3)
    expect(origin.requests).toHaveLength(2)
  })

  it('two pulls of one image at once do each layer once; the second waits and finds it', async () => {
    const image = withLayers(3)
    const contents = contentsOf('a', 'latest', image, manifestType)
    await using server = await serve(
      registryListener(contents, (request, response) => {
        if (!image.layers.some(({ digest }) => request.url?.endsWith(digest))) return false
        setTimeout(() => registryListener(contents)(request, response), 150)
        return true
      })
    )
    await using world = await openWorld()
    const seen = { one: new Set<string>(), two: new Set<string>() }
    const [one, two] = await Promise.all([
      world.images.pull(`${server.host}/a`, { signal, onProgress: ({ phase }) => seen.one.add(phase) }),
      world.images.pull(`${server.host}/a`, { signal, onProgress: ({ phase }) => seen.two.add(phase) })
    ])
    expect(one.image).toEqual(two.image)
    for (const { digest } of image.layers) expect(server.requests.filter(request => request.endsWith(digest))).toHaveLength(1)
    expect(new Set([...seen.one, ...seen.two])).toContain('waiting')
    expect(await world.inventory()).toMatchObject({ places: [], layers: expect.objectContaining({ length: 3 }) })
  })

  it('a layer that is removed while the pull goes on is brought in again', async () => {
    const image = withLayers(2)
    const contents = contentsOf('a', 'latest', image, manifestType)
    await using server = await serve(registryListener(contents))
    await using world = await openWorld()
    const [bottom] = chainsOf(image)
    let removed = false
    await world.images.pull(`${server.host}/a`, {
      signal,
      onProgress: ({ phase, layer }) => {
        if (phase !== 'done' || layer !== image.layers[1]?.digest || removed) return
        removed = true
        void world.metadata.transaction(transaction => transaction.remove('layers', bottom ?? ''))
      }
    })
    expect(chainsOf(image).every(chainId => world.snapshotter.has(chainId))).toBe(true)
  })
})
