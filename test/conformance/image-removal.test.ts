// Needs: root and the lab (test/lab).
import { ContainerPause, ContainerStart, ImageHistory, ImagePrune } from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { committed, container, inspect, listed, rm, rmi, tag } from './kit/images.js'

conform('image removal', {
  'the answer tells names, the image, then layers that nobody else has, topmost first': async ({ engine, publish }) => {
    const name = await publish({ entries: [{ kind: 'file', path: 'own', content: 'x' }] })
    const { id, digest } = await engine.image(name).pull()
    expect((await inspect(engine, id)).RootFS.Layers).toHaveLength(2)
    const removed = await rmi(engine, name)
    expect(removed.slice(0, 3)).toEqual([`untagged ${name}`, `untagged ${name.replace(/:\w+$/, '')}@${digest}`, `deleted ${id}`])
    // busybox's layer is needed by others.
    expect(removed.slice(3)).toEqual([expect.stringMatching(/^deleted sha256:[0-9a-f]{64}$/)])
  },

  'by id an image with several tags goes by force only, all names at once': async ({ engine, publish, unique }) => {
    const name = await publish()
    const repository = name.replace(/:\w+$/, '')
    const { id, digest } = await engine.image(name).pull()
    await tag(engine, id, repository, 'zwei')
    const short = id.slice('sha256:'.length, 'sha256:'.length + 12)
    const inSeveral = new RegExp(
      `^conflict: unable to delete ${short} \\(must be forced\\) - image is referenced in multiple repositories$`
    )
    await expectError(rmi(engine, id), 'conflict', inSeveral)
    await expectError(rmi(engine, short), 'conflict', inSeveral)
    const other = unique('zzz')
    await tag(engine, id, other)
    const removed = await rmi(engine, short, { force: true })
    const names = [name, `${repository}:zwei`, `${repository}@${digest}`, `${other}:1`].map(each => `untagged ${each}`)
    expect(removed.slice(0, 4).toSorted()).toEqual(names.toSorted())
    expect(removed[4]).toBe(`deleted ${id}`)
    await expectError(inspect(engine, id), 'not_found', /No such image: sha256:/)
  },

  'a digest is a name of its own; the last tag of a repository takes it along': async ({ engine, publish, unique }) => {
    const name = await publish()
    const { id, digest } = await engine.image(name).pull()
    const byDigest = `${name.replace(/:\w+$/, '')}@${digest}`
    expect(await rmi(engine, byDigest)).toEqual([`untagged ${byDigest}`])
    expect((await inspect(engine, id)).RepoDigests).toEqual([])
    await expectError(rmi(engine, byDigest), 'not_found', /^No such image: /)
    await engine.image(name).pull()
    const other = `${unique('other')}:1`
    await tag(engine, id, other.slice(0, -2))
    expect(await rmi(engine, name)).toEqual([`untagged ${name}`, `untagged ${byDigest}`])
    expect((await inspect(engine, id)).RepoTags).toEqual([other])
    await engine.image(byDigest).pull()
    expect(await rmi(engine, other)).toEqual([`untagged ${other}`])
    expect((await rmi(engine, byDigest)).slice(0, 2)).toEqual([`untagged ${byDigest}`, `deleted ${id}`])
  },

  'an image that another one was made of stays, even by force; without a name it goes with the last one': async ({
    engine,
    reference,
    unique
  }) => {
    const name = `${unique('parent')}:1`
    const parent = await committed(engine, reference('busybox'), 'LABEL step=one', name)
    const child = await committed(engine, parent, 'LABEL step=two', `${unique('child')}:1`)
    const dependent = /^conflict: unable to delete .{12} \(cannot be forced\) - image has dependent child images$/
    await expectError(rmi(engine, parent), 'conflict', dependent)
    await expectError(rmi(engine, parent, { force: true }), 'conflict', dependent)
    // By its name it loses that.
    expect(await rmi(engine, name)).toEqual([`untagged ${name}`])
    expect(await inspect(engine, parent)).toMatchObject({ RepoTags: [] })
    expect((await rmi(engine, child)).slice(1)).toEqual([`deleted ${child}`, `deleted ${parent}`])
    await expectError(inspect(engine, parent), 'not_found')
  },

  'parents without a name stay when they are told to, or are used': async ({ engine, reference }) => {
    const grandparent = await committed(engine, reference('busybox'), 'LABEL step=one')
    const parent = await committed(engine, grandparent, 'LABEL step=two')
    const first = await committed(engine, parent, 'LABEL step=three')
    expect(await rmi(engine, first, { noprune: true })).toEqual([`deleted ${first}`])
    const second = await committed(engine, parent, 'LABEL step=four')
    const sibling = await committed(engine, parent, 'LABEL step=five')
    expect(await rmi(engine, second)).toEqual([`deleted ${second}`])
    const user = await container(engine, grandparent)
    expect(await rmi(engine, sibling)).toEqual([`deleted ${sibling}`, `deleted ${parent}`])
    await rm(engine, user)
    expect(await rmi(engine, grandparent)).toEqual([`deleted ${grandparent}`])
  },

  'by name and force the image of a running or paused container loses its name only, that of a stopped one goes': async ({
    engine,
    publish
  }) => {
    const name = await publish()
    const { id } = await engine.image(name).pull()
    const user = await container(engine, name, ['sleep', '60'])
    await engine.raw.call(ContainerStart, { path: { id: user } })
    await engine.raw.call(ContainerPause, { path: { id: user } })
    await expectError(rmi(engine, name), 'conflict', /\(must force\) - container .{12} is using its referenced image .{12}$/)
    await expectError(
      rmi(engine, id, { force: true }),
      'conflict',
      /\(cannot be forced\) - image is being used by running container .{12}$/
    )
    expect(await rmi(engine, name, { force: true })).toHaveLength(2)
    expect((await inspect(engine, id)).RepoTags).toEqual([])
    await rm(engine, user)
    await tag(engine, id, name.replace(/:\w+$/, ''), 'again')
    const stopped = await container(engine, id)
    expect(await rmi(engine, `${name.replace(/:\w+$/, '')}:again`, { force: true })).toContain(`deleted ${id}`)
    await rm(engine, stopped)
  },

  'what is no image is not_found, what is no name is refused': async ({ engine }) => {
    await expectError(rmi(engine, 'no-such-image'), 'not_found', /^No such image: no-such-image:latest$/)
    await expectError(rmi(engine, 'no-such-image:1'), 'not_found', /^No such image: no-such-image:1$/)
    await expectError(rmi(engine, `sha256:${'0'.repeat(64)}`), 'not_found', /^No such image: sha256:0{64}$/)
    await expectError(rmi(engine, '0123456789ab'), 'not_found', /^No such image: 0123456789ab:latest$/)
  },

  'a prune takes what has no name, is old enough and has the labels; with it what it was made of': async ({
    engine,
    reference,
    unique
  }) => {
    const label = unique('prune')
    const parent = await committed(engine, reference('busybox'), `LABEL ${label}=parent`)
    const child = await committed(engine, parent, `LABEL ${label}=child`)
    const kept = await committed(engine, reference('busybox'), `LABEL ${label}=kept`)
    const named = await committed(engine, reference('busybox'), `LABEL ${label}=named`, `${label}:1`)
    const prune = async (filters: Readonly<Record<string, readonly string[]>>) =>
      (await engine.raw.call(ImagePrune, { query: { filters: { label: [label], ...filters } } })).ImagesDeleted
    expect(await prune({ until: ['1h'] })).toBeNull()
    expect(await prune({ 'label!': [`${label}=kept`] })).toEqual([{ Deleted: child }, { Deleted: parent }])
    expect((await listed(engine, { label: [label] })).toSorted()).toEqual([kept, named].toSorted())
    expect(await prune({})).toEqual([{ Deleted: kept }])
    expect(await prune({ dangling: ['true'] })).toBeNull()
    expect(await prune({ dangling: ['false'] })).toEqual([{ Untagged: `${label}:1` }, { Deleted: named }])
    await expectError(engine.raw.call(ImagePrune, { query: { filters: { until: ['1h', '2h'] } } }), ['invalid_argument', 'failed'], /until/)
  },

  'a prune tells how much came back: the layers that went': async ({ engine, publish, unique }) => {
    const label = unique('space')
    const name = await publish({
      settings: { Cmd: ['true'], Labels: { [label]: '1' } },
      entries: [{ kind: 'file', path: 'big', content: 'x'.repeat(1_000_000) }]
    })
    const { id } = await engine.image(name).pull()
    const [top] = await engine.raw.call(ImageHistory, { path: { name: id } })
    const pruned = await engine.raw.call(ImagePrune, { query: { filters: { dangling: ['false'], label: [label] } } })
    expect(pruned.ImagesDeleted).toHaveLength(4)
    expect(pruned.SpaceReclaimed).toBe(top?.Size)
    expect(pruned.SpaceReclaimed).toBeGreaterThan(999_999)
  },

  'a history has steps without a layer, and the images it went through that are here': async ({ engine, reference, unique }) => {
    const name = `${unique('history')}:1`
    const parent = await committed(engine, reference('busybox'), 'ENV STEP=one')
    const child = await committed(engine, parent, 'ENV STEP=two', name)
    const steps = await engine.raw.call(ImageHistory, { path: { name } })
    expect(steps.map(({ Id, Size, Tags }) => [Id, Size > 0, Tags])).toEqual([
      [child, false, [name]],
      [parent, false, null],
      [(await inspect(engine, reference('busybox'))).Id, true, expect.arrayContaining([reference('busybox')])]
    ])
    expect(steps.every(({ Created }) => Created > 1_700_000_000)).toBe(true)
    await rmi(engine, child)
  }
})
