import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { record } from './recorded-archive.js'
import { octal, padded, paxHeader, rawArchive, rawEntry } from './tar-builder.js'

const damaged = expect.objectContaining({ code: 'data_loss' })

describe('TarReader', () => {
  it('reads the fields of a ustar header', () => {
    const [entry] = record(rawArchive({ name: 'f', prefix: 'a/b', mode: 0o104755, uid: 12, gid: 34, mtime: 99, data: 'hello' }))
    expect(entry).toMatchObject({
      type: 'file',
      name: 'a/b/f',
      mode: 0o4755,
      uid: 12,
      gid: 34,
      modified: { seconds: 99, nanoseconds: 0 },
      sizeBytes: 5,
      content: 'hello',
      attributes: []
    })
  })

  it('reads the type of every kind of entry', () => {
    const types = ['0', '\0', '7', '1', '2', '3', '4', '5', '6']
    const read = record(rawArchive(...types.map(type => ({ name: 'n', type, linkName: 't' }))))
    expect(read.map(entry => entry.type)).toEqual([
      'file',
      'file',
      'file',
      'hard-link',
      'symbolic-link',
      'character-device',
      'block-device',
      'directory',
      'fifo'
    ])
  })

  it('takes a file whose name ends with a slash for a directory, as before ustar', () => {
    expect(record(rawArchive({ name: 'd/', magic: 'v7' }, { name: 'f' })).map(entry => entry.type)).toEqual(['directory', 'file'])
  })

  it('keeps names that are not UTF-8 byte for byte', () => {
    expect(record(rawArchive({ name: 'a\xff\x80' }))[0]?.name).toBe('a\xff\x80')
  })

  it('ignores what GNU keeps where ustar has its prefix', () => {
    expect(record(rawArchive({ name: 'f', magic: 'gnu', prefix: '14000000000' }))[0]?.name).toBe('f')
  })

  it('reads base-256 numbers, negative ones too', () => {
    const edit = (header: Buffer) => {
      header.fill(0, 108, 116)
      header[108] = 0x80
      header.writeUInt32BE(3_000_000_000, 112)
      header.fill(0xff, 136, 148)
    }
    expect(record(rawArchive({ name: 'f', magic: 'gnu', edit }))[0]).toMatchObject({
      uid: 3_000_000_000,
      modified: { seconds: -1, nanoseconds: 0 }
    })
  })

  it('reads device numbers', () => {
    expect(record(rawArchive({ name: 'null', type: '3', device: [1, 3] }))[0]?.device).toEqual({ major: 1, minor: 3 })
  })

  it('lays GNU long names over the next entry, and only that', () => {
    const long = 'x/'.repeat(150)
    const read = record(
      rawArchive(
        { name: '././@LongLink', type: 'L', data: `${long}name\0`, magic: 'gnu' },
        { name: '././@LongLink', type: 'K', data: `${long}target\0`, magic: 'gnu' },
        { name: 'short', type: '2', linkName: 'shorter', magic: 'gnu' },
        { name: 'next', magic: 'gnu' }
      )
    )
    expect(read.map(entry => [entry.name, entry.linkName])).toEqual([
      [`${long}name`, `${long}target`],
      ['next', '']
    ])
  })

  it('lays PAX records over the next entry, and only that', () => {
    const read = record(
      rawArchive(
        paxHeader([
          ['path', 'long/n\xc3\xa4me'],
          ['uid', '3000000000'],
          ['gid', '77'],
          ['mtime', '1700000000.123456789'],
          ['SCHILY.xattr.user.a%3Db', Buffer.from([0, 10, 61, 255])],
          ['comment', 'x']
        ]),
        { name: 'short', data: 'abc' },
        { name: 'next' }
      )
    )
    expect(read[0]).toMatchObject({
      name: 'long/n\xc3\xa4me',
      uid: 3_000_000_000,
      gid: 77,
      modified: { seconds: 1_700_000_000, nanoseconds: 123_456_789 },
      attributes: [{ name: 'user.a=b', value: Uint8Array.from([0, 10, 61, 255]) }],
      content: 'abc'
    })
    expect(read[1]).toMatchObject({ name: 'next', uid: 0, attributes: [] })
  })

  it('takes the size from PAX where the header has no room for it', () => {
    const header = rawEntry({ name: 'f', size: 0 })
    expect(
      record(rawArchive(paxHeader([['size', '5']]), header, padded(Buffer.from('hello')), { name: 'g' })).map(entry => entry.content)
    ).toEqual(['hello', ''])
  })

  it('reads PAX times before 1970', () => {
    expect(record(rawArchive(paxHeader([['mtime', '-1.25']]), { name: 'f' }))[0]?.modified).toEqual({
      seconds: -2,
      nanoseconds: 750_000_000
    })
  })

  it('lays global PAX records under all entries that follow', () => {
    const read = record(
      rawArchive({ name: 'before' }, paxHeader([['uid', '7']], 'g'), { name: 'a' }, paxHeader([['uid', '8']]), { name: 'b' }, { name: 'c' })
    )
    expect(read.map(entry => entry.uid)).toEqual([0, 7, 8, 7])
  })

  it('skips a volume label, and ignores the size of an entry that has no data', () => {
    const read = record(
      rawArchive(
        { name: 'label', type: 'V' },
        { name: 'd', type: '5', size: 4096 },
        { name: 'l', type: '1', linkName: 'd', size: 9 },
        { name: 'f' }
      )
    )
    expect(read.map(entry => entry.name)).toEqual(['d', 'l', 'f'])
  })

  it('ignores whatever follows the end marker', () => {
    expect(record(Buffer.concat([rawArchive({ name: 'f' }), Buffer.from('garbage '.repeat(200))]))).toHaveLength(1)
  })

  it('accepts an archive without its end marker, or with half of it, or without the last padding', () => {
    const whole = rawEntry({ name: 'f', data: 'hello' })
    expect(record(whole)).toHaveLength(1)
    expect(record(Buffer.concat([whole, Buffer.alloc(512)]))).toHaveLength(1)
    expect(record(whole.subarray(0, 600))[0]?.content).toBe('hello')
    expect(record(Buffer.alloc(0))).toEqual([])
  })

  it('refuses an archive that ends inside a header, data, an extension, or before the entry that an extension is for', () => {
    const archive = Buffer.concat([paxHeader([['uid', '1']]), rawEntry({ name: 'f', data: 'x'.repeat(2000) })])
    for (const length of [100, 512, 600, 1024, 1200, 1536, 3000]) {
      expect(() => record(archive.subarray(0, length)), `${length} bytes`).toThrow(damaged)
    }
  })

  it('refuses a wrong checksum', () => {
    const archive = rawArchive({ name: 'f' })
    archive[0] = 0x67
    expect(() => record(archive)).toThrow(damaged)
  })

  it('accepts a checksum over signed bytes', () => {
    const archive = rawArchive({ name: '\xff\xfe' })
    const unsigned = Number.parseInt(archive.toString('latin1', 148, 154), 8)
    octal(archive, unsigned - 512, 148, 7)
    expect(record(archive)).toHaveLength(1)
  })

  it.each([
    ['a negative size', rawArchive({ name: 'f', size: Buffer.alloc(12, 0xff) })],
    ['a negative PAX size', rawArchive(paxHeader([['size', '-1']]), { name: 'f' })],
    ['a size beyond 2^53', rawArchive({ name: 'f', size: Buffer.from([0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]) })],
    ['a field that is no number', rawArchive({ name: 'f', edit: header => header.write('xyz', 100) })],
    ['an extended header of a terabyte', rawArchive({ name: 'x', type: 'x', size: Buffer.from([0x80, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]) })],
    ['a long name of two megabytes', rawArchive({ name: 'x', type: 'L', size: 2 * 1024 * 1024 })],
    ['a PAX record with a wrong length', rawArchive({ name: 'x', type: 'x', data: '99 path=a\n' }, { name: 'f' })],
    ['a PAX record without a keyword', rawArchive({ name: 'x', type: 'x', data: '5 ab\n' }, { name: 'f' })],
    ['a PAX record of length zero', rawArchive({ name: 'x', type: 'x', data: '0 path=a\n' }, { name: 'f' })],
    ['a user id beyond 32 bits', rawArchive(paxHeader([['uid', '4294967295']]), { name: 'f' })],
    ['a type nobody knows', rawArchive({ name: 'f', type: 'Q' })],
    ['a NUL in a name', rawArchive(paxHeader([['path', 'a\0b']]), { name: 'f' })],
    ['data after a single zero block', Buffer.concat([Buffer.alloc(512), rawEntry({ name: 'f' })])],
    ['something that is no archive', Buffer.from('<!DOCTYPE html>'.repeat(100))]
  ])('refuses %s', (_, archive) => {
    expect(() => record(archive)).toThrow(damaged)
  })

  it('reads the same whatever pieces an archive comes in', () => {
    const archive = rawArchive(
      { name: 'd', type: '5' },
      { name: '././@LongLink', type: 'L', data: `${'y'.repeat(600)}\0` },
      { name: 'y', data: 'z'.repeat(1300) },
      paxHeader([['SCHILY.xattr.user.b', Buffer.from([1, 0, 2])]]),
      { name: 'empty' },
      paxHeader([
        ['GNU.sparse.major', '1'],
        ['GNU.sparse.minor', '0'],
        ['GNU.sparse.name', 's'],
        ['GNU.sparse.realsize', '5000']
      ]),
      { name: 'GNUSparseFile.0/s', data: Buffer.concat([padded(Buffer.from('2\n1000\n700\n4000\n3\n')), Buffer.alloc(703, 'q')]) },
      { name: 'last', data: 'end' }
    )
    const whole = record(archive)
    expect(whole).toHaveLength(5)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 1, maxLength: 30 }), sizes => {
        expect(record(archive, sizes)).toEqual(whole)
      })
    )
  })
})

