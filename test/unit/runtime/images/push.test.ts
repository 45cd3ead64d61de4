import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { PushProgress } from '../../../../runtime/images/push-options.js'
import { answerError, contentsOf, registryListener, serve } from '../registry/local-server.js'
import { imageOf, indexOf, indexType, layerOf, manifestType, type SampleImage } from '../registry/sample-image.js'
import { serveWritable, sha256, type WritableOptions, type WritableRegistry } from '../registry/writable-registry.js'
import { openWorld, type World } from './world.js'

const signal = new AbortController().signal
const auth = { username: 'me', password: 'geheim' }

interface Pushing {
  readonly world: World
  readonly registry: WritableRegistry
  readonly image: SampleImage
  /** In the registry that is pushed to. */
  readonly name: string
}

/** An image that was pulled from one registry and has a name of another. */
async function withImage(options: WritableOptions, work: (parts: Pushing) => Promise<void>, image = sample()): Promise<void> {
  await using source = await serve(registryListener(contentsOf('source', '1', image, manifestType)))
  await using registry = await serveWritable(options)
  await using world = await openWorld()
  const { image: pulled } = await world.images.pull(`${source.host}/source:1`, { signal })
  const name = `${registry.host}/team/app:1`
  await world.images.tag(pulled.id, name)
  await work({ world, registry, image, name })
}

function sample(): SampleImage {
  return imageOf({ layers: [layerOf(randomBytes(300_000)), layerOf(randomBytes(200_000))] })
}

/** Nothing is held for a push that is over, and its image can be removed. */
async function expectNothingHeld({ world, image, name }: Pushing): Promise<void> {
  expect(world.metadata.list('meta').map(({ key }) => key)).toEqual(['version'])
  for (const gone of [name, image.config.digest]) await world.images.remove(gone, { force: true, usedBy: new Map() })
  await expect.poll(async () => (await world.inventory()).blobs).toEqual([])
}

