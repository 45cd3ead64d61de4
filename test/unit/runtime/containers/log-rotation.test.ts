import { mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { jsonFormat, localFormat } from '../../../../runtime/containers/log-format.js'
import { type LogSelection, readLog } from '../../../../runtime/containers/log-reader.js'
import type { LogPlace, LogSettings } from '../../../../runtime/containers/log-settings.js'
import { LogWriter } from '../../../../runtime/containers/log-writer.js'

let folder: string
const all: LogSelection = { stdout: true, stderr: true, timestamps: false }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-log-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`)

const formats = { 'json-file': jsonFormat, local: localFormat } as const

describe.each(Object.keys(formats) as (keyof typeof formats)[])('a rotating log (%s)', name => {
  const format = formats[name]
  const place = (): LogPlace => ({ path: join(folder, 'logs', 'log'), format, rotates: true })
  const settings = (rotation: Partial<LogSettings['rotation']> = {}): LogSettings => ({
    format,
    ownFolder: true,
    rotation: { maxBytes: 1000, maxFiles: 100, compress: false, ...rotation }
  })

  async function read(selection: Partial<LogSelection> = {}, more?: () => Promise<boolean>): Promise<readonly string[]> {
    const lines: string[] = []
    for await (const { data } of readLog(place(), { ...all, ...selection }, more)) lines.push(Buffer.from(data).toString())
    return lines
  }

  async function write(writer: LogWriter, lines: readonly string[], perWrite = 7): Promise<void> {
    for (let at = 0; at < lines.length; at += perWrite) {
      await writer.write({ stream: 'stdout', data: Buffer.from(lines.slice(at, at + perWrite).join('')) })
    }
  }

  it.each([true, false])('loses nothing while there is room for files (compressed: %s)', async compress => {
    const writer = new LogWriter(place().path, settings({ compress }))
    await write(writer, numbers(1, 300))
    await writer.close()
    expect(await read()).toEqual(numbers(1, 300))
    for (const tail of [0, 1, 100, 299, 300, 1000]) expect(await read({ tail })).toEqual(numbers(Math.max(1, 301 - tail), 300))
    const names = await readdir(join(folder, 'logs'))
    expect(names.length).toBeGreaterThan(5)
    expect(names.filter(file => file.endsWith('.gz'))).toHaveLength(compress ? names.length - 1 : 0)
  })

  it('keeps so many files and no more, in one write too', async () => {
    const writer = new LogWriter(place().path, settings({ maxFiles: 3 }))
    await write(writer, numbers(1, 300), 300)
    await writer.close()
    expect((await readdir(join(folder, 'logs'))).sort()).toEqual(['log', 'log.1', 'log.2'])
    const lines = await read()
    expect(lines).toEqual(numbers(301 - lines.length, 300))
  })

  it('of one file begins that anew', async () => {
    const writer = new LogWriter(place().path, settings({ maxFiles: 1 }))
    await write(writer, numbers(1, 300))
    await writer.close()
    expect(await readdir(join(folder, 'logs'))).toEqual(['log'])
    const lines = await read()
    expect(lines).toEqual(numbers(301 - lines.length, 300))
  })

  it.each([true, false])('is followed across files, each line once (compressed: %s)', async compress => {
    const writer = new LogWriter(place().path, settings({ compress }))
    let written = 0
    const lines = await read({}, async () => {
      await write(writer, numbers(written + 1, written + 50))
      written += 50
      return written < 400
    })
    await writer.close()
    expect(lines).toEqual(numbers(1, 400))
  })

  it.each([true, false])('is read whole while it is written (compressed: %s)', async compress => {
    const writer = new LogWriter(place().path, settings({ compress, maxFiles: 1000 }))
    let isWriting = true
    const writing = write(writer, numbers(1, 3000), 20).then(() => writer.close())
    const ended = writing.then(() => {
      isWriting = false
    })
    const lines = await read({}, async () => {
      const more = isWriting
      await new Promise(resolve => setImmediate(resolve))
      return more
    })
    await ended
    expect(lines).toEqual(numbers(1, 3000))
  })

  it.each([1, 20])('goes on after a writer that was killed within an entry (%i bytes of it)', async torn => {
    const first = new LogWriter(place().path, settings({ maxBytes: 1_000_000 }))
    await write(first, numbers(1, 10))
    await first.close()
    const whole = (await stat(place().path)).size
    const second = new LogWriter(place().path, settings({ maxBytes: 1_000_000 }))
    await write(second, ['lost\n'])
    await second.close()
    await truncate(place().path, whole + torn)
    expect(await read()).toEqual(numbers(1, 10))
    const third = new LogWriter(place().path, { ...settings(), continues: true })
    await write(third, numbers(11, 20))
    await third.close()
    expect(await read()).toEqual(numbers(1, 20))
  })

  it('goes on with the file that is there', async () => {
    for (const from of [1, 11]) {
      const writer = new LogWriter(place().path, settings())
      await write(writer, numbers(from, from + 9))
      await writer.close()
    }
    expect(await read()).toEqual(numbers(1, 20))
  })
})

describe('a log that nobody waits for', () => {
  it('drops what there is no room for', async () => {
    const writer = new LogWriter(join(folder, 'log'), { format: jsonFormat, bufferBytes: 1000 })
    for (const line of numbers(1, 100)) void writer.write({ stream: 'stdout', data: Buffer.from(line) })
    await writer.close()
    const lines = (await readFile(join(folder, 'log'), 'utf8')).trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(5)
    expect(lines.length).toBeLessThan(20)
  })
})

describe('a compressed file', () => {
  it('says what its last entry was, and is gzip to everybody', async () => {
    const path = join(folder, 'log')
    const writer = new LogWriter(path, { format: jsonFormat, rotation: { maxBytes: 1, maxFiles: 2, compress: true } })
    await writer.write({ stream: 'stdout', data: Buffer.from('one\n') })
    await writer.write({ stream: 'stdout', data: Buffer.from('two\n') })
    await writer.close()
    const bytes = await readFile(`${path}.1.gz`)
    const entry = JSON.parse(gunzipSync(bytes).toString())
    expect(entry.log).toBe('one\n')
    const extra = JSON.parse(bytes.subarray(12, 12 + bytes.readUInt16LE(10)).toString())
    expect(extra).toEqual({ lastTime: entry.time })
  })
})
