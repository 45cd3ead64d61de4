// Needs: root and the lab (test/lab).
import type { Engine } from 'gantry'
import {
  ContainerCreate,
  ContainerDelete,
  ContainerPrune,
  ContainerStart,
  ImageDelete,
  ImageHistory,
  ImageInspect,
  ImageList,
  ImagePrune,
  ImageTag,
  SystemEvents
} from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'

const create = async (engine: Engine, image: string, labels: Record<string, string> = {}, command = ['true']): Promise<string> =>
  (await engine.raw.call(ContainerCreate, { body: { Image: image, Cmd: command, Labels: labels } })).Id

const tag = (engine: Engine, name: string, repo: string, tagName = '1') =>
  engine.raw.call(ImageTag, { path: { name }, query: { repo, tag: tagName } })

const rmi = (engine: Engine, name: string, force = false) => engine.raw.call(ImageDelete, { path: { name }, query: { force } })

const rm = (engine: Engine, id: string) => engine.raw.call(ContainerDelete, { path: { id }, query: { force: true } })

/** What was told since then, as `type action` with the attribute that is asked for. */
async function told(engine: Engine, since: string, filters: Record<string, readonly string[]>, attribute: string): Promise<string[]> {
  const until = String(Date.now() / 1000)
  const events: string[] = []
  for await (const { Type, Action, Actor } of await engine.raw.call(SystemEvents, { query: { since, until, filters } })) {
    events.push(`${Type} ${Action} ${Actor.Attributes[attribute]}`)
  }
  return events
}