describe('push', () => {
  it('sends blobs and manifest byte for byte, the tag last', () =>
    withImage({}, async parts => {
      const { world, registry, image, name } = parts
      const phases: Pick<PushProgress, 'layer' | 'phase'>[] = []
      const onProgress = ({ layer, phase }: PushProgress) => phases.push({ layer, phase })
      const pushed = await world.images.push(name, { signal, onProgress })
      expect(pushed).toEqual({ digest: image.manifest.digest, sizeBytes: image.manifest.bytes.length })
      for (const { digest, bytes } of [image.config, ...image.layers])
        expect(registry.blobs.get(`team/app ${digest}`)?.equals(bytes)).toBe(true)
      expect(registry.manifests.get('team/app 1')).toEqual({ bytes: image.manifest.bytes, mediaType: manifestType })
      expect(registry.requests.at(-1)).toBe('PUT /v2/team/app/manifests/1')
      for (const { diffId } of image.layers) {
        expect(phases.filter(({ layer }) => layer === diffId).map(({ phase }) => phase)).toEqual(['preparing', 'pushing', 'pushed'])
      }
      expect((await world.images.get(name)).repoDigests).toContain(`${registry.host}/team/app@${image.manifest.digest}`)
      await expectNothingHeld(parts)
    }))

  it.each(['everything', 'a part'] as const)(
    'of an image with an index, of which %s is here, sends what is here as it is',
    async present => {
      const [own, other] = [sample(), sample()]
      const entries = [
        { manifest: own.manifest, platform: { os: 'linux', architecture: 'amd64' } },
        { manifest: other.manifest, platform: { os: 'linux', architecture: 's390x' } }
      ]
      const index = indexOf(present === 'everything' ? entries.slice(0, 1) : entries)
      const contents = contentsOf('source', 'own', own, manifestType)
      contents.manifests.set('source:1', { blob: index, mediaType: indexType })
      await using source = await serve(registryListener(contents))
      await using registry = await serveWritable()
      await using world = await openWorld()
      const { image } = await world.images.pull(`${source.host}/source:1`, { signal })
      const [name, elsewhere] = [`${source.host}/source:1`, `${registry.host}/team/app:1`]
      await world.images.tag(name, elsewhere)
      const { digest } = await world.images.push(elsewhere, { signal })
      const sent = present === 'everything' ? index : own.manifest
      expect([digest, image.manifestDigest]).toEqual([sent.digest, own.manifest.digest])
      expect(registry.manifests.get('team/app 1')?.bytes).toEqual(sent.bytes)
      expect(registry.manifests.get(`team/app ${own.manifest.digest}`)?.bytes).toEqual(own.manifest.bytes)
      const wanted = await world.images.push(elsewhere, { signal, platform: 'linux/amd64' })
      expect(wanted.digest).toBe(own.manifest.digest)
      await expect(world.images.push(elsewhere, { signal, platform: 'linux/s390x' })).rejects.toMatchObject({ code: 'not_found' })
    }
  )

  it.each([
    [401, 'UNAUTHORIZED', 'authentication required', 'unauthenticated'],
    [403, 'DENIED', 'requested access to the resource is denied', 'permission_denied']
  ])('that is refused says so, sends nothing more and holds nothing: %s', async (status, registryCode, message, code) => {
    const before: WritableOptions['before'] = (request, response) => {
      if (request.method === 'HEAD') return false
      answerError(response, status, registryCode, message)
      return true
    }
    await withImage({ before }, async parts => {
      const failure = parts.world.images.push(parts.name, { signal, auth })
      await expect(failure).rejects.toMatchObject({ code, message: expect.stringMatching(/^cannot push 127\.0\.0\.1:\d+\/team\/app: /) })
      await expect(failure).rejects.toMatchObject({ message: expect.not.stringContaining('geheim') })
      expect(parts.registry.blobs.size + parts.registry.manifests.size).toBe(0)
      await expectNothingHeld(parts)
    })
  })

  it('to a registry that dies in the middle is unavailable; when it is back, the same push goes through', async () => {
    let state: 'dying' | 'dead' | 'back' = 'dying'
    const before: WritableOptions['before'] = request => {
      if (state === 'dead') {
        request.socket.destroy()
        return true
      }
      if (state === 'back' || request.method !== 'PUT') return false
      request.once('data', () => {
        state = 'dead'
        request.socket.destroy()
      })
      return false
    }
    await withImage({ before }, async parts => {
      const { world, registry, name, image } = parts
      await expect(world.images.push(name, { signal })).rejects.toMatchObject({ code: 'unavailable', details: { registry: registry.host } })
      expect(world.metadata.list('meta').map(({ key }) => key)).toEqual(['version'])
      expect(registry.manifests.size).toBe(0)
      state = 'back'
      expect((await world.images.push(name, { signal })).digest).toBe(image.manifest.digest)
      await expectNothingHeld(parts)
    })
  })

  it.each([
    ['a blob', (path: string) => path.includes('/blobs/uploads/')],
    ['the manifest', (path: string) => path.includes('/manifests/')]
  ])('to a registry that says it stored something else than %s is data_loss', async (_, isMeant) => {
    const other = sha256(Buffer.from('another'))
    const before: WritableOptions['before'] = (request, response) => {
      if (request.method !== 'PUT' || !isMeant(request.url ?? '')) return false
      request.resume().once('end', () => response.writeHead(201, { 'docker-content-digest': other }).end())
      return true
    }
    await withImage({ before }, async parts => {
      const failure = parts.world.images.push(parts.name, { signal })
      await expect(failure).rejects.toMatchObject({ code: 'data_loss', details: { actual: other } })
      expect((await parts.world.images.get(parts.name)).repoDigests.some(each => each.startsWith(parts.registry.host))).toBe(false)
      await expectNothingHeld(parts)
    })
  })

  it('whose uploads the registry sends elsewhere shows no credentials there', async () => {
    const seen: (string | undefined)[] = []
    await using elsewhere = await serveWritable({
      before: (request, response) => {
        seen.push(request.headers.authorization)
        // Asks for them.
        response.writeHead(401, { 'www-authenticate': `Basic realm="elsewhere"` }).end()
        return true
      }
    })
    const before: WritableOptions['before'] = (request, response) => {
      if (request.headers.authorization !== undefined) return false
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      return true
    }
    await withImage({ before, location: path => `http://${elsewhere.host}${path}` }, async parts => {
      await expect(parts.world.images.push(parts.name, { signal, auth })).rejects.toMatchObject({ code: 'unauthenticated' })
      expect(seen.length).toBeGreaterThan(0)
      expect(seen.every(authorization => authorization === undefined)).toBe(true)
      await expectNothingHeld(parts)
    })
  })

  it('that is given up ends with the reason, and leaves no upload and nothing held', async () => {
    const abort = new AbortController()
    const reason = new Error('enough')
    const before: WritableOptions['before'] = request => {
      if (request.method === 'PUT') request.once('data', () => abort.abort(reason))
      return false
    }
    await withImage({ before }, async parts => {
      await expect(parts.world.images.push(parts.name, { signal: abort.signal })).rejects.toBe(reason)
      await expect.poll(() => parts.registry.uploads.size).toBe(0)
      expect(parts.registry.manifests.size).toBe(0)
      await expectNothingHeld(parts)
    })
  })

  it('goes on when a token ends in the middle', async () => {
    const left = new Map<string, number>()
    await using tokens = await serve((_, response) => {
      const token = `token-${left.size}`
      left.set(token, 2)
      response.end(JSON.stringify({ token, expires_in: 300 }))
    })
    const before: WritableOptions['before'] = (request, response) => {
      const token = request.headers.authorization?.replace('Bearer ', '') ?? ''
      const uses = left.get(token) ?? 0
      left.set(token, uses - 1)
      if (uses > 0) return false
      response
        .writeHead(401, { 'www-authenticate': `Bearer realm="http://${tokens.host}/token",scope="repository:team/app:pull,push"` })
        .end()
      return true
    }
    await withImage({ before }, async ({ world, registry, image, name }) => {
      await world.images.push(name, { signal })
      expect(left.size).toBeGreaterThan(1)
      expect(registry.manifests.get('team/app 1')?.bytes).toEqual(image.manifest.bytes)
    })
  })

  it('mounts layers from repositories that had them, and sends those that these have no more', () =>
    withImage({}, async ({ world, registry, image, name }) => {
      const other = `${registry.host}/team/other:1`
      await world.images.push(name, { signal })
      await world.images.tag(image.config.digest, other)
      const [gone] = image.layers
      registry.blobs.delete(`team/app ${gone?.digest}`)
      const phases = new Map<string, string | undefined>()
      await world.images.push(other, { signal, onProgress: ({ layer, phase, from }) => phases.set(layer, from ?? phase) })
      expect(image.layers.map(({ diffId }) => phases.get(diffId))).toEqual(['pushed', 'team/app'])
      for (const { digest, bytes } of image.layers) expect(registry.blobs.get(`team/other ${digest}`)?.equals(bytes)).toBe(true)
      expect(registry.uploads.size).toBe(0)
    }))
})
