// Needs: root and the lab (test/lab).
import { ImageInspect, ImageList } from 'gantry/api'
import { expect } from 'vitest'
import { entrypointSettings } from '../lab/images/catalog.js'
import { hostArchitecture } from '../lab/images/image.js'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { collect } from './kit/streams.js'

conform(
  'images',
  {
    'inspect tells environment, command, ports, layers and age': async ({ engine, reference }) => {
      const image = await engine.image(reference('entrypoint')).pull()
      const details = await image.inspect()
      expect(details.config.env).toEqual({ PATH: '/usr/local/bin:/usr/bin:/bin', GREETING: 'hello', EMPTY: '' })
      expect(details.config.cmd).toEqual(entrypointSettings.Cmd)
      expect([...details.config.ports].map(String).sort()).toEqual(['53/udp', expect.stringMatching(/^8080(\/tcp)?$/)])
      expect(details.layers).toHaveLength(1)
      expect(details.created.toISOString()).toBe('2024-01-01T00:00:00.000Z')
    },

    'ImageInspect has the fields of the Engine API': async ({ engine, reference, lab }) => {
      const image = await engine.image(reference('entrypoint')).pull()
      const inspected = await engine.raw.call(ImageInspect, { path: { name: reference('entrypoint') } })
      expect(inspected).toMatchObject({
        Id: image.id,
        RepoTags: [reference('entrypoint')],
        RepoDigests: [`${reference('entrypoint').replace(/:latest$/, '')}@${lab.digests.entrypoint}`],
        Os: 'linux',
        Architecture: hostArchitecture,
        Size: image.sizeBytes,
        RootFS: { Type: 'layers', Layers: (await image.inspect()).layers },
        Config: entrypointSettings
      })
    },

    'an image is found by its id and by the beginning of it': async ({ engine, reference }) => {
      const image = await engine.image(reference('busybox')).pull()
      for (const name of [image.id, image.id.slice('sha256:'.length), image.id.slice('sha256:'.length, 'sha256:'.length + 12)]) {
        const inspected = await engine.raw.call(ImageInspect, { path: { name } })
        expect(inspected.Id).toBe(image.id)
        expect(await engine.image(name).run(['echo', 'same']).text()).toBe('same\n')
      }
    },

    'an image that is not here is not_found': async ({ engine }) => {
      await expectError(engine.raw.call(ImageInspect, { path: { name: 'no-such-image' } }), 'not_found', /no-such-image/)
    },

    'images are listed, by reference, label, and by whether they have a name': async ({ engine, publish }) => {
      const reference = await publish({ settings: { Cmd: ['sh'], Labels: { flavour: 'list-test' } } })
      const image = await engine.image(reference).pull()
      const ids = async (filter: Parameters<typeof engine.images>[0]) => (await collect(engine.images(filter))).map(entry => entry.id)
      expect(await ids({})).toContain(image.id)
      expect(await ids({ reference: reference.replace(/:latest$/, '') })).toEqual([image.id])
      expect(await ids({ label: { flavour: 'list-test' } })).toEqual([image.id])
      expect(await ids({ dangling: true })).not.toContain(image.id)
      expect(await ids({ dangling: false })).toContain(image.id)
      expect(await ids({ reference: 'no-such-image' })).toEqual([])
    },

    'ImageList has the fields of the Engine API': async ({ engine, reference }) => {
      const image = await engine.image(reference('entrypoint')).pull()
      const entry = (await engine.raw.call(ImageList, { query: { filters: { reference: [reference('entrypoint')] } } }))[0]
      expect(entry).toMatchObject({
        Id: image.id,
        RepoTags: [reference('entrypoint')],
        Labels: entrypointSettings.Labels,
        Size: image.sizeBytes,
        Created: Date.parse('2024-01-01T00:00:00Z') / 1000,
        Containers: -1,
        SharedSize: -1
      })
    },

    'a tag is another name of the same image': async ({ engine, publish, unique }) => {
      const image = await engine.image(await publish()).pull()
      const name = `${unique('tagged')}:one`
      const tagged = await image.tag(name)
      expect(tagged.id).toBe(image.id)
      const inspected = await engine.raw.call(ImageInspect, { path: { name } })
      expect([...inspected.RepoTags].sort()).toEqual([name, image.reference].sort())
    },

    'removing one name leaves the image with the others, removing the last removes it': async ({ engine, publish, unique }) => {
      const image = await engine.image(await publish()).pull()
      const other = await image.tag(`${unique('removed')}:one`)
      await image.remove()
      expect((await engine.raw.call(ImageInspect, { path: { name: image.id } })).RepoTags).toEqual([other.reference])
      await other.remove()
      await expectError(engine.raw.call(ImageInspect, { path: { name: image.id } }), 'not_found')
    },

    'an image that a container uses cannot be removed: conflict': async ({ engine, publish }) => {
      const image = await engine.image(await publish()).pull()
      const container = await image.create()
      await expectError(image.remove(), 'conflict', new RegExp(container.id.slice(0, 12)))
      await container.remove()
      await image.remove()
      await expectError(engine.raw.call(ImageInspect, { path: { name: image.id } }), 'not_found')
    },

    'removing an image that is gone is not_found': async ({ engine, publish }) => {
      const image = await engine.image(await publish()).pull()
      await image.remove()
      await expectError(image.remove(), 'not_found')
    },

    'a removed image can be pulled again': async ({ engine, publish }) => {
      const spec = engine.image(await publish())
      const first = await spec.pull()
      await first.remove()
      expect((await spec.pull()).id).toBe(first.id)
      expect((await spec.run(['true'])).exitCode).toBe(0)
    }
  },
  { images: ['entrypoint'] }
)
