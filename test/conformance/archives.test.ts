// Needs: root and the lab (test/lab).
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { type Engine, EngineError } from 'gantry'
import {
  ContainerExport,
  ImageCreate,
  ImageDelete,
  ImageGet,
  ImageGetAll,
  ImageHistory,
  ImageInspect,
  ImageLoad,
  ImageTag
} from 'gantry/api'
import { expect } from 'vitest'
import { digestOf } from '../lab/images/layer.js'
import { conform } from './conform.js'
import { dockerArchive, entriesOf, load, newImage, tarOf } from './kit/archives.js'
import { expectError } from './kit/errors.js'
import { collect, digestStream } from './kit/streams.js'

const inspect = (engine: Engine, name: string) => engine.raw.call(ImageInspect, { path: { name } })
const rmi = (engine: Engine, name: string) => engine.raw.call(ImageDelete, { path: { name }, query: { force: true } })

async function savedItems(engine: Engine, names: readonly string[]) {
  const files = await entriesOf(await engine.raw.call(ImageGetAll, { query: { names } }))
  const items: { Config: string; RepoTags: string[] | null; Layers: string[] }[] = JSON.parse(String(files.get('manifest.json')))
  return { files, items }
}

async function imported(engine: Engine, query: Omit<NonNullable<Parameters<typeof create>[1]>, 'fromSrc'>, archive: Uint8Array) {
  const messages = await create(engine, { ...query, fromSrc: '-' }, archive)
  return messages.at(-1)?.status ?? ''
}

async function create(
  engine: Engine,
  query: { fromSrc: string; repo?: string; tag?: string; message?: string; changes?: readonly string[] },
  archive: Uint8Array
) {
  const body = (async function* () {
    yield archive
  })()
  return collect(await engine.raw.call(ImageCreate, { query, body }))
}

