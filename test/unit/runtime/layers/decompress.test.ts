import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { constants, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { compressionOf } from '../../../../runtime/layers/compression.js'
import { decompress } from '../../../../runtime/layers/decompress.js'
import { type IsalInflate, openIsal } from '../../../../runtime/layers/isal.js'
import { zstdProgram } from '../../../../runtime/layers/zstd.js'
import { gzipTar, inPieces, plainTar } from './temporary-folder.js'

const zstdTar = 'application/vnd.oci.image.layer.v1.tar+zstd'
const damaged = { code: 'data_loss' }
const text = 'some text that is long enough to be worth it. '.repeat(5000)
const hasZstd = (() => {
  try {
    execFileSync('zstd', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

/** As text: comparing megabytes of a Buffer byte by byte takes the test framework seconds. */
async function decompressed(
  bytes: Buffer,
  mediaType: string,
  pieceBytes?: number,
  inflate: IsalInflate | 'zlib' = 'zlib'
): Promise<string> {
  const blocks: Buffer[] = []
  for await (const block of decompress(inPieces(bytes, pieceBytes), { mediaType, inflate })) blocks.push(Buffer.from(block))
  return Buffer.concat(blocks).toString('latin1')
}

const inflaters = [
  { name: 'zlib', isHere: true, inflater: () => 'zlib' as const },
  { name: "ISA-L (needs Debian's libisal2)", isHere: openIsal() !== undefined, inflater: () => openIsal() ?? ('zlib' as const) }
]

for (const { name, isHere, inflater } of inflaters) {
  describe.skipIf(!isHere)(`decompress gzip with ${name}`, () => {
    const inflated = (bytes: Buffer, mediaType: string, pieceBytes?: number) => decompressed(bytes, mediaType, pieceBytes, inflater())

    it.each([1, 7, 64, 1000, 1_000_000])('inflates gzip in pieces of %i bytes', async size => {
      expect(await inflated(gzipSync(text), gzipTar, size)).toBe(text)
    })

    it('goes by the first bytes where the media type lies', async () => {
      expect(await inflated(gzipSync(text), plainTar)).toBe(text)
      expect(await inflated(Buffer.from(text), gzipTar)).toBe(text)
      expect(await inflated(Buffer.from(text), zstdTar, 1000)).toBe(text)
    })

    it('inflates several gzip members in a row, wherever the pieces end', async () => {
      const [a, b] = [gzipSync('first '), gzipSync('second')]
      const both = Buffer.concat([a, b])
      for (let size = 1; size <= both.length; size++) expect(await inflated(both, gzipTar, size), `${size}`).toBe('first second')
    })

    it('inflates headers with a name, a comment, extra fields and a checksum, wherever the pieces end', async () => {
      const member = Buffer.concat([fullHeader(), gzipSync('content').subarray(10)])
      for (let size = 1; size <= member.length; size++) expect(await inflated(member, gzipTar, size), `${size}`).toBe('content')
    })

    it('inflates what is larger than a block, stored and in fixed codes, empty members among them', async () => {
      const noise = randomBytes(3_000_000)
      const both = [
        gzipSync(noise),
        gzipSync(''),
        gzipSync(text.repeat(20), { strategy: constants.Z_FIXED }),
        gzipSync(noise, { level: 0 })
      ]
      const expected = noise.toString('latin1') + text.repeat(20) + noise.toString('latin1')
      for (const size of [300, 65_536, 1_000_000]) expect((await inflated(Buffer.concat(both), gzipTar, size)) === expected).toBe(true)
    })

    it('lets go of its source when nobody reads on', async () => {
      let asked = 0
      async function* endless() {
        for (;;) {
          asked++
          yield gzipSync(Buffer.alloc(1_000_000))
        }
      }
      for await (const _ of decompress(endless(), { mediaType: gzipTar, inflate: inflater() })) break
      await new Promise(resolve => setTimeout(resolve, 50))
      const before = asked
      await new Promise(resolve => setTimeout(resolve, 50))
      expect(asked).toBe(before)
    })

    it('ignores zeros after the last member', async () => {
      expect(await inflated(Buffer.concat([gzipSync(text), Buffer.alloc(2000)]), gzipTar)).toBe(text)
    })

    it.each([
      ['ends early', gzipSync(text).subarray(0, -20)],
      ['ends in its header', gzipSync(text).subarray(0, 5)],
      ['ends after three bytes', gzipSync(text).subarray(0, 3)],
      ['has a wrong checksum', flipped(gzipSync(text), -6)],
      ['is damaged in the middle', flipped(gzipSync(text), 40)],
      ['has garbage after it', Buffer.concat([gzipSync(text), Buffer.from('garbage')])],
      ['has a wrong length', flipped(gzipSync(text), -2)],
      ['ends in its trailer', gzipSync(text).subarray(0, -3)],
      ['has another method than deflate', flipped(gzipSync(text), 2)],
      ['has a second member that ends early', Buffer.concat([gzipSync(text), gzipSync(text).subarray(0, -1)])],
      ['has a second member with a wrong checksum', Buffer.concat([gzipSync('first'), flipped(gzipSync('second'), -5)])]
    ])('refuses gzip that %s', async (_, bytes) => {
      await expect(inflated(bytes, gzipTar)).rejects.toMatchObject(damaged)
    })

    it('refuses nothing at all where compressed data is promised', async () => {
      await expect(inflated(Buffer.alloc(0), gzipTar)).rejects.toMatchObject(damaged)
      expect(await inflated(Buffer.alloc(0), plainTar)).toBe('')
    })

    it('passes a failure of its source on', async () => {
      const failure = new Error('connection lost')
      async function* failing() {
        yield gzipSync(text).subarray(0, 100)
        throw failure
      }
      const work = (async () => {
        for await (const _ of decompress(failing(), { mediaType: gzipTar, inflate: inflater() }));
      })()
      await expect(work).rejects.toBe(failure)
    })
  })
}

describe('decompress', () => {
  it.skipIf(!hasZstd)('reads zstd, several frames and frames to skip (needs the zstd program to make them)', async () => {
    const frame = execFileSync('zstd', ['-c'], { input: text })
    const skipped = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
    expect(await decompressed(frame, zstdTar, 100)).toBe(text)
    expect(await decompressed(Buffer.concat([skipped, frame, frame, skipped]), zstdTar)).toBe(text + text)
  })

  it.skipIf(!hasZstd)('refuses damaged zstd (needs the zstd program)', async () => {
    const frame = execFileSync('zstd', ['-c'], { input: text })
    await expect(decompressed(frame.subarray(0, -5), zstdTar)).rejects.toMatchObject(damaged)
    await expect(decompressed(flipped(frame, 30), zstdTar)).rejects.toMatchObject(damaged)
  })

  it('names both ways out where nothing can read zstd', async () => {
    const stream = zstdProgram('no-such-program-anywhere')
    const failure = new Promise(resolve => stream.on('error', resolve))
    stream.resume()
    expect(await failure).toMatchObject({ code: 'not_supported', message: expect.stringMatching(/Node 22\.15.*zstd/) })
  })
})

describe('compressionOf', () => {
  it('knows the frames of zstd that are to be skipped', () => {
    expect(compressionOf(Buffer.from([0x5f, 0x2a, 0x4d, 0x18]), plainTar)).toBe('zstd')
    expect(compressionOf(Buffer.from([0x60, 0x2a, 0x4d, 0x18]), plainTar)).toBe('none')
  })
})

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  const index = at < 0 ? copy.length + at : at
  copy[index] = (copy[index] ?? 0) ^ 0x55
  return copy
}

/** RFC 1952: every optional part. */
function fullHeader(): Buffer {
  const extra = Buffer.from([4, 0, 1, 2, 3, 4])
  return Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 0x1f, 0, 0, 0, 0, 0, 3]),
    extra,
    Buffer.from('a name\0a comment\0'),
    headerChecksum(extra)
  ])
}

/** The low half of the header's CRC-32: zlib checks it. */
function headerChecksum(extra: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0x1f, 0, 0, 0, 0, 0, 3]), extra, Buffer.from('a name\0a comment\0')])
  // The trailer of what gzip makes of it begins with the same sum.
  const sum = gzipSync(bytes).subarray(-8, -6)
  return Buffer.from(sum)
}
