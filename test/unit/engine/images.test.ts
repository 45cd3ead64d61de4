import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ImageCreate, ImageDelete, ImageInspect, ImageList, ImageTag } from '../../../src/api/index.js'
import { decodeRegistryAuth } from '../../../src/api/registry-auth.js'
import { registryOf, repositoryOf, splitReference } from '../../../src/engine/images/image-reference.js'
import { PullProgress } from '../../../src/engine/images/pull-progress.js'
import { resolveAuth } from '../../../src/engine/images/resolve-auth.js'
import type { Auth } from '../../../src/engine/values.js'
import { EngineError } from '../../../src/errors/index.js'
import { FakeEngine } from './kit/fake-engine.js'
import { collect, rejection } from './kit/rejection.js'

const digest = `sha256:${'a'.repeat(64)}` as const
const facts = (more: object = {}) =>
  ({
    Id: `sha256:${'1'.repeat(64)}`,
    RepoTags: ['alpine:3'],
    RepoDigests: [`other@sha256:${'b'.repeat(64)}`, `alpine@${digest}`],
    Size: 42,
    Created: '2024-01-01T00:00:00Z',
    Config: { Env: ['A=b=c', 'EMPTY'], Cmd: ['sh'], ExposedPorts: { '53/udp': {} } },
    RootFS: { Type: 'layers', Layers: [digest] },
    ...more
  }) as never

const pulling = (messages: readonly object[]) => {
  const fake = new FakeEngine()
  fake.transport.answer(ImageInspect, () => facts())
  fake.transport.answer(ImageCreate, async function* () {
    yield* messages
  } as never)
  return fake
}

describe('pull', () => {
  it('tells the progress of each layer, on the task and on the engine, and gives the image', async () => {
    const fake = pulling([
      { status: 'Pulling from library/alpine', id: '3' },
      { status: 'Pulling fs layer', id: 'l1', progressDetail: {} },
      { status: 'Already exists', id: 'l0', progressDetail: {} },
      { status: 'Downloading', id: 'l1', progressDetail: { current: 5, total: 10 } },
      { status: 'Verifying Checksum', id: 'l1', progressDetail: {} },
      { status: 'Download complete', id: 'l1', progressDetail: {} },
      { status: 'Extracting', id: 'l1', progressDetail: { current: 3, total: 10 } },
      { status: 'Pull complete', id: 'l1', progressDetail: {} },
      { status: `Digest: ${digest}` },
      { status: 'Status: Downloaded newer image for alpine:3' }
    ])
    const announced: string[] = []
    fake.engine.on('image.pull.progress', ({ layer, phase }) => announced.push(`${layer} ${phase}`))
    const task = fake.engine.image('alpine:3').pull()
    const events = await collect(task)
    const ref = 'alpine:3'
    const progress = { type: 'image.pull.progress', ref, layer: 'l1' }
    expect(events).toEqual([
      { type: 'image.pull.progress', ref, layer: 'l0', phase: 'present', current: 0, total: 0 },
      { ...progress, phase: 'downloading', current: 5, total: 10 },
      { ...progress, phase: 'downloading', current: 10, total: 10 },
      { ...progress, phase: 'downloading', current: 10, total: 10 },
      { ...progress, phase: 'unpacking', current: 3, total: 10 },
      { ...progress, phase: 'done', current: 10, total: 10 },
      { type: 'image.pulled', ref, digest, bytes: 10, fromCache: false }
    ])
    expect(announced).toHaveLength(6)
    expect(await task).toMatchObject({ digest, tags: ['alpine:3'], sizeBytes: 42, reference: 'alpine:3' })
    expect(fake.transport.inputs(ImageCreate)[0]?.query).toEqual({ fromImage: 'alpine', tag: '3' })
  })

  it('says that nothing was fetched where everything was here', async () => {
    const fake = pulling([{ status: 'Already exists', id: 'l0' }, { status: 'Status: Image is up to date for alpine:3' }])
    expect((await collect(fake.engine.image('alpine:3').pull())).at(-1)).toMatchObject({ type: 'image.pulled', fromCache: true, bytes: 0 })
  })

  it('asks no registry with policy missing, and with policy never not even for a missing image', async () => {
    const fake = pulling([])
    await fake.engine.image('alpine').pull({ policy: 'missing' })
    await fake.engine.image('alpine').pull({ policy: 'never' })
    fake.transport.answer(ImageInspect, () => Promise.reject(new EngineError('not_found', 'No such image: alpine')))
    expect(await rejection(fake.engine.image('alpine').pull({ policy: 'never' }))).toMatchObject({ code: 'not_found' })
    expect(fake.transport.ids).not.toContain('ImageCreate')
  })

  it('rejects with what its stream fails with, and names the image', async () => {
    const fake = pulling([])
    fake.transport.answer(ImageCreate, async function* () {
      yield { status: 'Pulling fs layer', id: 'l1' }
      throw new EngineError('data_loss', 'unexpected EOF')
    } as never)
    expect(await rejection(fake.engine.image('alpine:3').pull())).toMatchObject({
      code: 'data_loss',
      message: 'pull of alpine:3: unexpected EOF'
    })
  })

  it.each([
    [{ policy: 'sometimes' }, /^pull\.policy: expected one of/],
    [{ auth: { username: 'me' } }, /^pull\.auth\.password: expected text/],
    [{ auth: { username: 'me', password: 5 } }, /^pull\.auth\.password: expected text/],
    [{ auth: 'secret' }, /^pull\.auth: expected \{ username, password \}/]
  ])('refuses the options %j', async (options, message) => {
    const error = await rejection(
      pulling([])
        .engine.image('alpine')
        .pull(options as never)
    )
    expect(error).toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(message) })
    expect(String(error)).not.toMatch(/secret|got 5/)
  })

  it('does not take the docker configuration for credentials yet, and says so', async () => {})

  it('refuses an empty tag, which engines take for all tags', async () => {
    expect(await rejection(pulling([]).engine.image('a/b:').pull())).toMatchObject({ code: 'invalid_argument' })
  })
})

