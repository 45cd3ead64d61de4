// Needs: root and the lab (test/lab).
import { ImageHistory, ImageInspect, ImageList } from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { committed, inspect, listed, rmi, speaks, tag } from './kit/images.js'

conform('image lists', {
  'a reference filter matches names as paths: a star stops at a slash, the tag may be left out': async ({ engine, image, unique }) => {
    const { id } = await image.pull()
    const [host, name] = ['registry.example', unique('pattern')]
    await tag(engine, id, `${host}/team/${name}`, '1.0')
    await tag(engine, id, name, '2.0')
    const names = async (pattern: string) => {
      const [entry] = await engine.raw.call(ImageList, { query: { filters: { reference: [pattern] } } })
      return entry?.RepoTags ?? []
    }
    expect(await names(name)).toEqual([`${name}:2.0`])
    expect(await names(`${name}:*`)).toEqual([`${name}:2.0`])
    expect(await names(`${name}:[12].?`)).toEqual([`${name}:2.0`])
    expect(await names(`${name}:[^2].?`)).toEqual([])
    expect(await names(`${name.slice(0, -1)}?`)).toEqual([`${name}:2.0`])
    expect(await names(`*/*/${name}`)).toEqual([`${host}/team/${name}:1.0`])
    expect(await names(`*/${name}`)).toEqual([])
    expect(await names(`${host}/*`)).toEqual([])
    expect(await names(`${host}/team/${name}:1.0`)).toEqual([`${host}/team/${name}:1.0`])
    expect(await names(`${host}/*/${name}:1.*`)).toEqual([`${host}/team/${name}:1.0`])
    expect(await names(`docker.io/library/${name}`)).toEqual([])
    await expectError(names('[a'), ['invalid_argument', 'failed', 'internal'], /syntax error in pattern/)
    await rmi(engine, `${host}/team/${name}:1.0`)
    await rmi(engine, `${name}:2.0`)
  },

  'several reference filters are alternatives': async ({ engine, image, reference, unique }) => {
    const { id } = await image.pull()
    const { id: second } = await engine.image(reference('entrypoint')).pull()
    const [one, two] = [unique('one'), unique('two')]
    await tag(engine, id, one)
    await tag(engine, second, two)
    expect(await listed(engine, { reference: [one, two] })).toEqual(expect.arrayContaining([id, second]))
    expect(await listed(engine, { reference: [two, unique('none')] })).toEqual([second])
    for (const name of [one, two]) await rmi(engine, `${name}:1`)
  },

  'all labels have to match, with their value where one is given': async ({ engine, reference, unique }) => {
    const label = unique('label')
    const id = await committed(engine, reference('busybox'), `LABEL ${label}=one other-${label}=two`)
    const other = await committed(engine, reference('busybox'), `LABEL ${label}=two`)
    expect((await listed(engine, { label: [label] })).toSorted()).toEqual([id, other].toSorted())
    expect(await listed(engine, { label: [`${label}=one`] })).toEqual([id])
    expect(await listed(engine, { label: [label, `other-${label}=two`] })).toEqual([id])
    expect(await listed(engine, { label: [`${label}=on`] })).toEqual([])
    for (const each of [id, other]) await rmi(engine, each)
  },

  'what has no name is dangling; what has a digest only is, and is not': async ({ engine, publish, reference, unique }) => {
    const label = unique('label')
    const id = await committed(engine, reference('busybox'), `LABEL ${label}=1`)
    const dangling = (value: string, more: Record<string, readonly string[]> = {}) => listed(engine, { dangling: [value], ...more })
    expect(await dangling('true')).toContain(id)
    expect(await dangling('false')).not.toContain(id)
    const [entry] = await engine.raw.call(ImageList, { query: { filters: { label: [label] } } })
    const nameless = (await speaks(engine, '1.43')) ? [] : ['<none>:<none>']
    expect(entry?.RepoTags).toEqual(nameless)
    await tag(engine, id, label)
    expect(await dangling('true')).not.toContain(id)
    await rmi(engine, id)
    const pulled = await publish()
    const image = await engine.image(pulled).pull()
    const byDigest = `${pulled.replace(/:\w+$/, '')}@${image.digest}`
    await image.remove()
    await engine.image(byDigest).pull()
    expect(await dangling('true')).toContain(image.id)
    expect(await dangling('false')).toContain(image.id)
    const [only] = await engine.raw.call(ImageList, { query: { filters: { before: [], reference: [byDigest] } } })
    expect(only).toMatchObject({ Id: image.id, RepoDigests: [byDigest] })
    expect(only?.RepoTags ?? []).toEqual([])
    await rmi(engine, byDigest, { force: true })
  },

  'what others were made of and has no name is shown when all are asked for': async ({ engine, reference, unique }) => {
    const parent = await committed(engine, reference('busybox'), 'LABEL step=one')
    const child = await committed(engine, parent, 'LABEL step=two', `${unique('child')}:1`)
    expect(await listed(engine)).toContain(child)
    expect(await listed(engine)).not.toContain(parent)
    expect(await listed(engine, {}, true)).toEqual(expect.arrayContaining([child, parent]))
    expect(await listed(engine, { dangling: ['true'] }, true)).not.toContain(parent)
    const [entry] = await engine.raw.call(ImageList, { query: { filters: { since: [parent] } } })
    expect(entry).toMatchObject({ Id: child, ParentId: parent })
    await rmi(engine, child)
  },

  'images before and since another one': async ({ engine, reference, unique }) => {
    const old = await committed(engine, reference('busybox'), 'LABEL age=old', `${unique('old')}:1`)
    // dockerd sorts by seconds.
    await new Promise(resolve => setTimeout(resolve, 1100))
    const young = await committed(engine, reference('busybox'), 'LABEL age=young', `${unique('young')}:1`)
    expect(await listed(engine, { since: [old] })).toContain(young)
    expect(await listed(engine, { since: [old] })).not.toContain(old)
    expect(await listed(engine, { before: [young] })).toContain(old)
    expect(await listed(engine, { before: [young] })).not.toContain(young)
    expect(await listed(engine, { since: [old], before: [young] })).toEqual([])
    // The youngest comes first.
    const ids = await listed(engine)
    expect(ids.indexOf(young)).toBeLessThan(ids.indexOf(old))
    for (const id of [old, young]) await rmi(engine, id)
  },

  'images that were made before a time, where the engine has the filter': async ({ engine, image, reference }) => {
    const { id } = await image.pull()
    const made = await committed(engine, reference('busybox'), 'LABEL made=now')
    if (await speaks(engine, '1.42')) {
      expect(await listed(engine, { until: ['2024-06-01'] })).toContain(id)
      expect(await listed(engine, { until: ['1h'] })).not.toContain(made)
      await expectError(listed(engine, { until: ['soon'] }), 'invalid_argument')
    } else await expectError(listed(engine, { until: ['1h'] }), 'invalid_argument', /invalid filter 'until'/i)
    await rmi(engine, made)
  },

  'what images share, and their manifests, where the engine has it': async ({ engine, reference, unique }) => {
    const made = await committed(engine, reference('busybox'), 'LABEL shares=all', `${unique('shared')}:1`)
    const query = { filters: { reference: [reference('busybox')] } }
    if (await speaks(engine, '1.42')) {
      const [entry] = await engine.raw.call(ImageList, { query: { ...query, 'shared-size': true } })
      expect(entry?.SharedSize).toBe(entry?.Size)
    } else await expectError(engine.raw.call(ImageList, { query: { 'shared-size': true } }), 'not_supported', /shared-size/)
    if (await speaks(engine, '1.48')) {
      const [entry] = await engine.raw.call(ImageList, { query: { ...query, manifests: true } })
      const { id, digest } = await engine.image(reference('busybox')).pull()
      expect(entry).toMatchObject({ Id: id, Descriptor: { digest } })
      expect(entry?.Manifests).toMatchObject([
        { ID: digest, Kind: 'image', Available: true, ImageData: { Platform: { os: 'linux' }, Size: { Unpacked: entry?.Size } } }
      ])
      const { Manifests, Descriptor } = await engine.raw.call(ImageInspect, { path: { name: id }, query: { manifests: true } })
      expect({ Manifests, Descriptor }).toEqual({ Manifests: entry?.Manifests, Descriptor: entry?.Descriptor })
    } else await expectError(engine.raw.call(ImageList, { query: { manifests: true } }), 'not_supported', /manifests/)
    await rmi(engine, made)
  },

  'of an index every manifest is told, also those that are not here; another platform is not_found': async ({
    engine,
    reference,
    image
  }) => {
    const platform = { os: 'linux', architecture: 's390x' }
    const { id } = await image.pull()
    if (!(await speaks(engine, '1.49'))) {
      await expectError(engine.raw.call(ImageInspect, { path: { name: id }, query: { platform } }), 'not_supported', /platform/)
      return
    }
    const multi = await engine.image(reference('multi')).pull()
    const { Manifests, Architecture } = await engine.raw.call(ImageInspect, { path: { name: multi.id }, query: { manifests: true } })
    expect(Manifests?.map(({ ImageData }) => ImageData?.Platform.architecture).toSorted()).toEqual(['amd64', 'arm64'])
    expect(Manifests?.filter(({ Available }) => Available).map(({ ImageData }) => ImageData?.Platform.architecture)).toEqual([Architecture])
    const own = { os: 'linux', architecture: Architecture }
    expect((await engine.raw.call(ImageInspect, { path: { name: multi.id }, query: { platform: own } })).Id).toBe(multi.id)
    await expectError(engine.raw.call(ImageInspect, { path: { name: multi.id }, query: { platform } }), 'not_found', /s390x/)
    await expectError(engine.raw.call(ImageHistory, { path: { name: multi.id }, query: { platform } }), 'not_found', /s390x/)
    await expectError(
      engine.raw.call(ImageInspect, { path: { name: multi.id }, query: { platform: own, manifests: true } }),
      'invalid_argument',
      /platform/
    )
  },

  'when an image was last given a name shows, pulls apart': async ({ engine, publish, unique }) => {
    const { id } = await engine.image(await publish()).pull()
    const taggedAt = async () => Date.parse((await inspect(engine, id)).Metadata?.LastTagTime ?? '')
    expect(await taggedAt()).toBeLessThan(0)
    const before = Date.now() - 1000
    await tag(engine, id, unique('tagged'))
    expect(await taggedAt()).toBeGreaterThan(before)
    await rmi(engine, id, { force: true })
  }
})
