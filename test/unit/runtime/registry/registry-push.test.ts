import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Digest } from '../../../../runtime/registry/digest.js'
import { mediaTypes } from '../../../../runtime/registry/media-types.js'
import type { UploadSource } from '../../../../runtime/registry/push-blob.js'
import { parseReference, type Reference } from '../../../../runtime/registry/reference.js'
import { createRegistryClient, type RegistryClient, type RegistryClientOptions } from '../../../../runtime/registry/registry-client.js'
import { answerError, serve } from './local-server.js'
import { serveWritable, sha256, type WritableOptions, type WritableRegistry } from './writable-registry.js'

const signal = new AbortController().signal
const bytes = randomBytes(3 * 1024 * 1024)
const digest = sha256(bytes) as Digest

interface Parts {
  readonly registry: WritableRegistry
  readonly client: RegistryClient
  readonly reference: Reference
}

async function withRegistry(
  options: WritableOptions,
  work: (parts: Parts) => Promise<void>,
  client: RegistryClientOptions = {}
): Promise<void> {
  await using registry = await serveWritable(options)
  const registries = createRegistryClient({ retry: { baseMs: 1, maxMs: 2 }, ...client })
  try {
    await work({ registry, client: registries, reference: parseReference(`${registry.host}/team/app:1`) })
  } finally {
    await registries.close()
  }
}

/** A blob in pieces; what it was asked for is kept. */
function sourceOf(content: Buffer = bytes, pieceBytes = 64 * 1024): UploadSource & { readonly opened: number[] } {
  const opened: number[] = []
  return {
    digest: sha256(content) as Digest,
    size: content.length,
    opened,
    async *open(offset) {
      opened.push(offset)
      for (let at = offset; at < content.length; at += pieceBytes) yield Buffer.from(content.subarray(at, at + pieceBytes))
    }
  }
}

/** The same blob, of which neither length nor digest is known before. */
function unmeasured(): UploadSource {
  const { open } = sourceOf()
  return { open, finished: () => digest }
}

