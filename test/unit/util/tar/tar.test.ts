import fc from 'fast-check'
import { extract, pack } from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { EngineError } from '../../../../src/errors/index.js'
import { decodeTar } from '../../../../src/util/tar/decode-tar.js'
import { encodeTarHeader, type NewTarEntry, tarEnd, tarPadding } from '../../../../src/util/tar/encode-tar.js'

interface Item {
  readonly name: string
  readonly type: string
  readonly text: string
  readonly linkName?: string | undefined
}

const awkward: readonly (NewTarEntry & { readonly text?: string })[] = [
  { name: 'short', type: 'file', text: 'content' },
  { name: 'empty', type: 'file', text: '' },
  { name: `${'long/'.repeat(60)}name`, type: 'file', text: 'x'.repeat(513) },
  { name: 'ünï', type: 'directory' },
  { name: 'link', type: 'symlink', linkName: `${'far/'.repeat(40)}away` },
  { name: 'same', type: 'hardlink', linkName: 'short' }
]

describe('the tar codec', () => {
  it('reads what it wrote, whatever size the pieces come in', async () => {
    for (const pieceBytes of [1, 511, 512, 513, 100_000]) expect(await decode(encode(awkward), pieceBytes)).toEqual(awkward.map(itemOf))
  })

  it('writes what another implementation reads', async () => {
    const reader = extract()
    reader.end(encode(awkward))
    const seen: Item[] = []
    for await (const entry of reader) {
      let text = ''
      for await (const piece of entry) text += piece
      const { name, type, linkname } = entry.header
      const ours = { link: 'hardlink' }[type as string] ?? type
      seen.push({ name: name.replace(/\/$/, ''), type: ours ?? '', text, linkName: linkname || undefined })
    }
    expect(seen).toEqual(awkward.map(itemOf))
  })

  it('reads what another implementation wrote', async () => {
    const writer = pack()
    const long = `${'deep/'.repeat(50)}file`
    writer.entry({ name: long }, 'a')
    writer.entry({ name: 'folder/', type: 'directory' })
    writer.entry({ name: 'ünï', type: 'symlink', linkname: long })
    writer.finalize()
    const chunks: Buffer[] = []
    for await (const chunk of writer) chunks.push(chunk as Buffer)
    expect(await decode(Buffer.concat(chunks), 700)).toEqual([
      { name: long, type: 'file', text: 'a', linkName: undefined },
      { name: 'folder', type: 'directory', text: '', linkName: undefined },
      { name: 'ünï', type: 'symlink', text: '', linkName: long }
    ])
  })

  it('keeps any name and any content', async () => {
    const name = fc.string({ minLength: 1, maxLength: 300 }).filter(text => !/[\0/]/.test(text))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ name, text: fc.string({ maxLength: 2000 }) })), async files => {
        const entries = files.map(file => ({ ...file, type: 'file' as const }))
        expect(await decode(encode(entries), 333)).toEqual(entries.map(itemOf))
      }),
      { numRuns: 50 }
    )
  })

  it('skips what is not read', async () => {
    const names: string[] = []
    for await (const { entry } of decodeTar(pieces(encode(awkward), 512))) names.push(entry.name)
    expect(names).toEqual(awkward.map(({ name }) => name))
  })

  it.each([
    ['cut short within a file', (archive: Buffer) => archive.subarray(0, 700)],
    ['cut short within a block', (archive: Buffer) => archive.subarray(0, 100)],
    ['with a byte turned over', (archive: Buffer) => Buffer.concat([Buffer.from('x'), archive.subarray(1)])]
  ])('says data_loss of an archive %s', async (_, spoil) => {
    const archive = encode([{ name: 'a', type: 'file', text: 'x'.repeat(400) }])
    const error = await decode(spoil(archive), 512).catch((reason: unknown) => reason)
    expect(EngineError.is(error) && error.code).toBe('data_loss')
  })
})

function itemOf({ name, type, text = '', linkName }: NewTarEntry & { readonly text?: string }): Item {
  return { name, type, text, linkName }
}

function encode(entries: readonly (NewTarEntry & { readonly text?: string })[]): Buffer {
  const blocks = entries.flatMap(({ text = '', ...entry }) => {
    const content = Buffer.from(text)
    return [encodeTarHeader({ ...entry, sizeBytes: content.length }), content, tarPadding(content.length)]
  })
  return Buffer.concat([...blocks, tarEnd()])
}

async function* pieces(archive: Buffer, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < archive.length; at += pieceBytes) yield archive.subarray(at, at + pieceBytes)
}

async function decode(archive: Buffer, pieceBytes: number): Promise<Item[]> {
  const items: Item[] = []
  for await (const { entry, content } of decodeTar(pieces(archive, pieceBytes))) {
    const read: Uint8Array[] = []
    for await (const piece of content) read.push(piece)
    items.push({ name: entry.name, type: entry.type, text: Buffer.concat(read).toString(), linkName: entry.linkName })
  }
  return items
}
