// Needs: root and the lab (test/lab).
import type { EngineEvent } from 'gantry'
import { type EventMessage, SystemEvents } from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { rejection } from './kit/errors.js'
import { collect, eventually } from './kit/streams.js'

conform('events', {
  'one run is told in order, from created to removed': async ({ engine, image, unique }) => {
    const name = unique()
    const since = new Date()
    await image.run(['sh', '-c', 'exit 3'], { name, remove: true })
    const types: EngineEvent['type'][] = []
    for await (const event of engine.events({ since })) {
      if (!('name' in event) || event.name !== name) continue
      if (event.type === 'container.exited') expect(event).toMatchObject({ exitCode: 3, oomKilled: false, at: expect.any(Date) })
      if (event.type !== 'container.layered') types.push(event.type)
      if (event.type === 'container.removed') break
    }
    expect(types).toEqual(['container.created', 'container.networked', 'container.started', 'container.exited', 'container.removed'])
  },

  'the raw events of one run have the names, the order and the attributes of dockerd': async ({ engine, image, unique }) => {
    const name = unique()
    const since = String(Date.now() / 1000)
    const process = image.label({ colour: 'green' }).run(['sh', '-c', 'exit 3'], { name, remove: true })
    const id = await process.id
    await process
    const messages: EventMessage[] = []
    for await (const message of await engine.raw.call(SystemEvents, { query: { since, filters: { type: ['container', 'network'] } } })) {
      const { ID, Attributes } = message.Actor
      if (ID === id || Attributes.container === id) messages.push(message)
      if (ID === id && message.Action === 'destroy') break
    }
    const actions = messages.map(message => `${message.Type} ${message.Action}`)
    expect(actions.filter(action => action !== 'container attach')).toEqual([
      'container create',
      'network connect',
      'container start',
      'container die',
      'network disconnect',
      'container destroy'
    ])
    const [create] = messages
    expect(create?.Actor.Attributes).toMatchObject({ name, colour: 'green', image: image.reference })
    const die = messages.find(message => message.Action === 'die')
    expect(die?.Actor.Attributes).toMatchObject({ name, exitCode: '3' })
    expect(die).toMatchObject({ scope: 'local', time: Math.floor((die?.timeNano ?? 0) / 1e9) })
    expect(messages.find(message => message.Type === 'network')?.Actor.Attributes).toMatchObject({
      container: id,
      name: 'bridge',
      type: 'bridge'
    })
  },

  'kill, stop and rename are told by the raw events': async ({ engine, image, unique }) => {
    const since = String(Date.now() / 1000)
    const container = await image.cmd('sleep', '1000').start()
    await container.rename(unique())
    await container.stop({ grace: 0 })
    await container.remove()
    const actions: string[] = []
    for await (const message of await engine.raw.call(SystemEvents, { query: { since, filters: { container: [container.id] } } })) {
      if (message.Type !== 'container') continue
      actions.push(message.Action === 'kill' ? `kill ${message.Actor.Attributes.signal}` : message.Action)
      if (message.Action === 'destroy') break
    }
    expect(actions).toEqual(['create', 'start', 'rename', 'kill 15', 'kill 9', 'die', 'stop', 'destroy'])
  },

  'only the types that were asked for come': async ({ engine, image }) => {
    const since = new Date()
    await image.run(['true'], { remove: true })
    const seen: EngineEvent[] = []
    for await (const event of engine.events({ since, types: ['container.exited', 'container.removed'] })) {
      seen.push(event)
      if (event.type === 'container.removed') break
    }
    expect(seen.map(event => event.type)).toEqual(['container.exited', 'container.removed'])
  },

  'events can be had by label': async ({ engine, image, unique }) => {
    const since = new Date()
    const mark = unique('mark')
    await image.run(['true'], { remove: true })
    await image.label({ mark }).run(['true'], { remove: true, name: unique(mark) })
    const names: string[] = []
    for await (const event of engine.events({ since, label: { mark } })) {
      if ('name' in event) names.push(event.name)
      if (event.type === 'container.removed') break
    }
    expect(names.length).toBeGreaterThan(0)
    expect(names.every(name => name.startsWith(mark))).toBe(true)
  },

  'a signal that ended the process is in its event': async ({ engine, image }) => {
    const since = new Date()
    const container = await image.cmd('sleep', '1000').start()
    await container.kill()
    for await (const event of engine.events({ since, types: ['container.exited'] })) {
      if (event.type !== 'container.exited' || event.id !== container.id) continue
      expect(event).toMatchObject({ exitCode: 137, signal: 'SIGKILL' })
      break
    }
  },

  'with until, the stream ends': async ({ engine, image }) => {
    const since = new Date()
    const container = await image.create()
    const events = await collect(engine.events({ since, until: new Date(Date.now() + 1000) }))
    expect(events.filter(event => 'id' in event && event.id === container.id).map(event => event.type)).toContain('container.created')
  },

  'leaving the loop frees the stream, an abort rejects with the reason': async ({ engine, image }) => {
    const controller = new AbortController()
    const reason = new Error('stop listening')
    const listening = collect(engine.events({ signal: controller.signal }))
    setTimeout(() => controller.abort(reason), 100)
    expect(await rejection(listening)).toBe(reason)
    const since = new Date()
    await image.create()
    for await (const event of engine.events({ since })) {
      expect(event.type).toMatch(/^container\./)
      break
    }
  },

  'an engine announces by name, and a container its own events only': async ({ engine, image }) => {
    const onEngine: string[] = []
    const onContainer: string[] = []
    const container = await image.cmd('sh', '-c', 'exit 5').create()
    engine.on('container.exited', event => onEngine.push(`${event.id} ${event.exitCode}`))
    container.on('container.exited', event => onContainer.push(`${event.id} ${event.exitCode}`))
    try {
      const other = await image.cmd('sh', '-c', 'exit 6').start()
      await container.start()
      await eventually(async () => onEngine.length >= 2)
      await eventually(async () => onContainer.length >= 1)
      expect(onEngine.sort()).toEqual([`${container.id} 5`, `${other.id} 6`].sort())
      expect(onContainer).toEqual([`${container.id} 5`])
    } finally {
      engine.off('container.exited')
      container.off('container.exited')
    }
  },

  'a container that another engine started is heard of': async ({ engine, open, reference }) => {
    const other = await open()
    const heard: string[] = []
    engine.on('container.started', event => heard.push(event.id))
    try {
      // The stream behind `on` opens in the background.
      await new Promise(resolve => setTimeout(resolve, 500))
      const container = await other.image(reference('busybox')).cmd('sleep', '0.2').start()
      await eventually(async () => heard.includes(container.id))
    } finally {
      engine.off('container.started')
    }
  },

  'pull, tag and removal of an image are told': async ({ engine, publish, unique }) => {
    const since = String(Date.now() / 1000)
    const image = await engine.image(await publish()).pull()
    const tagged = await image.tag(`${unique('events')}:one`)
    await tagged.remove()
    await image.remove()
    const actions: string[] = []
    for await (const message of await engine.raw.call(SystemEvents, { query: { since, filters: { type: ['image'] } } })) {
      actions.push(message.Action)
      if (message.Action === 'delete') break
    }
    expect(actions).toEqual(['pull', 'tag', 'untag', 'untag', 'delete'])
  }
})