describe('a blob', () => {
  it('is sent in one request, and not again', () =>
    withRegistry({}, async ({ registry, client, reference }) => {
      const progress: number[] = []
      const sent = await client.pushBlob(reference, sourceOf(), { signal, onProgress: count => progress.push(count) })
      expect(sent).toEqual({ how: 'uploaded' })
      expect(registry.blobs.get(`team/app ${digest}`)?.equals(bytes)).toBe(true)
      expect(registry.requests.map(request => request.split(' ')[0])).toEqual(['HEAD', 'POST', 'PUT'])
      expect(progress.at(-1)).toBe(bytes.length)
      expect(await client.pushBlob(reference, sourceOf(), { signal })).toEqual({ how: 'present' })
      expect(await client.hasBlob(reference, digest, { signal })).toBe(true)
      expect(registry.requests).toHaveLength(5)
    }))

  it('is mounted from a repository that has it; where that one has not, it is sent', () =>
    withRegistry({}, async ({ registry, client, reference }) => {
      registry.blobs.set(`other/app ${digest}`, bytes)
      const options = { signal, mountFrom: ['nobody/app', 'other/app'] }
      expect(await client.pushBlob(reference, sourceOf(), options)).toEqual({ how: 'mounted', from: 'other/app' })
      const small = Buffer.from('small')
      expect(await client.pushBlob(reference, sourceOf(small), options)).toEqual({ how: 'uploaded' })
      expect(registry.uploads.size).toBe(0)
    }))

  it('may be one whose length and digest show at its end', () =>
    withRegistry({}, async ({ registry, client, reference }) => {
      expect(await client.pushBlob(reference, unmeasured(), { signal })).toEqual({ how: 'uploaded' })
      expect(registry.blobs.get(`team/app ${digest}`)?.equals(bytes)).toBe(true)
    }))

  it('may be empty', () =>
    withRegistry({}, async ({ registry, client, reference }) => {
      await client.pushBlob(reference, sourceOf(Buffer.alloc(0)), { signal })
      expect([...registry.blobs.keys()]).toEqual([`team/app ${sha256(Buffer.alloc(0))}`])
    }))

  it.each([
    ['an absolute URL', (host: string, path: string) => `http://${host}${path}`],
    ['an absolute URL of the other scheme', (host: string, path: string) => `https://${host}${path}`]
  ])('is sent to where the registry says: %s', async (_, spell) => {
    let host = ''
    await withRegistry({ location: path => spell(host, path) }, async ({ registry, client, reference }) => {
      host = registry.host
      await client.pushBlob(reference, sourceOf(), { signal })
      expect(registry.blobs.size).toBe(1)
    })
  })

  it('is sent in chunks where a whole one is too long', () =>
    withRegistry({ limitBytes: 1024 * 1024, chunkMinimumBytes: 1024 }, async ({ client, reference }) => {
      // Pieces of eight megabytes are too long for this one too.
      await expect(client.pushBlob(reference, sourceOf(), { signal })).rejects.toMatchObject({ code: 'resource_exhausted' })
    }))

  it('is sent in chunks of a size that most take where a whole one is too long', async () => {
    const long = randomBytes(20 * 1024 * 1024)
    await withRegistry({ limitBytes: 10 * 1024 * 1024 }, async ({ registry, client, reference }) => {
      await client.pushBlob(reference, sourceOf(long), { signal })
      const methods = registry.requests.map(request => request.split(' ')[0])
      expect(methods).toEqual(['HEAD', 'POST', 'PUT', 'DELETE', 'POST', 'PATCH', 'PATCH', 'PATCH', 'PUT'])
      expect(registry.blobs.size).toBe(1)
      expect(registry.uploads.size).toBe(0)
    })
  })

  it.each([
    ['of known length', sourceOf],
    ['of unknown length', unmeasured]
  ])('that is cut goes on where it was: %s', async (_, make) => {
    let cuts = 0
    const before: WritableOptions['before'] = request => {
      if (!['PUT', 'PATCH'].includes(request.method ?? '') || cuts >= 2) return false
      let seen = 0
      request.on('data', piece => {
        seen += piece.length
        if (seen > 1024 * 1024 && cuts < 2) {
          cuts++
          request.socket.destroy()
        }
      })
      return false
    }
    await withRegistry({ before }, async ({ registry, client, reference }) => {
      const source = make()
      const opened: number[] = []
      const open = (offset: number) => {
        opened.push(offset)
        return source.open(offset)
      }
      await client.pushBlob(reference, { ...source, open }, { signal })
      expect(registry.blobs.get(`team/app ${digest}`)?.equals(bytes)).toBe(true)
      expect(cuts).toBe(2)
      expect(opened).toHaveLength(3)
      expect(opened.slice(1).every(offset => offset > 0)).toBe(true)
    })
  })

  it('is begun again where the registry has forgotten the upload', async () => {
    let forgot = false
    const before: WritableOptions['before'] = (request, response) => {
      if (request.method !== 'PUT' || forgot) return false
      forgot = true
      answerError(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry')
      return true
    }
    await withRegistry({ before }, async ({ registry, client, reference }) => {
      await client.pushBlob(reference, sourceOf(), { signal })
      expect(registry.blobs.size).toBe(1)
    })
  })

  it('that arrived is there, whatever became of the answer', async () => {
    const answers = { lost: 0 }
    const before: WritableOptions['before'] = (request, response) => {
      if (request.method === 'PUT' && answers.lost++ === 0) {
        response.writeHead = () => {
          request.socket.destroy()
          return response
        }
      }
      return false
    }
    await withRegistry({ before }, async ({ registry, client, reference }) => {
      expect(await client.pushBlob(reference, sourceOf(), { signal })).toEqual({ how: 'uploaded' })
      expect(registry.requests.filter(request => request.startsWith('PUT'))).toHaveLength(1)
    })
  })

  it('that fails leaves no upload behind', () =>
    withRegistry({}, async ({ registry, client, reference }) => {
      const broken: UploadSource = {
        ...sourceOf(),
        async *open() {
          yield Buffer.alloc(1024)
          throw new Error('the disk is gone')
        }
      }
      await expect(client.pushBlob(reference, broken, { signal })).rejects.toThrow('the disk is gone')
      expect(registry.uploads.size).toBe(0)
      const wrong = { ...sourceOf(), digest: sha256(Buffer.from('another')) as Digest }
      await expect(client.pushBlob(reference, wrong, { signal })).rejects.toMatchObject({ code: 'data_loss' })
      expect(registry.uploads.size).toBe(0)
    }))

  it('ends with the reason of its signal, and the upload with it', () =>
    withRegistry({}, async ({ registry, client, reference }) => {
      const abort = new AbortController()
      const reason = new Error('enough')
      const endless: UploadSource = {
        async *open() {
          for (let count = 0; ; count++) {
            if (count === 10) abort.abort(reason)
            yield Buffer.alloc(64 * 1024)
          }
        }
      }
      await expect(client.pushBlob(reference, endless, { signal: abort.signal })).rejects.toBe(reason)
      expect(registry.uploads.size).toBe(0)
    }))

  it('is not asked for faster than it is taken', async () => {
    let asked = 0
    await using slow = await serve((request, response) => {
      if (request.method === 'HEAD') return response.writeHead(404).end()
      if (request.method === 'POST') return response.writeHead(202, { location: '/v2/a/blobs/uploads/1' }).end()
      request.pause()
    })
    const client = createRegistryClient({ stallMs: 300, retry: { attempts: 1 } })
    const endless: UploadSource = {
      async *open() {
        for (;;) {
          asked += 1024 * 1024
          yield Buffer.alloc(1024 * 1024)
        }
      }
    }
    await expect(client.pushBlob(parseReference(`${slow.host}/a:1`), endless, { signal })).rejects.toMatchObject({
      code: 'deadline_exceeded'
    })
    // What the kernel keeps of a loopback connection is some megabytes.
    expect(asked).toBeLessThan(32 * 1024 * 1024)
    await client.close()
  })
})

describe('a redirect', () => {
  it('takes the body with it, and to another host no credentials', async () => {
    const seen: (string | undefined)[] = []
    await using storage = await serveWritable({
      before: request => {
        seen.push(request.headers.authorization)
        return false
      }
    })
    const before: WritableOptions['before'] = (request, response) => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
        return true
      }
      if (request.method !== 'PUT') return false
      const [path = ''] = (request.url ?? '').split('?')
      storage.uploads.set(path.split('/').at(-1) ?? '', Buffer.alloc(0))
      response.writeHead(307, { location: `http://${storage.host}${request.url}` }).end()
      return true
    }
    await withRegistry({ before }, async ({ client, reference }) => {
      const auth = { username: 'me', password: 'secret' }
      await client.pushBlob(reference, sourceOf(), { signal, auth })
      expect(storage.blobs.get(`team/app ${digest}`)?.equals(bytes)).toBe(true)
      expect(seen).toEqual([undefined])
    })
  })

  it('of an upload to another host by its location shows it no credentials', async () => {
    const seen: (string | undefined)[] = []
    await using storage = await serveWritable({
      before: request => {
        seen.push(request.headers.authorization)
        return false
      }
    })
    storage.uploads.set('one', Buffer.alloc(0))
    const before: WritableOptions['before'] = (request, response) => {
      if (request.headers.authorization !== undefined) return false
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      return true
    }
    const location = () => `http://${storage.host}/v2/team/app/blobs/uploads/one`
    await withRegistry({ before, location }, async ({ client, reference }) => {
      await client.pushBlob(reference, sourceOf(), { signal, auth: { username: 'me', password: 'secret' } })
      expect(storage.blobs.size).toBe(1)
      expect(seen).toEqual([undefined])
    })
  })
})

