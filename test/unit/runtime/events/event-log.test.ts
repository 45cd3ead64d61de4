import { describe, expect, it } from 'vitest'
import { EventLog } from '../../../../runtime/events/event-log.js'

const never = new AbortController().signal

function publish(log: EventLog, action: string, attributes: Record<string, string> = {}) {
  log.publish({ Type: 'container', Action: action, id: 'abcdef', attributes })
}

async function take(source: AsyncIterable<{ readonly Action: string }>, count: number) {
  const actions: string[] = []
  for await (const { Action } of source) if (actions.push(Action) === count) break
  return actions
}

describe('event log', () => {
  it('delivers from the moment of the subscription, not of the first read', async () => {
    const log = new EventLog()
    publish(log, 'before')
    const events = log.subscribe({ filters: {}, signal: never })
    publish(log, 'create')
    publish(log, 'start')
    expect(await take(events, 2)).toEqual(['create', 'start'])
  })

  it('begins with what is remembered since a time', async () => {
    const log = new EventLog()
    publish(log, 'one')
    const events = log.subscribe({ since: 0n, filters: {}, signal: never })
    publish(log, 'two')
    expect(await take(events, 2)).toEqual(['one', 'two'])
  })

  it('ends at the time it was told', async () => {
    const log = new EventLog()
    publish(log, 'one')
    const until = BigInt(Date.now() + 5) * 1_000_000n
    const actions: string[] = []
    for await (const { Action } of log.subscribe({ since: 0n, until, filters: {}, signal: never })) actions.push(Action)
    expect(actions).toEqual(['one'])
  })

  it('rejects with the reason of the abort', async () => {
    const controller = new AbortController()
    const next = take(new EventLog().subscribe({ filters: {}, signal: controller.signal }), 1)
    controller.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
  })

  it('gives each message a time of its own, so that since splits them', async () => {
    const log = new EventLog()
    for (let round = 0; round < 100; round++) publish(log, 'x')
    const times: number[] = []
    for await (const { timeNano } of log.subscribe({ since: 0n, until: BigInt(Date.now() + 5) * 1_000_000n, filters: {}, signal: never }))
      times.push(timeNano)
    expect(times).toHaveLength(100)
    expect(new Set(times).size).toBe(100)
  })

  it.each([
    [{ type: ['container'] }, true],
    [{ type: ['image'] }, false],
    [{ event: ['start', 'die'] }, true],
    [{ event: ['die'] }, false],
    [{ container: ['abc'] }, true],
    [{ container: ['web'] }, true],
    [{ container: ['zzz'] }, false],
    [{ label: ['a'] }, true],
    [{ label: ['a=1'] }, true],
    [{ label: ['a=2'] }, false],
    [{ image: ['busybox'] }, true],
    [{ type: ['container'], event: ['die'] }, false]
  ])('filters by %j', async (filters, expected) => {
    const log = new EventLog()
    publish(log, 'start', { name: 'web', image: 'busybox', a: '1' })
    const until = BigInt(Date.now()) * 1_000_000n
    let seen = false
    for await (const _ of log.subscribe({ since: 0n, until: until + 5_000_000n, filters, signal: never })) seen = true
    expect(seen).toBe(expected)
  })
})
