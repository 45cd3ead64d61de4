// Needs: root and the lab (test/lab), skopeo among its programs.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { Engine } from 'gantry'
import {
  ContainerCreate,
  ContainerDelete,
  ContainerStart,
  ContainerWait,
  DistributionInspect,
  ImageCommit,
  ImageDelete,
  ImageInspect,
  ImagePush,
  ImageSearch,
  ImageTag,
  SystemEvents
} from 'gantry/api'
import { expect } from 'vitest'
import { hostArchitecture } from '../lab/images/image.js'
import { conform } from './conform.js'
import { expectError, rejection } from './kit/errors.js'
import { collect } from './kit/streams.js'

/** A line of a push as it is sent: the API's description leaves out two of its fields. */
interface Line {
  readonly status?: string
  readonly id?: string
  readonly progressDetail?: { readonly current?: number; readonly total?: number }
  readonly aux?: { readonly Tag: string; readonly Digest: string; readonly Size: number }
}

const noLogin = { headers: { 'X-Registry-Auth': 'e30=' } }

async function push(engine: Engine, name: string, tag?: string): Promise<readonly Line[]> {
  const lines: Line[] = []
  for await (const line of await engine.raw.call(ImagePush, { path: { name }, query: tag === undefined ? {} : { tag }, ...noLogin })) {
    lines.push(line as Line)
  }
  return lines
}

const name = (engine: Engine, image: string, repo: string, tag: string) =>
  engine.raw.call(ImageTag, { path: { name: image }, query: { repo, tag } })

/** What skopeo, which has nothing to do with any of the engines, sees in the registry. */
async function skopeo(reference: string): Promise<{ readonly Digest: string; readonly Layers: readonly string[] }> {
  const { stdout } = await promisify(execFile)('skopeo', ['inspect', '--tls-verify=false', `docker://${reference}`])
  return JSON.parse(stdout)
}

const statuses = (lines: readonly Line[]): readonly (string | undefined)[] => lines.map(({ status }) => status)