conform('image verbs', {
  'a container prune takes what does not run, by label, and tells what came back': async ({ engine, image, reference, unique }) => {
    await image.pull()
    const label = unique('prune')
    const since = String(Date.now() / 1000)
    const stopped = await create(engine, reference('busybox'), { [label]: 'a' })
    const kept = await create(engine, reference('busybox'), { [label]: 'b', keep: 'yes' })
    const running = await create(engine, reference('busybox'), { [label]: 'a' }, ['sleep', '60'])
    await engine.raw.call(ContainerStart, { path: { id: running } })
    const old = await engine.raw.call(ContainerPrune, { query: { filters: { label: [label], until: ['24h'] } } })
    expect(old).toEqual({ ContainersDeleted: null, SpaceReclaimed: 0 })
    const pruned = await engine.raw.call(ContainerPrune, { query: { filters: { label: [label], 'label!': ['keep=yes'] } } })
    expect(pruned).toEqual({ ContainersDeleted: [stopped], SpaceReclaimed: 0 })
    expect(await told(engine, since, { event: ['prune'], type: ['container'] }, 'reclaimed')).toContain('container prune 0')
    const rest = await engine.raw.call(ContainerPrune, { query: { filters: { label: [label] } } })
    expect(rest.ContainersDeleted).toEqual([kept])
    await rm(engine, running)
  },

  'a prune with a filter that is none is invalid_argument': async ({ engine }) => {
    await expectError(
      engine.raw.call(ContainerPrune, { query: { filters: { colour: ['red'] } } }),
      'invalid_argument',
      /invalid filter 'colour'/i
    )
    await expectError(engine.raw.call(ContainerPrune, { query: { filters: { until: ['soon'] } } }), ['invalid_argument', 'failed'])
    await expectError(
      engine.raw.call(ImagePrune, { query: { filters: { colour: ['red'] } } }),
      'invalid_argument',
      /invalid filter 'colour'/i
    )
    await expectError(
      engine.raw.call(ImagePrune, { query: { filters: { dangling: ['maybe'] } } }),
      'invalid_argument',
      /dangling=\[maybe\]/
    )
  },

  'an image prune takes what nobody uses, by label; tagged ones when told to': async ({ engine, publish, unique }) => {
    const label = unique('prune')
    const name = await publish({ settings: { Cmd: ['true'], Labels: { [label]: '1' } } })
    const { id } = await engine.image(name).pull()
    const filters = { label: [label] }
    const prune = (dangling?: string) =>
      engine.raw.call(ImagePrune, { query: { filters: { ...filters, ...(dangling && { dangling: [dangling] }) } } })
    expect(await prune()).toEqual({ ImagesDeleted: null, SpaceReclaimed: 0 })
    const user = await create(engine, name)
    expect((await prune('false')).ImagesDeleted).toBeNull()
    await rm(engine, user)
    const { ImagesDeleted, SpaceReclaimed } = await prune('false')
    expect(ImagesDeleted).toContainEqual({ Untagged: name })
    expect(ImagesDeleted).toContainEqual({ Deleted: id })
    expect(SpaceReclaimed).toBeGreaterThan(-1)
    await expectError(engine.raw.call(ImageInspect, { path: { name: id } }), 'not_found')
  },

  'the history has the steps, the last one first, with the names of the image': async ({ engine, image, reference, unique }) => {
    const { id } = await image.pull()
    const other = unique('history')
    await tag(engine, id, other)
    const steps = await engine.raw.call(ImageHistory, { path: { name: reference('busybox') } })
    const { Size } = await engine.raw.call(ImageInspect, { path: { name: id } })
    expect(steps).toEqual([
      {
        Id: id,
        Created: 1704067200,
        CreatedBy: 'layer 0',
        Comment: '',
        Size,
        Tags: expect.arrayContaining([reference('busybox'), `${other}:1`])
      }
    ])
    await rmi(engine, `${other}:1`)
    const many = await engine.image(reference('layers125')).pull()
    const all = await engine.raw.call(ImageHistory, { path: { name: many.id } })
    expect(all).toHaveLength(125)
    expect(all.map(({ CreatedBy }) => CreatedBy).slice(0, 2)).toEqual(['layer 124', 'layer 123'])
    expect(all.slice(1).every(({ Id, Tags }) => Id === '<missing>' && Tags === null)).toBe(true)
    await expectError(engine.raw.call(ImageHistory, { path: { name: 'nosuch' } }), 'not_found', /^No such image: nosuch:latest$/)
  },

  'a tag moves, and says what is wrong with a bad one': async ({ engine, image, reference, unique }) => {
    const { id } = await image.pull()
    const { id: second } = await engine.image(reference('entrypoint')).pull()
    const name = unique('tag')
    await tag(engine, id, name)
    await tag(engine, second, name)
    expect((await engine.raw.call(ImageInspect, { path: { name: `${name}:1` } })).Id).toBe(second)
    expect(await rmi(engine, `${name}:1`)).toEqual([{ Untagged: `${name}:1` }])
    await expectError(tag(engine, id, 'Bad'), ['invalid_argument', 'failed'], /invalid reference format/)
    await expectError(tag(engine, id, name, 'b:d'), ['invalid_argument', 'failed'], /invalid (tag|reference) format/)
    await expectError(tag(engine, 'nosuch', name), 'not_found', /^No such image: nosuch:latest$/)
  },

  'an image goes with its last name, never under a container': async ({ engine, publish, unique }) => {
    const first = await publish({ settings: { Cmd: ['true'], Labels: { of: unique('rmi') } } })
    const { id } = await engine.image(first).pull()
    const second = unique('rmi')
    await tag(engine, id, second)
    await expectError(
      rmi(engine, id),
      'conflict',
      /unable to delete .{12} \(must be forced\) - image is referenced in multiple repositories/
    )
    expect(await rmi(engine, `${second}:1`)).toEqual([{ Untagged: `${second}:1` }])
    const user = await create(engine, first, {}, ['sleep', '60'])
    const other = await create(engine, first)
    await expectError(
      rmi(engine, first),
      'conflict',
      /^conflict: unable to remove repository reference ".*" \(must force\) - container .{12} is using its referenced image .{12}$/
    )
    await expectError(rmi(engine, id), 'conflict', /\(must be forced\) - image is being used by stopped container .{12}$/)
    await engine.raw.call(ContainerStart, { path: { id: user } })
    await expectError(rmi(engine, id, true), 'conflict', /\(cannot be forced\) - image is being used by running container .{12}$/)
    await rm(engine, user)
    await rm(engine, other)
    expect(await rmi(engine, id)).toContainEqual({ Deleted: id })
    await expectError(rmi(engine, id), 'not_found', /No such image/)
  },

  'images are filtered by what they are older and younger than': async ({ engine, image, reference, unique }) => {
    const { id } = await image.pull()
    const list = async (filters: Record<string, readonly string[]>) =>
      (await engine.raw.call(ImageList, { query: { filters } })).map(({ Id }) => Id)
    expect(await list({ before: [id] })).not.toContain(id)
    expect(await list({ since: [reference('busybox')] })).not.toContain(id)
    await expectError(list({ before: [unique('nosuch')] }), 'not_found', /^No such image/)
    await expectError(list({ dangling: ['maybe'] }), 'invalid_argument', /dangling=\[maybe\]/)
    await expectError(list({ colour: ['red'] }), 'invalid_argument', /invalid filter 'colour'/i)
  }
})
