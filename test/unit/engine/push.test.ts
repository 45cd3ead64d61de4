import { describe, expect, it } from 'vitest'
import { ImageInspect, ImagePush, ImageTag } from '../../../src/api/index.js'
import { decodeRegistryAuth } from '../../../src/api/registry-auth.js'
import { EngineError } from '../../../src/errors/index.js'
import { FakeEngine } from './kit/fake-engine.js'
import { collect, rejection } from './kit/rejection.js'

const digest = `sha256:${'a'.repeat(64)}` as const
const id = `sha256:${'1'.repeat(64)}`
const ref = 'registry.example/team/app:1'

const pushing = (lines: readonly object[] = [{ aux: { Tag: '1', Digest: digest, Size: 528 } }]) => {
  const fake = new FakeEngine()
  fake.transport
    .answer(ImageInspect, () => ({ Id: id, RepoTags: [ref], RepoDigests: [], Size: 1 }) as never)
    .answer(ImageTag, () => ({ modified: true }))
    .answer(ImagePush, async function* () {
      yield* lines
    } as never)
  return fake
}

describe('push', () => {
  it('tells the progress of each layer, on the task and on the engine, and gives what the tag names now', async () => {
    const fake = pushing([
      { status: 'The push refers to repository [registry.example/team/app]' },
      { status: 'Preparing', id: 'l1', progressDetail: {} },
      { status: 'Waiting', id: 'l1', progressDetail: {} },
      { status: 'Layer already exists', id: 'l0', progressDetail: {} },
      { status: 'Mounted from team/base', id: 'l2', progressDetail: {} },
      { status: 'Skipped foreign layer', id: 'l3', progressDetail: {} },
      { status: 'Pushing', id: 'l1', progressDetail: { current: 5, total: 10 } },
      { status: 'Pushed', id: 'l1', progressDetail: {} },
      { status: `1: digest: ${digest} size: 528` },
      { progressDetail: {}, aux: { Tag: '1', Digest: digest, Size: 528 } }
    ])
    const announced: string[] = []
    fake.engine.on('image.push.progress', ({ layer, phase }) => announced.push(`${layer} ${phase}`))
    fake.engine.on('image.pushed', ({ type }) => announced.push(type))
    const task = fake.engine.image(ref).push()
    const of = (layer: string, phase: string, more: object = {}) => ({
      ...{ type: 'image.push.progress', ref, layer, phase, current: 0, total: 0 },
      ...more
    })
    expect(await collect(task)).toEqual([
      of('l1', 'waiting'),
      of('l1', 'waiting'),
      of('l0', 'present'),
      of('l2', 'mounted', { from: 'team/base' }),
      of('l3', 'skipped'),
      of('l1', 'pushing', { current: 5, total: 10 }),
      of('l1', 'done', { current: 10, total: 10 }),
      { type: 'image.pushed', ref, digest, bytes: 10 }
    ])
    expect(announced).toHaveLength(8)
    expect(await task).toEqual({ reference: ref, digest, sizeBytes: 528 })
    expect(fake.transport.inputs(ImagePush)[0]).toMatchObject({ path: { name: 'registry.example/team/app' }, query: { tag: '1' } })
    expect(fake.transport.ids).not.toContain('ImageTag')
  })

  it('reads the result from the words where the engine sends nothing else', async () => {
    const fake = pushing([{ status: `latest: digest: ${digest} size: 12` }])
    expect(await fake.engine.image('app').push()).toEqual({ reference: 'app', digest, sizeBytes: 12 })
    expect(fake.transport.inputs(ImagePush)[0]?.query).toEqual({ tag: 'latest' })
  })

  it('gives the image another name first, where it is to have one', async () => {
    const fake = pushing()
    expect(await fake.engine.image('app:1').push({ to: ref })).toMatchObject({ reference: ref })
    expect(fake.transport.inputs(ImageTag)[0]).toEqual({
      path: { name: 'app:1' },
      query: { repo: 'registry.example/team/app', tag: '1' }
    })
    const image = await fake.engine.image(id).pull({ policy: 'missing' })
    await image.push({ to: ref })
    expect(fake.transport.inputs(ImageTag)[1]?.path).toEqual({ name: id })
  })

  it('shows the registry the credentials that are for it, and says where there are none', async () => {
    const fake = pushing()
    const header = () => fake.transport.inputs(ImagePush).at(-1)?.headers['X-Registry-Auth'] ?? 'absent'
    await fake.engine.image(ref).push({ auth: { username: 'me', password: 'secret' } })
    expect(decodeRegistryAuth(header())).toEqual({ username: 'me', password: 'secret', serveraddress: 'registry.example' })
    await fake.engine.image(ref).push({ auth: 'anonymous' })
    expect(decodeRegistryAuth(header())).toEqual({})
    await fake.engine.image(ref).push()
    expect(header()).toBe('e30=')
  })

  it('sends one platform where only that is wanted', async () => {
    const fake = pushing()
    await fake.engine.image(ref).push({ platform: 'linux/arm64/v8' })
    expect(fake.transport.inputs(ImagePush)[0]?.query).toEqual({
      tag: '1',
      platform: { os: 'linux', architecture: 'arm64', variant: 'v8' }
    })
  })

  it('rejects with what its stream fails with, and names the image', async () => {
    const fake = pushing()
    fake.transport.answer(ImagePush, async function* () {
      yield { status: 'Preparing', id: 'l1' }
      throw new EngineError('permission_denied', 'denied: requested access to the resource is denied')
    } as never)
    expect(await rejection(fake.engine.image(ref).push())).toMatchObject({
      code: 'permission_denied',
      message: `push of ${ref}: denied: requested access to the resource is denied`
    })
  })

  it('fails where the stream ends without saying what was pushed', async () => {
    const error = await rejection(
      pushing([{ status: 'Pushed', id: 'l1' }])
        .engine.image(ref)
        .push()
    )
    expect(error).toMatchObject({ code: 'failed', message: expect.stringContaining('without saying what it pushed') })
  })

  it('ends with the reason of its signal', async () => {
    const fake = pushing()
    fake.transport.answer(ImagePush, () => new Promise(() => {}))
    const abort = new AbortController()
    const failure = rejection(fake.engine.image(ref).push({ signal: abort.signal }))
    const reason = new Error('enough')
    abort.abort(reason)
    expect(await failure).toBe(reason)
  })

  it.each([
    ['app:1', { to: '' }, /^push\.to: expected text/],
    ['app:1', { to: 'app:' }, /^push\.to: expected a name with a tag/],
    ['app:1', { platform: 'arm64' }, /^push\.platform: expected text such as linux\/arm64/],
    ['app:1', { auth: 'secret' }, /^push\.auth: expected \{ username, password \}/],
    ['app:1', { policy: 'always' }, /^push\.policy: there is no such option/],
    [id, {}, /^push: expected a name with a tag/],
    [`app@${digest}`, {}, /^push: expected a name with a tag/]
  ])('of %s refuses the options %j', async (reference, options, message) => {
    const fake = pushing()
    const error = await rejection(fake.engine.image(reference).push(options as never))
    expect(error).toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(message) })
    expect(String(error)).not.toContain('secret')
    expect(fake.transport.ids).not.toContain('ImagePush')
  })

  it("of the machine's own files is refused", async () => {
    const fake = pushing()
    expect(await rejection(fake.engine.image('host:/').push())).toMatchObject({ code: 'not_supported' })
  })
})
