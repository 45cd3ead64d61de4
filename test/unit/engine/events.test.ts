import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type EventMessage, SystemEvents } from '../../../src/api/index.js'
import { EventMapper } from '../../../src/engine/events/map-event.js'
import { EngineError } from '../../../src/errors/index.js'
import { AsyncQueue } from '../../../src/util/async-queue.js'
import { FakeEngine } from './kit/fake-engine.js'
import { collect, rejection } from './kit/rejection.js'

let clock = 1_700_000_000_000
const message = (Type: EventMessage['Type'], Action: string, ID: string, Attributes: Record<string, string> = {}): EventMessage => {
  const ms = ++clock
  return { Type, Action, Actor: { ID, Attributes }, scope: 'local', time: Math.floor(ms / 1000), timeNano: ms * 1e6 }
}

/** A fake engine with an event stream for each connection, in order. */
const withStreams = (count = 1) => {
  const fake = new FakeEngine()
  const streams = Array.from({ length: count }, () => new AsyncQueue<EventMessage>({ limit: 1000 }))
  const waiting = [...streams]
  fake.transport.answer(SystemEvents, (_input, { signal }) => {
    const next = waiting.shift()
    if (next === undefined) throw new EngineError('unavailable', 'the engine is gone')
    signal.addEventListener('abort', () => next.fail(signal.reason), { once: true })
    return next
  })
  return { fake, streams: streams as [AsyncQueue<EventMessage>, ...AsyncQueue<EventMessage>[]] }
}

describe('EventMapper', () => {
  it('tells a run in the words of this API', () => {
    const mapper = new EventMapper()
    const name = 'one'
    const messages = [
      message('container', 'create', 'c1', { name }),
      message('network', 'connect', 'n1', { container: 'c1', name: 'bridge' }),
      message('container', 'start', 'c1', { name }),
      message('container', 'exec_create: ls', 'c1', { name }),
      message('container', 'pause', 'c1', { name }),
      message('container', 'unpause', 'c1', { name }),
      message('container', 'health_status: healthy', 'c1', { name }),
      message('container', 'oom', 'c1', { name }),
      message('container', 'die', 'c1', { name, exitCode: '137' }),
      message('network', 'disconnect', 'n1', { container: 'c1' }),
      message('container', 'destroy', 'c1', { name })
    ]
    const at = expect.any(Date)
    expect(messages.flatMap(each => mapper.map(each))).toEqual([
      { type: 'container.created', id: 'c1', name, at },
      { type: 'container.layered', id: 'c1', name, at },
      { type: 'container.networked', id: 'c1', name, at },
      { type: 'container.started', id: 'c1', name, at },
      { type: 'container.paused', id: 'c1', name, at },
      { type: 'container.unpaused', id: 'c1', name, at },
      { type: 'container.health', id: 'c1', name, at, status: 'healthy' },
      { type: 'container.exited', id: 'c1', name, at, exitCode: 137, signal: 'SIGKILL', oomKilled: true },
      { type: 'container.removed', id: 'c1', name, at }
    ])
  })

  it('tells of images, networks and volumes', () => {
    const mapper = new EventMapper()
    const messages = [
      message('image', 'tag', 'sha256:1', { name: 'a:1' }),
      message('image', 'untag', 'sha256:1', { name: 'a:1' }),
      message('image', 'delete', 'sha256:1'),
      message('network', 'create', 'n1', { name: 'front' }),
      message('network', 'destroy', 'n1', { name: 'front' }),
      message('volume', 'create', 'data'),
      message('volume', 'destroy', 'data'),
      message('daemon', 'reload', 'd1')
    ]
    expect(
      messages
        .flatMap(each => mapper.map(each))
        .map(event => `${event.type} ${'ref' in event ? event.ref : 'name' in event ? event.name : ''}`)
    ).toEqual([
      'image.tagged a:1',
      'image.removed a:1',
      'image.removed sha256:1',
      'network.created front',
      'network.removed front',
      'volume.created data',
      'volume.removed data'
    ])
  })

  it('keeps the milliseconds of the time', () => {
    const [event] = new EventMapper().map({ ...message('container', 'start', 'c1', { name: 'x' }), timeNano: 1_700_000_000_123.9 * 1e6 })
    expect(event).toMatchObject({ at: new Date(1_700_000_000_123) })
  })
})

