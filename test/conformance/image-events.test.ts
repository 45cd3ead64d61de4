// Needs: root and the lab (test/lab).
import type { Engine } from 'gantry'
import { ImageCreate, ImageGet, SystemEvents } from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { dockerArchive, load, newImage, tarOf } from './kit/archives.js'
import { expectError } from './kit/errors.js'
import { committed, inspect, rmi, tag } from './kit/images.js'
import { collect } from './kit/streams.js'

/** What was told of images since then: action, name, and the value of a label. */
async function told(engine: Engine, since: string, label: string): Promise<string[]> {
  // The clock here is cut off to milliseconds, and an engine's is not.
  const until = String((Date.now() + 5) / 1000)
  const messages = await collect(await engine.raw.call(SystemEvents, { query: { since, until, filters: { type: ['image'] } } }))
  return messages.map(({ Action, Actor }) => {
    const name = Actor.Attributes.name === Actor.ID ? '(id)' : Actor.Attributes.name
    return `${Action} ${name} ${Actor.Attributes[label] ?? '-'}`
  })
}

const now = () => String(Date.now() / 1000)

conform('image events', {
  'what comes, what is named and what goes is told with the labels of the image': async ({ engine, unique }) => {
    const name = unique('events')
    const image = await newImage({ settings: { Labels: { mark: 'x' } } })
    const since = now()
    await load(engine, await tarOf(dockerArchive(image, [`${name}:1`, `${name}:2`])))
    await tag(engine, `${name}:1`, `docker.io/library/${name}`, '3')
    for await (const _ of await engine.raw.call(ImageGet, { path: { name: `${name}:1` } }));
    await rmi(engine, `${name}:1`)
    await rmi(engine, image.config.digest, { force: true })
    const { mark } = JSON.parse(Buffer.from(image.config.content).toString()).config.Labels
    expect(await told(engine, since, 'mark')).toEqual([
      `load (id) ${mark}`,
      `tag ${name}:3 ${mark}`,
      `save (id) ${mark}`,
      `untag (id) ${mark}`,
      `untag (id) ${mark}`,
      `untag (id) ${mark}`,
      'delete (id) -'
    ])
  },

  'of a repository with a digest one name is told to go by name, all by id': async ({ engine, publish }) => {
    const name = await publish()
    const since = now()
    const { id } = await engine.image(name).pull()
    await rmi(engine, name)
    await engine.image(name).pull()
    await rmi(engine, id)
    const actions = (await told(engine, since, 'none')).map(line => line.split(' ')[0])
    expect(actions).toEqual(['pull', 'untag', 'delete', 'pull', 'untag', 'untag', 'delete'])
  },

  'an import and a commit tell the name they gave': async ({ engine, reference, unique }) => {
    const [imported, made] = [unique('imported'), unique('committed')]
    const since = now()
    const archive = await tarOf([['a', 'b']])
    const body = (async function* () {
      yield archive
    })()
    const query = { fromSrc: '-', repo: imported, tag: '1', changes: ['LABEL mark=i'] }
    await collect(await engine.raw.call(ImageCreate, { query, body }))
    const id = await committed(engine, reference('busybox'), 'LABEL mark=c', `${made}:1`)
    expect(await told(engine, since, 'mark')).toEqual([`tag ${imported}:1 i`, 'import (id) i', `tag ${made}:1 c`])
    for (const each of [id, `${imported}:1`]) await rmi(engine, each)
  },

  'a tag of its own counts more than one in the name; what reads as an id is no name': async ({ engine, image, unique }) => {
    const { id } = await image.pull()
    const name = unique('retagged')
    await tag(engine, id, `${name}:1`, '2')
    expect((await inspect(engine, `${name}:2`)).Id).toBe(id)
    await expectError(inspect(engine, `${name}:1`), 'not_found')
    await expectError(
      tag(engine, id, 'sha256', 'abc'),
      'invalid_argument',
      /^refusing to create an ambiguous tag using digest algorithm as name$/
    )
    await rmi(engine, `${name}:2`)
  }
})