conform('archives', {
  'docker save of 20.10 is loaded: tags, id and layers are those of the archive': async ({ engine, unique }) => {
    const image = await newImage({ layers: [[{ kind: 'folder', path: 'a' }], [{ kind: 'file', path: 'a/b', content: 'hello' }]] })
    const name = unique('load')
    const archive = await tarOf(dockerArchive(image, [`${name}:1`, `${name}:2`]))
    expect(await load(engine, archive)).toEqual([`Loaded image: ${name}:1`, `Loaded image: ${name}:2`])
    const loaded = await inspect(engine, `${name}:1`)
    expect(loaded.Id).toBe(image.config.digest)
    expect(loaded.RepoTags).toEqual(expect.arrayContaining([`${name}:1`, `${name}:2`]))
    expect(loaded.RepoDigests).toEqual([])
    expect(loaded.RootFS.Layers).toEqual(image.layers.map(({ diffId }) => diffId))
    // A second time nothing is new.
    expect(await load(engine, archive)).toEqual([`Loaded image: ${name}:1`, `Loaded image: ${name}:2`])
    await rmi(engine, image.config.digest)
  },

  'an image without a name is loaded by id; quiet or not, compressed or not': async ({ engine }) => {
    for (const quiet of [true, false]) {
      const image = await newImage()
      const archive = await tarOf(dockerArchive(image, []))
      expect(await load(engine, gzipSync(archive), { quiet })).toEqual([`Loaded image ID: ${image.config.digest}`])
      await rmi(engine, image.config.digest)
    }
  },

  'progress tells of the layers': async ({ engine, unique }) => {
    const image = await newImage({ layers: [[{ kind: 'file', path: 'big', content: Buffer.alloc(3_000_000, 1) }]] })
    const archive = await tarOf(dockerArchive(image, [`${unique('load')}:1`]))
    const body = (async function* () {
      yield archive
    })()
    const messages = await collect(await engine.raw.call(ImageLoad, { body, query: { quiet: false } }))
    const progress = messages.filter(({ status }) => status === 'Loading layer')
    expect(progress.length).toBeGreaterThan(0)
    expect(progress.at(-1)?.id).toMatch(/^[0-9a-f]{12}$/)
    expect(progress.at(-1)?.progressDetail?.total).toBeGreaterThan(2_999_999)
    await rmi(engine, image.config.digest)
    const unasked = await collect(await engine.raw.call(ImageLoad, { body: Readable.from([archive]) }))
    expect(unasked.filter(({ status }) => status !== undefined)).toEqual([])
    await rmi(engine, image.config.digest)
  },

  'the history of a loaded image is that of its configuration: steps without a layer, or nothing at all': async ({ engine, unique }) => {
    const made = await newImage({ layers: [[{ kind: 'file', path: 'big', content: 'x'.repeat(1000) }], []] })
    const created = '2024-01-01T00:00:00Z'
    const configuration = JSON.parse(Buffer.from(made.config.content).toString())
    const withHistory = (changes: object) => {
      const content = Buffer.from(JSON.stringify({ ...configuration, ...changes }))
      return { ...made, config: { content, digest: digestOf(content) } }
    }
    const steps = [
      { created, created_by: 'ADD big' },
      { created, created_by: 'ENV A=b', empty_layer: true, comment: 'no layer', author: 'me' },
      { created, created_by: 'ADD small' },
      { created, created_by: 'CMD x', empty_layer: true }
    ]
    const name = `${unique('history')}:1`
    const image = withHistory({ history: steps, author: 'somebody', comment: 'of the image', docker_version: '19.03' })
    await load(engine, await tarOf(dockerArchive(image, [name])))
    const history = await engine.raw.call(ImageHistory, { path: { name } })
    expect(history.map(({ Id, CreatedBy, Size, Comment, Tags }) => [Id, CreatedBy, Size, Comment, Tags])).toEqual([
      [image.config.digest, 'CMD x', 0, '', [name]],
      ['<missing>', 'ADD small', 16, '', null],
      ['<missing>', 'ENV A=b', 0, 'no layer', null],
      ['<missing>', 'ADD big', 1016, '', null]
    ])
    expect(await inspect(engine, name)).toMatchObject({ Author: 'somebody', Comment: 'of the image', DockerVersion: '19.03' })
    await rmi(engine, name)
    const silent = withHistory({ history: undefined })
    await load(engine, await tarOf(dockerArchive(silent, [name])))
    expect(await engine.raw.call(ImageHistory, { path: { name } })).toEqual([])
    await rmi(engine, name)
  },

  'layers that are links to other ones, entries in any order': async ({ engine, unique }) => {
    const image = await newImage({ layers: [[], [{ kind: 'file', path: 'second', content: '2' }]] })
    const name = unique('load')
    const entries = dockerArchive(image, [`${name}:1`])
    const [first = ['', '']] = entries.filter(([path]) => path.endsWith('layer.tar'))
    const legacy = `${'0'.repeat(64)}/layer.tar`
    const relinked = entries.map(([path, content]) =>
      path === 'manifest.json' ? ([path, String(content).replace(first[0], legacy)] as const) : ([path, content] as const)
    )
    const archive = await tarOf([[legacy, { link: `../${first[0]}` }], ...relinked.toReversed()])
    expect(await load(engine, archive)).toEqual([`Loaded image: ${name}:1`])
    expect((await inspect(engine, `${name}:1`)).RootFS.Layers).toEqual(image.layers.map(({ diffId }) => diffId))
    await rmi(engine, image.config.digest)
  },

  'a name that another image had goes to the one of the archive, and that is told': async ({ engine, unique }) => {
    const [one, two] = [await newImage(), await newImage()]
    const name = `${unique('load')}:1`
    await load(engine, await tarOf(dockerArchive(one, [name])))
    expect(await load(engine, await tarOf(dockerArchive(two, [name])))).toEqual([
      `The image ${name} already exists, renaming the old one with ID ${one.config.digest} to empty string`,
      `Loaded image: ${name}`
    ])
    expect((await inspect(engine, one.config.digest)).RepoTags).toEqual([])
    for (const { config } of [one, two]) await rmi(engine, config.digest)
  },

  'what is no archive of images, or a damaged one, is refused': async ({ engine, unique }) => {
    const image = await newImage()
    const entries = dockerArchive(image, [`${unique('bad')}:1`])
    const replaced = (path: string, content: string | Uint8Array) =>
      entries.map(([known, before]) => [known, known.endsWith(path) ? content : before] as const)
    const item = JSON.parse(String(entries.find(([path]) => path === 'manifest.json')?.[1]))[0]
    const manifest = (changes: object) => replaced('manifest.json', JSON.stringify([{ ...item, ...changes }]))
    const whole = await tarOf(entries)
    const bad: Readonly<Record<string, Uint8Array>> = {
      'no archive': Buffer.from('this is no archive'),
      'no manifest': await tarOf([['x', 'y']]),
      'a manifest that is no JSON': await tarOf(replaced('manifest.json', '{')),
      'a layer is missing': await tarOf(entries.filter(([path]) => !path.endsWith('layer.tar'))),
      'no configuration': await tarOf(entries.filter(([path]) => !path.endsWith('.json') || path === 'manifest.json')),
      'a configuration outside': await tarOf(manifest({ Config: '../../../etc/passwd' })),
      'a layer outside': await tarOf(manifest({ Layers: ['../../../etc/passwd'] })),
      'fewer layers than the configuration': await tarOf(manifest({ Layers: [] })),
      'a name that is none': await tarOf(manifest({ RepoTags: ['Not A Name'] })),
      'another layer': await tarOf(replaced('layer.tar', await tarOf([['other', 'content']]))),
      'half of it': whole.subarray(0, whole.length / 2)
    }
    for (const [problem, archive] of Object.entries(bad)) {
      const told = await load(engine, archive).catch((error: unknown) => error)
      expect({ problem, told }).toEqual({ problem, told: expect.any(EngineError) })
      // dockerd has the image already when it comes to a bad name.
      await rmi(engine, image.config.digest).catch(() => {})
    }
  },

  'save: a list with configuration, names and layers, and what is loaded of it is the same image': async ({ engine, publish, unique }) => {
    const reference = await publish()
    const { id } = await engine.image(reference).pull()
    const { RootFS } = await inspect(engine, id)
    const name = unique('save')
    await engine.raw.call(ImageTag, { path: { name: id }, query: { repo: name, tag: '1' } })
    await engine.raw.call(ImageTag, { path: { name: id }, query: { repo: name, tag: '2' } })
    const { files, items } = await savedItems(engine, [`${name}:1`])
    expect(items).toHaveLength(1)
    expect(items[0]?.RepoTags).toEqual([`${name}:1`])
    expect(items[0]?.Layers).toHaveLength(RootFS.Layers?.length ?? -1)
    expect(items[0]?.Layers.every(path => files.has(path))).toBe(true)
    expect((await savedItems(engine, [id])).items[0]?.RepoTags).toBeNull()
    // A name without a tag stands for all of them.
    expect((await savedItems(engine, [name])).items[0]?.RepoTags).toEqual(expect.arrayContaining([`${name}:1`, `${name}:2`]))
    const archive: Uint8Array[] = []
    for await (const chunk of await engine.raw.call(ImageGet, { path: { name: `${name}:1` } })) archive.push(Uint8Array.from(chunk))
    await rmi(engine, id)
    expect(await load(engine, Buffer.concat(archive))).toEqual([`Loaded image: ${name}:1`])
    expect(await inspect(engine, id)).toMatchObject({ Id: id, RootFS, RepoTags: [`${name}:1`] })
    await rmi(engine, id)
  },

  'several images in one archive share what they have in common; none is not_found': async ({ engine, publish, unique }) => {
    const references = [await publish(), await publish()]
    for (const reference of references) await engine.image(reference).pull()
    const { items } = await savedItems(engine, references)
    expect(items.map(({ RepoTags }) => RepoTags?.[0]).toSorted()).toEqual(references.toSorted())
    const missing = `${unique('save')}:1`
    await expectError(
      engine.raw.call(ImageGet, { path: { name: missing } }),
      ['not_found', 'failed'],
      /No such image|reference does not exist/
    )
    for (const reference of references) await rmi(engine, reference)
  },

  'fluent: an image is saved to a file or a stream, loaded from either, and comes back the same': async ({ engine, publish }) => {
    const folder = await mkdtemp(join(tmpdir(), 'gantry-archives-'))
    try {
      const image = await engine.image(await publish()).pull()
      const file = join(folder, 'image.tar')
      await image.save(file)
      const stream = new PassThrough()
      const read = digestStream(stream)
      await image.save(stream)
      expect((await read).length).toBe((await stat(file)).size)
      await rmi(engine, image.id)
      const events: string[] = []
      const [loaded, ...others] = await engine.load(file).on('image.load.progress', ({ type }) => events.push(type))
      expect(others).toEqual([])
      expect(loaded).toMatchObject({ id: image.id, reference: image.reference, tags: [image.reference] })
      expect(await loaded?.run(['echo', 'here']).text()).toBe('here\n')
      expect(await engine.load(createReadStream(file))).toMatchObject([{ id: image.id }])
      expect(events.length).toBeGreaterThan(0)
      await removeWithContainers(engine, image.id)
      await expectError(engine.load(join(folder, 'none.tar')), 'not_found', /none\.tar/)
      await expectError(engine.load(Readable.from([Buffer.from('nothing')])), ['invalid_argument', 'data_loss', 'failed'])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },

  'fluent: an OCI layout, where the engine writes one; a load that is given up': async ({ engine, publish, unique }) => {
    const folder = await mkdtemp(join(tmpdir(), 'gantry-archives-'))
    try {
      const image = await engine.image(await publish()).pull()
      const file = join(folder, 'image.tar')
      // Docker from 25 on.
      const writesLayouts = Number((await engine.info()).apiVersion.split('.')[1]) >= 44
      const saved = image.save(file, { format: 'oci' })
      if (writesLayouts) {
        await saved
        expect([...(await entriesOf(createReadStream(file))).keys()]).toContain('oci-layout')
      } else await expectError(saved, 'not_supported', /1\.44/)
      await rmi(engine, image.id)
      const stuck = new PassThrough()
      stuck.write((await tarOf(dockerArchive(await newImage(), [`${unique('stuck')}:1`]))).subarray(0, 3000))
      await expectError(engine.load(stuck, { timeout: 300 }), 'deadline_exceeded')
      expect(stuck.destroyed).toBe(true)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },

  'fluent: what a container exports is imported': async ({ engine, image, unique }) => {
    const container = await image.cmd('true').create()
    await container.fs.write('/hello', 'imported')
    const archive = new PassThrough()
    const exporting = container.export(archive)
    const name = `${unique('import')}:1`
    const made = await engine.import(archive, name, { message: 'by hand', changes: ['CMD ["cat", "/hello"]'] })
    await exporting
    expect(made).toMatchObject({ reference: name, tags: [name] })
    expect(await made.run().text()).toBe('imported')
    await removeWithContainers(engine, made.id)
  },

  'import: an archive of files becomes an image that runs': async ({ engine, image, unique }) => {
    const container = await image.cmd('true').create()
    const archive = await exported(engine, container.id)
    const name = unique('import')
    const changes = ['CMD ["cat", "/hello"]', 'ENV A=b\nLABEL x=y', 'WORKDIR /etc']
    await container.fs.write('/hello', 'imported')
    const id = await imported(engine, { repo: name, tag: '1', message: 'by hand', changes }, await exported(engine, container.id))
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/)
    const made = await inspect(engine, `${name}:1`)
    expect(made).toMatchObject({ Id: id, Comment: 'by hand', Os: 'linux', Parent: '' })
    expect(made.Config).toMatchObject({ Cmd: ['cat', '/hello'], Env: ['A=b'], Labels: { x: 'y' }, WorkingDir: '/etc' })
    expect(made.RootFS.Layers).toHaveLength(1)
    expect(await engine.raw.call(ImageHistory, { path: { name: id } })).toMatchObject([{ Comment: 'by hand', CreatedBy: '', Id: id }])
    expect(await engine.image(`${name}:1`).run().text()).toBe('imported')
    const unnamed = await imported(engine, {}, gzipSync(archive))
    expect(await inspect(engine, unnamed)).toMatchObject({ RepoTags: [], Comment: 'Imported from -' })
    for (const each of [id, unnamed]) await removeWithContainers(engine, each)
  },

  'import refuses a bad name, a change that is none, and what is no archive': async ({ engine }) => {
    const archive = await tarOf([['a', 'b']])
    await expectError(create(engine, { fromSrc: '-', repo: 'Bad' }, archive), 'invalid_argument', /invalid reference/i)
    await expectError(
      create(engine, { fromSrc: '-', repo: `a@sha256:${'0'.repeat(64)}` }, archive),
      'invalid_argument',
      /cannot import digest reference/
    )
    await expectError(
      create(engine, { fromSrc: '-', changes: ['RUN x'] }, archive),
      'invalid_argument',
      /run is not a valid change command/
    )
    await expectError(create(engine, { fromSrc: '-' }, Buffer.from('this is no archive')), ['data_loss', 'failed', 'internal'])
    await expectError(
      create(engine, { fromSrc: 'http://127.0.0.1:64999/x.tar' }, archive),
      ['unavailable', 'failed', 'internal'],
      /refused/i
    )
  }
})

async function exported(engine: Engine, id: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of await engine.raw.call(ContainerExport, { path: { id } })) chunks.push(Uint8Array.from(chunk))
  return Buffer.concat(chunks)
}

async function removeWithContainers(engine: Engine, image: string): Promise<void> {
  for await (const container of engine.containers({ all: true })) await container.remove({ force: true })
  await rmi(engine, image)
}
