// Needs: root and the lab (test/lab).
import type { EngineEvent } from 'gantry'
import { expect } from 'vitest'
import { hostArchitecture } from '../lab/images/image.js'
import { manyLayersContent } from '../lab/images/many-layers.js'
import { type Context, conform } from './conform.js'
import { expectError, rejection } from './kit/errors.js'
import { collect, eventually } from './kit/streams.js'

const isHere = async ({ engine }: Context, reference: string): Promise<boolean> =>
  (await collect(engine.images({ reference }))).some(image => image.tags.includes(reference))

conform(
  'pull',
  {
    'a pulled image says what it is: digest of its manifest, id, tags, size': async ({ engine, reference, lab }) => {
      const image = await engine.image(reference('entrypoint')).pull()
      expect(image.digest).toBe(lab.digests.entrypoint)
      expect(image.id).toMatch(/^sha256:[0-9a-f]{64}$/)
      expect(image.tags).toContain(reference('entrypoint'))
      expect(image.sizeBytes).toBeGreaterThan(100_000)
    },

    'a pull tells the progress of each layer, and ends with what was pulled': async ({ engine, publish }) => {
      const reference = await publish({ entries: [{ kind: 'file', path: 'big', content: 'x'.repeat(500_000) }] })
      const events = await collect<EngineEvent>(engine.image(reference).pull())
      const progress = events.filter(event => event.type === 'image.pull.progress')
      expect(new Set(progress.map(event => event.layer)).size).toBe(2)
      expect(progress.every(event => event.ref === reference && event.current <= Math.max(event.total, event.current))).toBe(true)
      expect(progress.map(event => event.phase)).toContain('done')
      const last = events.at(-1)
      expect(last).toMatchObject({ type: 'image.pulled', ref: reference, fromCache: false })
    },

    'pulling what is here already says so and fetches nothing': async ({ engine, publish }) => {
      const spec = engine.image(await publish())
      await spec.pull()
      const events = await collect<EngineEvent>(spec.pull())
      expect(events.at(-1)).toMatchObject({ type: 'image.pulled', fromCache: true })
      expect(events.some(event => event.type === 'image.pull.progress' && event.phase === 'downloading')).toBe(false)
    },

    'a name without a tag means latest': async ({ engine, reference }) => {
      const name = reference('busybox')
      const image = await engine.image(name.replace(/:latest$/, '')).pull()
      expect(image.tags).toContain(name)
    },

    'pull by digest gives exactly that image, also after its tag has moved on': async ({ engine, publish }) => {
      const reference = await publish()
      const first = await engine.image(reference).pull()
      const name = reference.slice(reference.indexOf('/') + 1)
      await publish({ name })
      const byDigest = `${reference.replace(/:latest$/, '')}@${first.digest}`
      const again = await engine.image(byDigest).pull()
      expect(again.id).toBe(first.id)
      expect((await engine.image(byDigest).run(['cat', '/mark'])).exitCode).toBe(0)
    },

    'pulling a tag that has moved gives the new image, and the old one loses its name': async ({ engine, publish }) => {
      const reference = await publish()
      const old = await engine.image(reference).pull()
      await publish({ name: reference.slice(reference.indexOf('/') + 1) })
      const fresh = await engine.image(reference).pull()
      expect(fresh.id).not.toBe(old.id)
      expect(fresh.tags).toContain(reference)
      const all = await collect(engine.images())
      expect(all.find(image => image.id === old.id)?.tags ?? []).not.toContain(reference)
    },

    'of an index, the image for this platform is taken': async ({ engine, reference, lab }) => {
      const image = await engine.image(reference('multi')).pull()
      expect(image.digest).toBe(lab.digests.multi)
      expect(await image.run(['cat', '/platform']).text()).toBe(`linux/${hostArchitecture}\n`)
    },

    'of an index, another platform is taken when asked for': async ({ engine, reference }) => {
      for (const platform of ['linux/arm64', 'linux/amd64'] as const) {
        const image = await engine.image(reference('multi')).platform(platform).pull()
        expect(await image.run(['cat', '/platform']).text()).toBe(`${platform}\n`)
      }
    },

    'a platform that an index does not have is named in the error': async ({ engine, reference }) => {
      // dockerd says it in the stream of a 200, which has a message and no status.
      await expectError(engine.image(reference('multi')).platform('linux/s390x').pull(), ['not_found', 'failed'], /s390x/)
    },

    'an image of 125 layers runs, with whiteouts, opaque folders and hard links as written': async ({ engine, reference }) => {
      const { removed, opaque, becameFile, rewritten, hardlink } = manyLayersContent
      const script = `ls /layers | wc -l; ls ${removed} 2>&1; ls ${opaque}; cat ${becameFile} ${rewritten} ${hardlink}`
      const { stdout } = await engine.image(reference('layers125')).run(['sh', '-c', script])
      // 124 layers on busybox: 124 files and one hard link, less the one that was removed.
      expect(stdout.split('\n')).toEqual([
        '124',
        expect.stringContaining('No such file'),
        ...manyLayersContent.opaqueNames,
        'layer 80',
        manyLayersContent.rewrittenContent.trim(),
        manyLayersContent.hardlinkContent.trim(),
        ''
      ])
    },

    'an unknown image is not_found, says its name, and leaves no image': async context => {
      const reference = `${context.lab.registry?.address}/no-such-image:latest`
      await expectError(context.engine.image(reference).pull(), 'not_found', /no-such-image/)
      expect(await isHere(context, reference)).toBe(false)
    },

    'an unknown tag is not_found': async ({ engine, reference }) => {
      await expectError(engine.image(reference('busybox').replace(/latest$/, 'no-such-tag')).pull(), 'not_found', /no-such-tag/)
    },

    'an unknown digest is not_found': async ({ engine, reference }) => {
      const digest = `sha256:${'0'.repeat(64)}`
      await expectError(engine.image(`${reference('busybox').replace(/:latest$/, '')}@${digest}`).pull(), 'not_found')
    },

    'a reference that is none is invalid_argument and is repeated in the message': async ({ engine }) => {
      for (const reference of ['UPPER/Case', 'white space', 'a/b:', 'x@sha256:12', '']) {
        const attempt = (async () => engine.image(reference).pull())()
        await expectError(attempt, 'invalid_argument', new RegExp(reference.slice(0, 5)))
      }
    },

    'a registry that nobody answers for is told by its address': async ({ engine }) => {
      await expectError(engine.image('127.0.0.1:1/image:latest').pull(), ['unavailable', 'failed'], /127\.0\.0\.1:1/)
    },

    'run with pull never does not pull': async context => {
      const reference = await context.publish()
      await expectError(context.engine.image(reference).run(['true'], { pull: 'never' }), 'not_found', /fresh-/)
      expect(await isHere(context, reference)).toBe(false)
    },

    'run with pull missing takes the image that is here, run with pull always the newest': async ({ engine, publish }) => {
      const reference = await publish({ entries: [{ kind: 'file', path: 'version', content: 'one' }] })
      const version = (pull: 'missing' | 'always') => engine.image(reference).run(['cat', '/version'], { pull }).text()
      expect(await version('missing')).toBe('one')
      await publish({ name: reference.slice(reference.indexOf('/') + 1), entries: [{ kind: 'file', path: 'version', content: 'two' }] })
      expect(await version('missing')).toBe('one')
      expect(await version('always')).toBe('two')
    },

    'pull with policy missing asks no registry for an image that is here': async ({ engine, publish }) => {
      const reference = await publish()
      const first = await engine.image(reference).pull({ policy: 'missing' })
      await publish({ name: reference.slice(reference.indexOf('/') + 1) })
      expect((await engine.image(reference).pull({ policy: 'missing' })).id).toBe(first.id)
    },

    'five pulls of one image at once give the same image': async ({ engine, publish }) => {
      const reference = await publish()
      const images = await Promise.all(Array.from({ length: 5 }, () => engine.image(reference).pull()))
      expect(new Set(images.map(image => image.id)).size).toBe(1)
    },

    'an aborted pull rejects with the reason, and the next one works': async ({ engine, reference }) => {
      const reason = new Error('changed my mind')
      const controller = new AbortController()
      const pull = engine.image(reference('layers125')).pull({ signal: controller.signal, policy: 'always' })
      controller.abort(reason)
      expect(await rejection(pull)).toBe(reason)
      expect((await engine.image(reference('layers125')).pull()).tags).toContain(reference('layers125'))
    },

    'leaving the loop over its progress does not end a pull': async context => {
      const reference = await context.publish()
      const pull = context.engine.image(reference).pull()
      for await (const _ of pull) break
      await eventually(() => isHere(context, reference))
      expect((await pull).tags).toContain(reference)
    },

    'a pull nobody waits for fails without an unhandled rejection': async ({ engine, lab }) => {
      const pull = engine.image(`${lab.registry?.address}/nobody-waits:latest`).pull()
      await new Promise(resolve => setTimeout(resolve, 200))
      await expectError(pull, 'not_found')
    }
  },
  { images: ['entrypoint', 'multi', 'layers125'] }
)
