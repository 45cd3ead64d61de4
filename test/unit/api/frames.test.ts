import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFrames, encodeFrame, encodeFrameHeader } from '../../../src/api/frames.js'
import type { Frame } from '../../../src/api/operation.js'
import { collect, split, splits } from './byte-streams.js'

const frames = fc.array(fc.record({ stream: fc.constantFrom('stdin', 'stdout', 'stderr'), data: fc.uint8Array({ maxLength: 40 }) }), {
  maxLength: 8
}) as fc.Arbitrary<Frame[]>

/** Neighbours of one stream put together: how a payload was cut says nothing. */
function joined(list: readonly Frame[]): readonly { readonly stream: string; readonly hex: string }[] {
  const result: { stream: string; hex: string }[] = []
  for (const { stream, data } of list.filter(frame => frame.data.length > 0)) {
    const last = result.at(-1)
    const hex = Buffer.from(data).toString('hex')
    if (last?.stream === stream) last.hex += hex
    else result.push({ stream, hex })
  }
  return result
}

describe('decodeFrames', () => {
  it('gives back what was framed, wherever the bytes are split', async () => {
    await fc.assert(
      fc.asyncProperty(frames, splits, async (list, cuts) => {
        const bytes = Buffer.concat(list.map(encodeFrame))
        expect(joined(await collect(decodeFrames(split(bytes, cuts))))).toEqual(joined(list))
      })
    )
  })

  it('gives pieces of a payload on as they come, without the rest of it', async () => {
    const header = encodeFrameHeader('stdout', 0xffff_ffff)
    const seen: number[] = []
    await expect(async () => {
      for await (const frame of decodeFrames(split(Buffer.concat([header, Buffer.from('abc')]), [header.length])))
        seen.push(frame.data.length)
    }).rejects.toMatchObject({ code: 'data_loss', message: expect.stringContaining('4294967292 bytes of a payload') })
    expect(seen).toEqual([3])
  })

  it('rejects a stream that ends inside a header or a payload', async () => {
    const bytes = Buffer.from(encodeFrame({ stream: 'stderr', data: Buffer.from('hello') }))
    for (let length = 1; length < bytes.length; length++) {
      await expect(collect(decodeFrames(split(bytes.subarray(0, length), [])))).rejects.toMatchObject({ code: 'data_loss' })
    }
  })

  it('rejects what is not framed, and says what it saw', async () => {
    await expect(collect(decodeFrames(split(Buffer.from('hello, world\n'), [])))).rejects.toMatchObject({
      code: 'data_loss',
      message: expect.stringContaining('68656c6c6f2c2077')
    })
    await expect(collect(decodeFrames(split(Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]), [])))).rejects.toMatchObject({ code: 'data_loss' })
  })

  it("throws the engine's own error", async () => {
    const bytes = Buffer.concat([
      encodeFrame({ stream: 'stdout', data: Buffer.from('x') }),
      encodeFrame({ stream: 'stdout', data: Buffer.from('log is gone') })
    ])
    bytes[9] = 3
    await expect(collect(decodeFrames(split(bytes, [3, 12])))).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('log is gone')
    })
  })

  it('takes an empty frame for nothing', async () => {
    expect(await collect(decodeFrames(split(Buffer.from(encodeFrame({ stream: 'stdout', data: new Uint8Array() })), [])))).toEqual([])
  })

  it('lets go of its source when the reader leaves', async () => {
    let closed = false
    async function* source() {
      try {
        for (;;) yield encodeFrame({ stream: 'stdout', data: Buffer.from('tick') })
      } finally {
        closed = true
      }
    }
    for await (const _frame of decodeFrames(source())) break
    expect(closed).toBe(true)
  })
})
