import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeJsonLines, encodeJsonLine, encodeJsonLines } from '../../../src/api/json-lines.js'
import { EngineError } from '../../../src/errors/index.js'
import { collect, split, splits } from './byte-streams.js'

const decode = (text: string | Uint8Array, cuts: readonly number[] = []) => collect(decodeJsonLines(split(Buffer.from(text), cuts)))
const value = fc.jsonValue({ maxDepth: 3 })
const separator = fc.constantFrom('\n', '\r\n', ' ', '\n\n', '\x1e')

describe('decodeJsonLines', () => {
  it('gives back any values, wherever the bytes are split', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(value, { maxLength: 6 }), separator, splits, async (values, between, cuts) => {
        const text = values.map(item => JSON.stringify(item)).join(between)
        expect(await decode(text, cuts)).toEqual(values.map(item => JSON.parse(JSON.stringify(item))))
      })
    )
  })

  it('needs nothing between objects, lists and strings', async () => {
    const structured = fc.oneof(fc.dictionary(fc.string(), value), fc.array(value), fc.string({ unit: 'binary' }))
    await fc.assert(
      fc.asyncProperty(fc.array(structured, { maxLength: 6 }), splits, async (values, cuts) => {
        expect(await decode(values.map(item => JSON.stringify(item)).join(''), cuts)).toEqual(
          values.map(item => JSON.parse(JSON.stringify(item)))
        )
      })
    )
  })

  it('puts characters together that are split between chunks', async () => {
    const text = '{"a":"h\u00e9\u4e16\ud83d\ude00"}'
    for (let cut = 0; cut < Buffer.byteLength(text); cut++) expect(await decode(text, [cut])).toEqual([{ a: 'h\u00e9\u4e16\ud83d\ude00' }])
  })

  it('is not misled by brackets and quotes inside of strings', async () => {
    expect(await decode('{"a":"}{\\"]["}{"b":"\\\\"}')).toEqual([{ a: '}{"][' }, { b: '\\' }])
  })

  it('gives nothing for an empty stream', async () => {
    expect(await decode('')).toEqual([])
    expect(await decode('\r\n \n')).toEqual([])
  })

  it.each(['{"a":1}{"b":', '["a"', '"abc', '{"a":"\\'])('rejects a stream that ends inside a value: %s', async text => {
    await expect(decode(text)).rejects.toMatchObject({ code: 'data_loss' })
  })

  it.each(['<html>oops</html>', '{"a":1}}', 'tru', '{a:1}'])('rejects what is not JSON: %s', async text => {
    await expect(decode(text)).rejects.toMatchObject({ code: 'data_loss' })
  })

  it('does not depend on memory that the source uses again', async () => {
    async function* source() {
      const buffer = Buffer.from('{"a":1')
      yield buffer
      buffer.fill(0x20)
      yield Buffer.from('2}')
    }
    expect(await collect(decodeJsonLines(source()))).toEqual([{ a: 12 }])
  })

  it('throws the error that a value reports, after the values before it', async () => {
    const seen: unknown[] = []
    const text =
      '{"status":"Pulling"}\r\n{"errorDetail":{"message":"manifest for a:1 not found: manifest unknown"},"error":"manifest for a:1 not found"}'
    await expect(async () => {
      for await (const item of decodeJsonLines(split(Buffer.from(text), []))) seen.push(item)
    }).rejects.toMatchObject({ code: 'not_found', message: 'manifest for a:1 not found: manifest unknown' })
    expect(seen).toEqual([{ status: 'Pulling' }])
  })

  it('does not take an empty error for one', async () => {
    expect(await decode('{"error":"","errorDetail":null}')).toHaveLength(1)
  })
})

describe('encodeJsonLines', () => {
  it('writes a line for each value, and the error that ends them as the last one', async () => {
    async function* source() {
      yield { status: 'one' }
      throw new EngineError('not_found', 'no such image: x')
    }
    const bytes = Buffer.concat(await collect(encodeJsonLines(source())))
    expect(bytes.toString()).toBe(
      '{"status":"one"}\n{"errorDetail":{"code":404,"message":"no such image: x"},"error":"no such image: x"}\n'
    )
    await expect(decode(bytes)).rejects.toMatchObject({ code: 'not_found', message: 'no such image: x' })
  })

  it('is undone by decodeJsonLines', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(value), async values => {
        expect(await decode(Buffer.concat(values.map(encodeJsonLine)))).toEqual(values.map(item => JSON.parse(JSON.stringify(item))))
      })
    )
  })
})