describe('tokens', () => {
  /** A token service whose tokens are good for a number of requests. */
  async function withTokens(goodFor: number, work: (parts: Parts & { readonly scopes: string[][] }) => Promise<void>): Promise<void> {
    const scopes: string[][] = []
    const left = new Map<string, number>()
    await using tokens = await serve((request, response) => {
      scopes.push(new URL(request.url ?? '', 'http://x').searchParams.getAll('scope'))
      const token = `token-${scopes.length}`
      left.set(token, goodFor)
      response.end(JSON.stringify({ token, expires_in: 300 }))
    })
    const before: WritableOptions['before'] = (request, response) => {
      const token = request.headers.authorization?.replace('Bearer ', '') ?? ''
      const uses = left.get(token) ?? 0
      left.set(token, uses - 1)
      if (uses > 0) return false
      const asked = request.method === 'HEAD' ? 'pull' : 'pull,push'
      response.writeHead(401, {
        'www-authenticate': `Bearer realm="http://${tokens.host}/token",service="x",scope="repository:team/app:${asked}"`
      })
      response.end()
      return true
    }
    await withRegistry({ before }, parts => work({ ...parts, scopes }))
  }

  it('are asked for with the right to pull and push, once', () =>
    withTokens(100, async ({ client, reference, scopes }) => {
      await client.pushBlob(reference, sourceOf(), { signal })
      await client.pushManifest(reference, { bytes: Buffer.from('{}'), mediaType: mediaTypes.ociManifest }, { signal })
      expect(scopes).toEqual([['repository:team/app:pull,push']])
    }))

  it('that end in the middle of a push are fetched again, and the push goes on', () =>
    withTokens(1, async ({ registry, client, reference, scopes }) => {
      await client.pushBlob(reference, sourceOf(), { signal })
      expect(registry.blobs.get(`team/app ${digest}`)?.equals(bytes)).toBe(true)
      expect(scopes).toHaveLength(3)
    }))

  it('for a mount name the other repository too', () =>
    withTokens(100, async ({ registry, client, reference, scopes }) => {
      registry.blobs.set(`other/app ${digest}`, bytes)
      expect(await client.pushBlob(reference, sourceOf(), { signal, mountFrom: ['other/app'] })).toMatchObject({ how: 'mounted' })
      expect(scopes.at(-1)).toEqual(['repository:team/app:pull,push', 'repository:other/app:pull'])
    }))
})