describe('an image', () => {
  const pulled = async () => {
    const fake = pulling([])
    return { fake, image: await fake.engine.image('alpine').pull() }
  }

  it('says what it is made of', async () => {
    const { image } = await pulled()
    expect(await image.inspect()).toEqual({
      config: { env: { A: 'b=c', EMPTY: '' }, cmd: ['sh'], ports: ['53/udp'] },
      layers: [digest],
      created: new Date('2024-01-01T00:00:00Z')
    })
  })

  it('is a spec', async () => {
    const { fake, image } = await pulled()
    await image.env({ A: '1' }).create()
    expect(fake.last.body).toMatchObject({ Image: 'alpine', Env: ['A=1'] })
  })

  it('can be tagged, and removed by its name', async () => {
    const { fake, image } = await pulled()
    fake.transport.answer(ImageTag, () => ({ modified: true })).answer(ImageDelete, () => [])
    const tagged = await image.tag('127.0.0.1:5000/team/app:2')
    expect(fake.transport.inputs(ImageTag)[0]).toMatchObject({
      path: { name: image.id },
      query: { repo: '127.0.0.1:5000/team/app', tag: '2' }
    })
    await tagged.remove({ force: true })
    expect(fake.transport.inputs(ImageDelete)[0]).toMatchObject({ path: { name: '127.0.0.1:5000/team/app:2' }, query: { force: true } })
  })

  it('has its id for a digest where it was never in a registry', async () => {
    const fake = pulling([])
    fake.transport.answer(ImageInspect, () => facts({ RepoDigests: null }))
    const image = await fake.engine.image('alpine').pull({ policy: 'missing' })
    expect(image.digest).toBe(image.id)
  })

  it('is listed by reference, label and whether it has a name', async () => {
    const fake = new FakeEngine()
    fake.transport.answer(ImageList, () => [facts(), facts({ RepoTags: ['<none>:<none>'] })] as never)
    const images = await collect(fake.engine.images({ reference: 'alp*', dangling: false, label: { a: 'b' } }))
    expect(images.map(({ reference, tags }) => [reference, tags])).toEqual([
      ['alpine:3', ['alpine:3']],
      [`sha256:${'1'.repeat(64)}`, []]
    ])
    expect(fake.transport.inputs(ImageList)[0]?.query?.filters).toEqual({ reference: ['alp*'], dangling: ['false'], label: ['a=b'] })
  })
})