conform(
  'push',
  {
    'a push tells of each layer, and ends with tag, digest and size': async ({ engine, publish, lab, unique }) => {
      const reference = await publish()
      const image = await engine.image(reference).pull()
      const repository = `${lab.registry?.address}/${unique('push')}/app`
      await name(engine, image.id, repository, '1')
      const lines = await push(engine, repository, '1')
      expect(lines[0]).toEqual({ status: `The push refers to repository [${repository}]` })
      const ids = (await image.inspect()).layers.map(digest => digest.slice(7, 19))
      expect(lines.filter(({ status }) => status === 'Preparing').map(({ id }) => id)).toEqual([...ids].reverse())
      expect(
        lines
          .filter(({ status }) => /^(Pushed|Mounted from .*)$/.test(status ?? ''))
          .map(({ id }) => id)
          .sort()
      ).toEqual([...ids].sort())
      const digest = (await skopeo(`${repository}:1`)).Digest
      const [said, aux] = lines.slice(-2)
      expect(said?.status).toMatch(new RegExp(`^1: digest: ${digest} size: \\d+$`))
      expect(aux).toEqual({ progressDetail: {}, aux: { Tag: '1', Digest: digest, Size: Number(said?.status?.split(' ').at(-1)) } })
      const { RepoDigests } = await engine.raw.call(ImageInspect, { path: { name: image.id } })
      expect(RepoDigests).toContain(`${repository}@${digest}`)
    },

    'what the registry has is not sent again': async ({ engine, publish, lab, unique }) => {
      const image = await engine.image(await publish()).pull()
      const repository = `${lab.registry?.address}/${unique('push')}`
      await name(engine, image.id, repository, '1')
      await push(engine, repository, '1')
      const again = statuses(await push(engine, repository, '1'))
      expect(again.filter(status => status === 'Layer already exists')).toHaveLength(2)
      expect(again.filter(status => /Pushing|Pushed|Mounted/.test(status ?? ''))).toEqual([])
    },

    'a layer of another repository of the registry is mounted': async ({ engine, publish, lab, unique }) => {
      const reference = await publish()
      const image = await engine.image(reference).pull()
      const repository = `${lab.registry?.address}/${unique('push')}`
      await name(engine, image.id, repository, '1')
      const said = statuses(await push(engine, repository, '1'))
      const from = reference.replace(/^[^/]*\//, '').replace(/:latest$/, '')
      expect(said).toContain(`Mounted from ${from}`)
    },

    'an image made here is pushed, and is the same when it is pulled': async ({ engine, image, lab, unique, reference }) => {
      await image.pull()
      const { Id } = await engine.raw.call(ContainerCreate, {
        body: { Image: reference('busybox'), Cmd: ['sh', '-c', 'seq 1 200000 > /numbers; ln /numbers /linked; mkdir -m 1777 /open'] }
      })
      await engine.raw.call(ContainerStart, { path: { id: Id } })
      await engine.raw.call(ContainerWait, { path: { id: Id } })
      const [repository, tag] = [`${lab.registry?.address}/${unique('push')}`, 'made']
      const made = await engine.raw.call(ImageCommit, { query: { container: Id, repo: repository, tag } })
      await engine.raw.call(ContainerDelete, { path: { id: Id }, query: { force: true } })
      const lines = await push(engine, repository, tag)
      expect(statuses(lines)).toContain('Pushed')
      expect(lines.at(-1)?.aux?.Digest).toBe((await skopeo(`${repository}:${tag}`)).Digest)
      await (await engine.image(`${repository}:${tag}`).pull()).remove({ force: true })
      const pulled = await engine.image(`${repository}:${tag}`).pull()
      expect(pulled.id).toBe(made.Id)
      expect(await pulled.run(['sh', '-c', 'stat -c "%h %s" /linked; stat -c %a /open']).text()).toBe('2 1288895\n1777\n')
    },

    'without a tag all tags of the repository are pushed': async ({ engine, publish, lab, unique }) => {
      const image = await engine.image(await publish()).pull()
      const repository = `${lab.registry?.address}/${unique('push')}`
      for (const tag of ['b', 'a', 'c']) await name(engine, image.id, repository, tag)
      const tags = (await push(engine, repository)).flatMap(({ aux }) => aux?.Tag ?? [])
      expect(tags).toEqual(['a', 'b', 'c'])
      for (const tag of tags) expect((await skopeo(`${repository}:${tag}`)).Layers).toHaveLength(2)
    },

    'a push of what is not here says so in the stream': async ({ engine, publish, lab, unique }) => {
      const image = await engine.image(await publish()).pull()
      const repository = `${lab.registry?.address}/${unique('push')}`
      const absent = { message: `An image does not exist locally with the tag: ${repository}` }
      await expect(push(engine, repository, '1')).rejects.toMatchObject(absent)
      await expect(push(engine, repository)).rejects.toMatchObject(absent)
      await name(engine, image.id, repository, 'here')
      await expect(push(engine, repository, 'absent')).rejects.toMatchObject({ message: `tag does not exist: ${repository}:absent` })
      const byDigest = `${repository}@${image.digest}`
      await expect(push(engine, byDigest)).rejects.toMatchObject({ message: 'cannot push a digest reference' })
    },

    'a name that is none fails the call': async ({ engine }) => {
      const failure = engine.raw.call(ImagePush, { path: { name: 'UPPER' }, query: { tag: '1' }, ...noLogin })
      await expect(failure).rejects.toMatchObject({ message: expect.stringMatching(/repository name must be lowercase/) })
    },

    'a registry that does not listen is told in the stream': async ({ engine, image, reference }) => {
      await image.pull()
      await name(engine, reference('busybox'), '127.0.0.1:1/push', '1')
      await expect(push(engine, '127.0.0.1:1/push', '1')).rejects.toMatchObject({
        message: expect.stringMatching(/127\.0\.0\.1:1.*refused/)
      })
      await engine.raw.call(ImageDelete, { path: { name: '127.0.0.1:1/push:1' } })
    },

    'what a registry has is told without pulling it': async ({ engine, reference, lab }) => {
      const inspect = (of: string) => engine.raw.call(DistributionInspect, { path: { name: of } })
      const { Descriptor, Platforms } = await inspect(reference('multi'))
      expect(Descriptor).toEqual({
        mediaType: 'application/vnd.oci.image.index.v1+json',
        digest: lab.digests.multi,
        size: expect.any(Number)
      })
      const platforms = ['amd64', 'arm64'].map(architecture => ({ architecture, os: 'linux' }))
      expect(Platforms).toEqual(platforms)
      const single = await inspect(reference('busybox').replace(/:latest$/, ''))
      expect(single.Descriptor.digest).toBe(lab.digests.busybox)
      expect(single.Platforms).toEqual([{ architecture: hostArchitecture, os: 'linux' }])
      await expectError(inspect(`${reference('busybox')}-absent`), 'not_found')
      await expectError(inspect('UPPER'), 'invalid_argument')
    },

    'a search that cannot be is refused': async ({ engine, lab }) => {
      const search = (term: string, query: object = {}) => engine.raw.call(ImageSearch, { query: { term, ...query } })
      await expectError(search('busybox', { limit: 101 }), 'invalid_argument')
      await expectError(search('busybox', { filters: { bad: ['x'] } }), 'invalid_argument')
      await expectError(search('busybox', { filters: { stars: ['many'] } }), 'invalid_argument')
      // It has no search.
      const failure = search(`${lab.registry?.address}/busybox`)
      await expect(failure).rejects.toMatchObject({ message: expect.stringContaining('Unexpected status code 404') })
    },

    'fluent: a push tells of each layer, gives the digest that the tag has now, and does not send again what is there': async ({
      engine,
      publish,
      lab,
      unique
    }) => {
      const image = await engine.image(await publish()).pull()
      const name = `${lab.registry?.address}/${unique('push')}/app:1`
      const announced: string[] = []
      const listener = ({ ref }: { readonly ref: string }) => announced.push(ref)
      engine.on('image.pushed', listener)
      const task = (await image.tag(name)).push()
      const events = await collect(task)
      engine.off('image.pushed', listener)
      const pushed = await task
      expect(pushed).toEqual({ reference: name, digest: (await skopeo(name)).Digest, sizeBytes: expect.any(Number) })
      const ids = (await image.inspect()).layers.map(digest => digest.slice(7, 19))
      const ended = events.filter(event => event.type === 'image.push.progress' && ['done', 'mounted'].includes(event.phase))
      expect(ended.map(event => 'layer' in event && event.layer).toSorted()).toEqual(ids.toSorted())
      expect(events.at(-1)).toMatchObject({ type: 'image.pushed', ref: name, digest: pushed.digest })
      expect(announced).toEqual([name])
      const again = await collect(engine.image(name).push())
      expect(again.filter(event => event.type === 'image.push.progress' && event.phase === 'present')).toHaveLength(2)
      expect(again.at(-1)).toEqual({ type: 'image.pushed', ref: name, digest: pushed.digest, bytes: 0 })
    },

    'fluent: a push under another name gives the image that name': async ({ engine, publish, lab, unique }) => {
      const image = await engine.image(await publish()).pull()
      const to = `${lab.registry?.address}/${unique('push')}:renamed`
      const { digest, reference } = await engine.image(image.id).push({ to })
      expect([reference, digest]).toEqual([to, (await skopeo(to)).Digest])
      const { RepoTags, RepoDigests } = await engine.raw.call(ImageInspect, { path: { name: image.id } })
      expect(RepoTags).toContain(to)
      expect(RepoDigests).toContain(`${to.replace(/:renamed$/, '')}@${digest}`)
    },

    'fluent: a push of one platform is of that one, or refused by an engine that does not know platforms': async ({
      engine,
      publish,
      lab,
      unique
    }) => {
      const image = await engine.image(await publish()).pull()
      const to = `${lab.registry?.address}/${unique('push')}:1`
      const [major, minor] = (await engine.info()).apiVersion.split('.').map(Number)
      const own = image.push({ to, platform: `linux/${hostArchitecture}` })
      const other = image.push({ to, platform: 'linux/s390x' })
      if (major === 1 && (minor ?? 0) < 46) {
        for (const push of [own, other]) await expectError(push, 'not_supported', /platform.*1\.46/)
        return
      }
      expect((await own).digest).toBe((await skopeo(to)).Digest)
      await expectError(other, 'not_found', /linux\/s390x/)
    },

    'fluent: a push that cannot be rejects with its code': async ({ engine, image, lab, unique }) => {
      await image.pull()
      const absent = engine.image(`${lab.registry?.address}/${unique('absent')}:1`)
      await expectError(absent.push(), ['not_found', 'failed'], /An image does not exist locally with the tag/)
      await expectError(image.push({ to: '127.0.0.1:1/push:1' }), ['unavailable', 'failed'], /127\.0\.0\.1:1.*refused/)
      // Where an engine pushes only what has the name, it got that first.
      await engine.raw.call(ImageDelete, { path: { name: '127.0.0.1:1/push:1' } }).catch(() => {})
      await expectError(engine.image(unique('absent')).push({ to: 'other:1' }), 'not_found', /No such image/)
      await expectError(image.push({ to: 'UPPER:1' }), ['invalid_argument', 'failed'], /must be lowercase/)
    },

    'fluent: a push whose signal is aborted rejects with its reason, and can be made again': async ({ engine, publish, lab, unique }) => {
      const content = randomBytes(6 * 1024 * 1024)
      const image = await engine.image(await publish({ entries: [{ kind: 'file', path: 'big', content }] })).pull()
      const to = `${lab.registry?.address}/${unique('push')}:1`
      const abort = new AbortController()
      const reason = new Error('enough')
      const task = image.push({ to, signal: abort.signal })
      task.on('image.push.progress', ({ phase }) => phase === 'waiting' && abort.abort(reason))
      expect(await rejection(task)).toBe(reason)
      await expect(skopeo(to)).rejects.toThrow(/unknown/)
      expect((await engine.image(to).push()).digest).toBe((await skopeo(to)).Digest)
    },

    'a push is told as an event': async ({ engine, publish, lab, unique }) => {
      const image = await engine.image(await publish()).pull()
      const repository = `${lab.registry?.address}/${unique('push')}`
      await name(engine, image.id, repository, '1')
      const since = String(Date.now() / 1000)
      await push(engine, repository, '1')
      // The clock here is cut off to milliseconds, and an engine's is not.
      const until = String((Date.now() + 5) / 1000)
      const told: object[] = []
      for await (const { Action, Actor } of await engine.raw.call(SystemEvents, {
        query: { since, until, filters: { event: ['push'] } }
      })) {
        told.push({ Action, id: Actor.ID, name: Actor.Attributes.name })
      }
      expect(told).toEqual([{ Action: 'push', id: `${repository}:1`, name: repository }])
    }
  },
  { parts: ['skopeo'] }
)