describe('TarReader on sparse files', () => {
  let directory: string

  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'gantry-sparse-'))
    // Thirty islands: more than the four segments of a header and the twenty-one of one extension block.
    const file = path.join(directory, 'holes')
    const content = Buffer.alloc(65_536 * 30 + 77)
    for (let at = 0; at < 30; at++) content.write(`island ${at}`, at * 65_536 + 4096)
    writeFileSync(file, content)
    execFileSync('fallocate', ['--dig-holes', file])
    writeFileSync(path.join(directory, 'empty'), '')
    truncateSync(path.join(directory, 'empty'), 1_000_000)
  })

  afterAll(() => rmSync(directory, { recursive: true }))

  it.each([
    ['old GNU', ['--format=gnu']],
    ['PAX 0.0', ['--format=pax', '--sparse-version=0.0']],
    ['PAX 0.1', ['--format=pax', '--sparse-version=0.1']],
    ['PAX 1.0', ['--format=pax', '--sparse-version=1.0']]
  ])('expands %s as GNU tar wrote it', (_, options) => {
    const names = ['holes', 'empty']
    const sparse = execFileSync('tar', ['-cS', ...options, '-C', directory, ...names], { maxBuffer: 1e8 })
    const plain = execFileSync('tar', ['-c', '-C', directory, ...names], { maxBuffer: 1e8 })
    expect(sparse.length).toBeLessThan(plain.length / 3)
    const read = record(sparse, [700])
    expect(read.map(entry => entry.sparse)).toEqual([true, true])
    expect(read.map(entry => [entry.name, entry.content])).toEqual(record(plain).map(entry => [entry.name, entry.content]))
  })

  const paxSparse = (map: string, data: string, realSize = '100') =>
    rawArchive(
      paxHeader([
        ['GNU.sparse.map', map],
        ['GNU.sparse.size', realSize]
      ]),
      { name: 'f', data }
    )

  it('fills holes with zeros', () => {
    expect(record(paxSparse('2,3,8,1', 'abcd', '10'))[0]?.content).toBe('\0\0abc\0\0\0d\0')
  })

  it.each([
    ['overlap', paxSparse('0,5,3,5', 'x'.repeat(10))],
    ['are out of order', paxSparse('50,5,3,5', 'x'.repeat(10))],
    ['reach beyond the end', paxSparse('99,5', 'x'.repeat(5))],
    ['are more than the data', paxSparse('0,5,10,5', 'x')],
    ['are less than the data', paxSparse('0,1', 'xyz')],
    ['are negative', paxSparse('0,-1', '')],
    ['miss a length', paxSparse('0,1,5', 'x')]
  ])('refuses segments that %s', (_, archive) => {
    expect(() => record(archive)).toThrow(damaged)
  })

  it.each([
    ['a map that is longer than the entry', '9\n1\n'],
    ['a map with a line that is no number', 'two\n'],
    ['a map of a trillion segments', '1000000000000\n']
  ])('refuses %s', (_, map) => {
    const header = paxHeader([
      ['GNU.sparse.major', '1'],
      ['GNU.sparse.minor', '0'],
      ['GNU.sparse.realsize', '10']
    ])
    expect(() => record(rawArchive(header, { name: 'f', data: padded(Buffer.from(map)) }))).toThrow(damaged)
  })
})
