import { createHash, randomBytes } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type CompressedBlob, compressLayer } from '../../../../runtime/layers/compress-layer.js'
import { inPieces } from './temporary-folder.js'

async function compressed(archive: Buffer, options: { readonly pieceBytes?: number; readonly offset?: number } = {}) {
  const pieces: Buffer[] = []
  const read: number[] = []
  let blob: CompressedBlob | undefined
  const onEnd = (end: CompressedBlob) => {
    blob = end
  }
  const { pieceBytes = 64 * 1024, offset = 0 } = options
  for await (const piece of compressLayer(inPieces(archive, pieceBytes), { offset, onRead: bytes => read.push(bytes), onEnd })) {
    pieces.push(Buffer.from(piece))
  }
  return { bytes: Buffer.concat(pieces), read, blob }
}

/** Text that compresses, longer than some blocks. */
const text = Buffer.from(Array.from({ length: 400_000 }, (_, at) => `line ${at * 7919}\n`).join(''))

describe('a compressed layer', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['less than a block', Buffer.from('short')],
    ['a block', randomBytes(1024 * 1024)],
    ['several blocks', text]
  ])('is what it was when it is inflated: %s', async (_, archive) => {
    const { bytes, read, blob } = await compressed(archive)
    expect(gunzipSync(bytes).equals(archive)).toBe(true)
    expect(blob).toEqual({ digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length })
    expect(read.at(-1) ?? 0).toBe(archive.length)
  })

  it('is the same whatever pieces it comes in, and from any byte on', async () => {
    const { bytes } = await compressed(text)
    for (const pieceBytes of [1000, 1_048_576, 3_000_000]) expect((await compressed(text, { pieceBytes })).bytes.equals(bytes)).toBe(true)
    for (const offset of [1, 10, 11, 500_000, bytes.length]) {
      const rest = await compressed(text, { offset })
      expect(rest.bytes.equals(bytes.subarray(offset))).toBe(true)
      expect(rest.blob?.size).toBe(bytes.length)
    }
  })

  it('is about as small as zlib makes it in one go', async () => {
    const { bytes } = await compressed(text)
    expect(bytes.length).toBeLessThan(gzipSync(text, { level: 4 }).length * 1.01)
  })

  it('fails as its source does, and stops reading it when nobody wants more', async () => {
    const failure = new Error('the disk is gone')
    let isLeft = false
    async function* source() {
      try {
        for (let count = 0; count < 20; count++) yield randomBytes(1024 * 1024)
        throw failure
      } finally {
        isLeft = true
      }
    }
    const ignore = { offset: 0, onRead: () => {}, onEnd: () => {} }
    await expect(
      (async () => {
        for await (const _ of compressLayer(source(), ignore));
      })()
    ).rejects.toBe(failure)
    isLeft = false
    for await (const piece of compressLayer(source(), ignore)) if (piece.byteLength > 10) break
    expect(isLeft).toBe(true)
  })
})