describe('references and logins', () => {
  it.each([
    ['alpine', 'alpine', 'latest', 'docker.io'],
    ['alpine:3', 'alpine', '3', 'docker.io'],
    ['team/app', 'team/app', 'latest', 'docker.io'],
    ['localhost/app:1', 'localhost/app', '1', 'localhost'],
    ['127.0.0.1:5000/a/b', '127.0.0.1:5000/a/b', 'latest', '127.0.0.1:5000'],
    [`ghcr.io/a/b:tag@${digest}`, 'ghcr.io/a/b', digest, 'ghcr.io']
  ])('%s is taken apart', (reference, name, tag, registry) => {
    expect(splitReference(reference)).toEqual({ name, tag })
    expect(registryOf(reference)).toBe(registry)
  })

  it('a login goes to the registry it is for, and to no other', async () => {
    const sources = {
      registries: { 'ghcr.io': { auth: { username: 'me', password: 'pw' } } },
      environment: { env: {}, homedir: '/nowhere' }
    }
    const login = async (reference: string, auth?: Auth) => (await resolveAuth(reference, auth, sources)).header
    expect(decodeRegistryAuth((await login('ghcr.io/a/b')) ?? '')).toEqual({ username: 'me', password: 'pw', serveraddress: 'ghcr.io' })
    expect(await login('quay.io/a/b')).toBeUndefined()
    // Said, so that the engine looks for nothing else.
    expect(decodeRegistryAuth((await login('ghcr.io/a', 'anonymous')) ?? '')).toEqual({})
    expect(decodeRegistryAuth((await login('alpine', { identityToken: 't' })) ?? '')).toEqual({
      identitytoken: 't',
      serveraddress: 'https://index.docker.io/v1/'
    })
  })

  it('a helper that does not work means no login, and a refusal says so; asked for by name it fails', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gantry-home-'))
    try {
      await writeFile(join(folder, 'config.json'), JSON.stringify({ credsStore: 'nothing' }))
      const sources = { registries: {}, environment: { env: { DOCKER_CONFIG: folder }, homedir: '/nowhere' } }
      const { header, explain } = await resolveAuth('ghcr.io/a', undefined, sources)
      expect(header).toBeUndefined()
      expect(explain(new EngineError('unauthenticated', 'denied'))).toMatchObject({
        code: 'unauthenticated',
        message: expect.stringMatching(
          /^denied \(asked without credentials: the credential helper docker-credential-nothing is not on the PATH/
        )
      })
      const other = new EngineError('unavailable', 'down')
      expect(explain(other)).toBe(other)
      await expect(resolveAuth('ghcr.io/a', 'docker-config', sources)).rejects.toMatchObject({ code: 'not_found' })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it.each([
    ['LOCALHOST/a', 'LOCALHOST', 'a'],
    ['index.docker.io/a', 'docker.io', 'library/a'],
    ['docker.io/team/app:1', 'docker.io', 'team/app'],
    ['ghcr.io/a/b/c@sha256:0', 'ghcr.io', 'a/b/c']
  ])('%s is at the registry that the engine takes it for', (reference, registry, repository) => {
    expect(registryOf(reference)).toBe(registry)
    expect(repositoryOf(reference)).toBe(repository)
  })

  it('progress without sizes is told as such', () => {
    expect(new PullProgress('a').next({ status: 'Downloading', id: 'l', progressDetail: {} })).toMatchObject({ current: 0, total: 0 })
    expect(new PullProgress('a').next({ status: 'Pulling fs layer', id: 'l' })).toBeUndefined()
  })
})
