import { describe, expect, it } from 'vitest'
import { ContainerLogs } from '../../../src/api/index.js'
import type { Frame } from '../../../src/api/operation.js'
import { LogLines } from '../../../src/engine/containers/log-lines.js'
import { FakeEngine } from './kit/fake-engine.js'
import { collect } from './kit/rejection.js'

const stamp = (second: number): string => `2026-01-01T00:00:0${second}.123456789Z `
const frame = (stream: Frame['stream'], text: string): Frame => ({ stream, data: Buffer.from(text) })

const container = async (frames: readonly Frame[]) => {
  const fake = new FakeEngine()
  fake.transport.answer(ContainerLogs, async function* () {
    yield* frames
  } as never)
  return { fake, container: await fake.engine.image('busybox').create() }
}

describe('logs', () => {
  it('come line by line with their stream and their time', async () => {
    const { container: logged, fake } = await container([
      frame('stdout', `${stamp(1)}one\n`),
      frame('stderr', `${stamp(2)}tw`),
      frame('stdout', `${stamp(3)}three\r\n${stamp(4)}rest`),
      frame('stderr', 'o\n')
    ])
    expect(await collect(logged.logs({ follow: true, tail: 5, since: new Date(1_700_000_000_250) }))).toEqual([
      { stream: 'stdout', text: 'one', at: new Date('2026-01-01T00:00:01.123Z') },
      { stream: 'stdout', text: 'three', at: new Date('2026-01-01T00:00:03.123Z') },
      { stream: 'stderr', text: 'two', at: new Date('2026-01-01T00:00:02.123Z') },
      { stream: 'stdout', text: 'rest', at: new Date('2026-01-01T00:00:04.123Z') }
    ])
    expect(fake.transport.inputs(ContainerLogs)[0]?.query).toEqual({
      stdout: true,
      stderr: true,
      follow: true,
      tail: '5',
      since: '1700000000.250000000',
      timestamps: true
    })
  })

  it('are given whole by text, as they were written', async () => {
    const { container: logged, fake } = await container([frame('stdout', 'a\r\n'), frame('stderr', 'b'), frame('stdout', 'c\n')])
    expect(await logged.logs().text()).toBe('a\r\nbc\n')
    expect(fake.transport.inputs(ContainerLogs)[0]?.query?.timestamps).toBe(false)
  })

  it('are not asked for before they are used', async () => {
    const { container: logged, fake } = await container([])
    logged.logs()
    expect(fake.transport.ids).not.toContain('ContainerLogs')
  })

  it('check their options', async () => {
    const { container: logged } = await container([])
    expect(() => logged.logs({ tail: -1 })).toThrow(/^logs\.tail: expected a whole number/)
    expect(() => logged.logs({ since: new Date('nonsense') })).toThrow(/^logs\.since: expected a valid Date/)
  })
})

describe('LogLines', () => {
  it('puts a line together that the engine logged in parts, each with a timestamp', () => {
    const lines = new LogLines('stdout')
    const part = 'x'.repeat(16 * 1024)
    const done = [`${stamp(1)}${part}`, `${stamp(1)}${part}`, `${stamp(1)}end\n`, `${stamp(2)}next\n`].flatMap(text =>
      lines.push(Buffer.from(text))
    )
    expect(done.map(({ text }) => text)).toEqual([`${part}${part}end`, 'next'])
  })

  it('keeps a character together that comes in two pieces', () => {
    const lines = new LogLines('stdout')
    const bytes = Buffer.from(`${stamp(1)}é\n`)
    expect([...lines.push(bytes.subarray(0, -2)), ...lines.push(bytes.subarray(-2))]).toMatchObject([{ text: 'é' }])
  })
})