describe('a registry that is busy', () => {
  it.each(['POST', 'PUT'])('is asked again after as long as it says: %s', async method => {
    const times: number[] = []
    const before: WritableOptions['before'] = (request, response) => {
      if (request.method !== method) return false
      times.push(Date.now())
      if (times.length > 1) return false
      response.writeHead(429, { 'retry-after': '0.2' }).end()
      return true
    }
    await withRegistry({ before }, async ({ registry, client, reference }) => {
      await client.pushBlob(reference, sourceOf(), { signal })
      expect(registry.blobs.size).toBe(1)
      expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(190)
    })
  })
})

describe('refusals', () => {
  it.each([
    [401, 'UNAUTHORIZED', 'authentication required', 'unauthenticated', /unauthorized: authentication required/],
    [
      403,
      'DENIED',
      'requested access to the resource is denied',
      'permission_denied',
      /denied: requested access to the resource is denied/
    ],
    [405, 'UNSUPPORTED', 'The operation is unsupported', 'not_supported', /does not take pushes/],
    [500, 'UNKNOWN', 'unknown error', 'unavailable', /try again later/]
  ])('say what is wrong: %s', async (status, registryCode, message, code, words) => {
    const before: WritableOptions['before'] = (request, response) => {
      if (request.method !== 'POST') return false
      answerError(response, status, registryCode, message)
      return true
    }
    await withRegistry({ before }, async ({ client, reference }) => {
      const failure = client.pushBlob(reference, sourceOf(), { signal, auth: { username: 'me', password: 'geheim' } })
      await expect(failure).rejects.toMatchObject({ code, message: expect.stringMatching(words) })
      await expect(failure).rejects.toMatchObject({ message: expect.not.stringContaining('geheim') })
    })
  })
})

describe('manifests and referrers', () => {
  const subjectManifest = Buffer.from('{"schemaVersion":2}')
  const subject = sha256(subjectManifest) as Digest
  const signature = (name: string) =>
    Buffer.from(
      JSON.stringify({ schemaVersion: 2, artifactType: `application/${name}`, subject: { digest: subject }, annotations: { name } })
    )
  const mediaType = mediaTypes.ociManifest

  it('a manifest is stored under its tag, or its digest, and found by HEAD', () =>
    withRegistry({}, async ({ registry, client, reference }) => {
      const { digest: stored } = await client.pushManifest(reference, { bytes: subjectManifest, mediaType }, { signal })
      expect(stored).toBe(subject)
      expect([...registry.manifests.keys()]).toEqual(['team/app 1', `team/app ${subject}`])
      expect(await client.headManifest(reference, { signal })).toEqual({ digest: subject, mediaType, sizeBytes: subjectManifest.length })
      const absent = { domain: reference.domain, path: reference.path, tag: 'absent' }
      expect(await client.headManifest(absent, { signal })).toBeUndefined()
    }))

  it.each([true, false])('referrers are listed, where the registry keeps the list: %s', hasReferrers =>
    withRegistry({ hasReferrers }, async ({ registry, client, reference }) => {
      const at = (manifest: Digest): Reference => ({ domain: reference.domain, path: reference.path, digest: manifest })
      expect(await client.referrers(at(subject), { signal })).toEqual([])
      const pushed: Digest[] = []
      for (const name of ['one', 'two']) {
        const bytes = signature(name)
        pushed.push((await client.pushManifest(at(sha256(bytes) as Digest), { bytes, mediaType }, { signal })).digest)
      }
      const found = await client.referrers(at(subject), { signal })
      expect(found.map(({ digest }) => digest)).toEqual(pushed)
      const [first] = await client.referrers(at(subject), { signal, artifactType: 'application/two' })
      expect(first).toMatchObject({ digest: pushed[1], artifactType: 'application/two', mediaType })
      expect(registry.manifests.has(`team/app ${subject.replace(':', '-')}`)).toBe(!hasReferrers)
    })
  )
})
