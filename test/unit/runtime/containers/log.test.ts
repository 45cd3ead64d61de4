import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { jsonFormat } from '../../../../runtime/containers/log-format.js'
import { type LogSelection, readLog } from '../../../../runtime/containers/log-reader.js'
import { LogWriter } from '../../../../runtime/containers/log-writer.js'
import { nanosecondsOf, parseTimestamp } from '../../../../runtime/containers/nano-time.js'

let folder: string
let path: string
const all: LogSelection = { stdout: true, stderr: true, timestamps: false }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-log-'))
  path = join(folder, 'log')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function write(...pieces: readonly (readonly ['stdout' | 'stderr', string])[]) {
  const writer = new LogWriter(path)
  for (const [stream, text] of pieces) await writer.write({ stream, data: Buffer.from(text) })
  await writer.close()
}

async function read(selection: Partial<LogSelection> = {}) {
  const lines: string[] = []
  for await (const frame of readLog({ path, format: jsonFormat, rotates: false }, { ...all, ...selection }))
    lines.push(`${frame.stream}:${Buffer.from(frame.data).toString()}`)
  return lines
}

describe('container log', () => {
  it('is written as Docker’s json-file driver writes it', async () => {
    await write(['stdout', 'one\n'])
    const [line] = (await readFile(path, 'utf8')).trimEnd().split('\n')
    const entry = JSON.parse(line ?? '')
    expect(entry).toEqual({ log: 'one\n', stream: 'stdout', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/) })
  })

  it('joins pieces of a line and keeps the streams apart', async () => {
    await write(['stdout', 'a'], ['stderr', 'x\ny'], ['stdout', 'b\nc'])
    expect(await read()).toEqual(['stderr:x\n', 'stdout:ab\n', 'stdout:c', 'stderr:y'])
  })

  it('keeps a character whole that arrives in two pieces', async () => {
    const bytes = Buffer.from('ü\n')
    const writer = new LogWriter(path)
    await writer.write({ stream: 'stdout', data: bytes.subarray(0, 1) })
    await writer.write({ stream: 'stdout', data: bytes.subarray(1) })
    await writer.close()
    expect(await read()).toEqual(['stdout:ü\n'])
  })

  it('cuts lines of more than 16 KiB, without losing a byte', async () => {
    const text = `${'x'.repeat(40_000)}\n`
    await write(['stdout', text])
    const entries = await read()
    expect(entries.map(entry => entry.length - 'stdout:'.length)).toEqual([16384, 16384, 40_001 - 2 * 16384])
    expect(entries.map(entry => entry.slice('stdout:'.length)).join('')).toBe(text)
  })

  it('can be divided at any moment: what came before, and the beginnings of lines', async () => {
    const writer = new LogWriter(path)
    const write = (text: string) => writer.write({ stream: 'stdout', data: Buffer.from(text) })
    void write('one\ntw')
    const mark = writer.mark()
    void write('o\nthree\n')
    await mark.written
    expect(await read({ until: mark.until })).toEqual(['stdout:one\n'])
    expect(mark.pending.map(({ stream, data }) => [stream, Buffer.from(data).toString()])).toEqual([['stdout', 'tw']])
    await writer.close()
    expect(writer.mark().pending).toEqual([])
    expect(await read()).toEqual(['stdout:one\n', 'stdout:two\n', 'stdout:three\n'])
  })

  it('makes no file for a silent container, and reads none', async () => {
    await write()
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await read()).toEqual([])
  })

  it.each([
    [0, []],
    [2, ['stdout:line 98\n', 'stdout:line 99\n']],
    [1000, undefined]
  ])('gives the last %i lines', async (tail, expected) => {
    await write(...Array.from({ length: 100 }, (_, index) => ['stdout', `line ${index}\n`] as const))
    const lines = await read({ tail })
    if (expected === undefined) expect(lines).toHaveLength(100)
    else expect(lines).toEqual(expected)
  })

  it('finds the last lines across many chunks', async () => {
    await write(...Array.from({ length: 3000 }, (_, index) => ['stdout', `${index} ${'y'.repeat(100)}\n`] as const))
    const lines = await read({ tail: 2500 })
    expect(lines).toHaveLength(2500)
    expect(lines[0]).toMatch(/^stdout:500 /)
  })

  it('selects by time and stream', async () => {
    await write(['stdout', 'a\n'])
    const time = JSON.parse(await readFile(path, 'utf8')).time
    const at = nanosecondsOf(time)
    expect(await read({ since: at })).toHaveLength(1)
    expect(await read({ since: at + 1n })).toHaveLength(0)
    expect(await read({ until: at - 1n })).toHaveLength(0)
    expect(await read({ stdout: false })).toHaveLength(0)
    expect(await read({ timestamps: true })).toEqual([`stdout:${time} a\n`])
  })

  it('follows while it grows and reads what came last', async () => {
    await write(['stdout', 'first\n'])
    let rounds = 0
    const seen: string[] = []
    const more = async () => {
      rounds++
      await appendFile(path, `${JSON.stringify({ log: `more ${rounds}\n`, stream: 'stdout', time: '2026-01-01T00:00:00.000000000Z' })}\n`)
      return rounds < 3
    }
    for await (const frame of readLog({ path, format: jsonFormat, rotates: false }, all, more))
      seen.push(Buffer.from(frame.data).toString())
    expect(seen).toEqual(['first\n', 'more 1\n', 'more 2\n', 'more 3\n'])
  })

  it('says so when the file is damaged', async () => {
    await appendFile(path, 'not json\n')
    await expect(read()).rejects.toMatchObject({ code: 'data_loss' })
  })
})

describe('parseTimestamp', () => {
  it.each([
    ['1700000000', 1700000000000000000n],
    ['1700000000.5', 1700000000500000000n],
    ['1700000000.000000001', 1700000000000000001n],
    ['2023-11-14T22:13:20Z', 1700000000000000000n],
    ['yesterday', undefined]
  ])('reads %s', (text, expected) => {
    expect(parseTimestamp(text)).toBe(expected)
  })
})