describe('engine.events', () => {
  it('asks for what happens from the moment of the call, with the labels', async () => {
    const { fake, streams } = withStreams()
    streams[0].end()
    const until = new Date(1_800_000_000_500)
    await collect(fake.engine.events({ since: new Date(1_700_000_000_007), until, label: { a: 'b', c: '' } }))
    expect(fake.transport.inputs(SystemEvents)[0]?.query).toEqual({
      since: '1700000000.007000000',
      until: '1800000000.500000000',
      filters: { label: ['a=b', 'c'] }
    })
  })

  it('gives only the types that were asked for', async () => {
    const { fake, streams } = withStreams()
    streams[0].push(message('container', 'start', 'c1', { name: 'x' }))
    streams[0].push(message('container', 'die', 'c1', { name: 'x', exitCode: '3' }))
    streams[0].end()
    const events = await collect(fake.engine.events({ types: ['container.exited'], until: new Date() }))
    expect(events).toMatchObject([{ type: 'container.exited', exitCode: 3 }])
  })

  it('refuses a type that there is not', () => {
    const { fake } = withStreams()
    expect(() => fake.engine.events({ types: ['container.exploded' as 'container.exited'] })).toThrow(/events\.types\[0\]: expected one of/)
  })

  it('connects again, tells of the gap, and repeats nothing', async () => {
    const { fake, streams } = withStreams(2)
    const [first, second] = streams
    const seen = message('container', 'start', 'c1', { name: 'x' })
    first.push(seen)
    first.end()
    second?.push(seen)
    second?.push(message('container', 'die', 'c1', { name: 'x', exitCode: '0' }))
    const types: string[] = []
    for await (const event of fake.engine.events()) {
      types.push(event.type)
      if (event.type === 'container.exited') break
    }
    expect(types).toEqual(['container.started', 'gap', 'container.exited'])
    expect(fake.transport.inputs(SystemEvents)[1]?.query?.since).toBe(`${seen.time}.${String(clock - 1).slice(-3)}000000`)
  })

  it('fails at once where the engine cannot be reached in the first place', async () => {
    const { fake } = withStreams(0)
    expect(await rejection(collect(fake.engine.events()))).toMatchObject({ code: 'unavailable' })
  })

  it('rejects with the reason of an abort, and ends when the engine closes', async () => {
    const { fake } = withStreams(2)
    const controller = new AbortController()
    const aborted = rejection(collect(fake.engine.events({ signal: controller.signal })))
    const closed = collect(fake.engine.events())
    await turn()
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await aborted).toBe(reason)
    await fake.engine.close()
    expect(await closed).toEqual([])
  })
})

describe('listeners', () => {
  it('open one stream with the first of them and close it with the last', async () => {
    const { fake, streams } = withStreams(2)
    const { engine } = fake
    const container = await engine.image('busybox').create({ name: 'mine' })
    expect(fake.transport.ids).not.toContain('SystemEvents')
    const heard: string[] = []
    engine.on('container.exited', event => heard.push(`engine ${event.name} ${event.exitCode}`))
    container.once('container.exited', event => heard.push(`container ${event.name}`))
    await turn()
    for (const [id, name] of [
      ['other', 'other'],
      [container.id, 'mine'],
      [container.id, 'mine']
    ] as const) {
      streams[0].push(message('container', 'die', id, { name, exitCode: '0' }))
    }
    await turn()
    expect(heard).toEqual(['engine other 0', 'engine mine 0', 'container mine', 'engine mine 0'])
    expect(fake.transport.inputs(SystemEvents)).toHaveLength(1)
    engine.off('container.exited')
    await turn()
    expect(streams[0].push(message('container', 'die', 'x'))).toBeUndefined()
    engine.on('container.started', () => {})
    await turn()
    expect(fake.transport.inputs(SystemEvents)).toHaveLength(2)
    await engine.close()
  })

  it('need no stream for what this process announces itself', async () => {
    const { fake } = withStreams()
    fake.engine.on('image.pulled', () => {})
    await turn()
    expect(fake.transport.ids).toEqual([])
  })

  it('hear of a gap when the engine came back', async () => {
    const { fake, streams } = withStreams(2)
    const gaps: unknown[] = []
    fake.engine.on('gap', event => gaps.push(event.reason))
    await turn()
    streams[0].fail(new EngineError('unavailable', 'gone'))
    while (gaps.length === 0) await delay(5)
    expect(gaps).toEqual(['reconnected'])
    await fake.engine.close()
  })
})
