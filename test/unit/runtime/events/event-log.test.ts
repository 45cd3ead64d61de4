import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EventFile } from '../../../../runtime/events/event-file.js'
import { EventLog } from '../../../../runtime/events/event-log.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-events-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const open = (origin = 'me') => new EventLog(new EventFile(folder), origin)

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
    const log = open()
    publish(log, 'before')
    const events = log.subscribe({ filters: {}, signal: never })
    publish(log, 'create')
    publish(log, 'start')
    expect(await take(events, 2)).toEqual(['create', 'start'])
  })

  it('begins with what is remembered since a time', async () => {
    const log = open()
    publish(log, 'one')
    const events = log.subscribe({ since: 0n, filters: {}, signal: never })
    publish(log, 'two')
    expect(await take(events, 2)).toEqual(['one', 'two'])
  })

  it('remembers what happened at the very time that is asked for, whichever way a number rounds it', async () => {
    // Nanoseconds are numbers in Docker's messages, and these hold them to 256.
    for (let ms = 1_796_000_000_000; ms < 1_796_000_000_008; ms++) {
      const clock = vi.spyOn(Date, 'now').mockReturnValue(ms)
      const log = open()
      publish(log, `at ${ms}`)
      clock.mockRestore()
      const at = BigInt(ms) * 1_000_000n
      expect(await take(log.subscribe({ since: at, until: at, filters: {}, signal: never }), 1)).toEqual([`at ${ms}`])
    }
  })

  it('ends at the time it was told', async () => {
    const log = open()
    publish(log, 'one')
    const until = BigInt(Date.now() + 5) * 1_000_000n
    const actions: string[] = []
    for await (const { Action } of log.subscribe({ since: 0n, until, filters: {}, signal: never })) actions.push(Action)
    expect(actions).toEqual(['one'])
  })

  it('rejects with the reason of the abort', async () => {
    const controller = new AbortController()
    const next = take(open().subscribe({ filters: {}, signal: controller.signal }), 1)
    controller.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
  })

  it('gives each message a time of its own, so that since splits them', async () => {
    const log = open()
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
    const log = open()
    publish(log, 'start', { name: 'web', image: 'busybox', a: '1' })
    const until = BigInt(Date.now()) * 1_000_000n
    let seen = false
    for await (const _ of log.subscribe({ since: 0n, until: until + 5_000_000n, filters, signal: never })) seen = true
    expect(seen).toBe(expected)
  })

  it('hears of what other engines do, each message once', async () => {
    const [mine, others] = [open('mine'), open('others')]
    publish(others, 'past')
    const events = mine.subscribe({ since: 0n, filters: {}, signal: never })
    publish(mine, 'own')
    publish(others, 'foreign')
    expect((await take(events, 3)).sort()).toEqual(['foreign', 'own', 'past'])
  })

  it('goes on when the file is put aside because it has grown', async () => {
    const [mine, others] = [open('mine'), open('others')]
    const events = mine.subscribe({ filters: {}, signal: never })
    for (let round = 0; round < 1000; round++) publish(others, `n${round}`, { filler: 'x'.repeat(100) })
    const actions = await take(events, 1000)
    expect(actions).toEqual(Array.from({ length: 1000 }, (_, round) => `n${round}`))
  })
})
