// Needs: root on Linux. Archives that are small to send and large to unpack, or that lead out of their target, by every way in.
import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { removeTree } from '../../runtime/host/remove-tree.js'
import { describeTree, makeCanary } from '../fuzz/canary.js'
import { paxHeader, type RawEntry, rawArchive, rawEntry } from '../unit/runtime/layers/tar-builder.js'
import { inPieces, isRoot, temporaryFolders } from '../unit/runtime/layers/temporary-folder.js'
import { nextDescriptor, waysIn } from './ways-in.js'

const folder = temporaryFolders({ inMemory: true })

type Way = keyof typeof waysIn
type Parts = readonly (RawEntry | Buffer)[]

const ways = Object.keys(waysIn) as readonly Way[] // the keys of a literal
const tib = 1024 ** 4

/** Files copied out begin with the name of what is copied. */
const top: RawEntry = { name: 'x', type: '5', mode: 0o755 }
const archiveFor = (way: Way, ...parts: Parts): Buffer => rawArchive(...(way === 'get' ? [top] : []), ...parts)

/** The same bytes again and again: compressed data of several members is one stream. */
async function* repeated(first: Buffer, piece: Buffer, times: number): AsyncGenerator<Buffer, void, undefined> {
  yield first
  for (let time = 0; time < times; time++) yield piece
}

/** A tmpfs of its own, for as long as it takes. */
async function onDisk(options: string, use: (disk: string) => Promise<void>): Promise<void> {
  const disk = folder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'none', disk])
  try {
    await use(disk)
  } finally {
    execFileSync('umount', [disk])
  }
}

const sparse: Readonly<Record<string, Parts>> = {
  'PAX 1.0': [
    paxHeader([
      ['GNU.sparse.major', '1'],
      ['GNU.sparse.minor', '0'],
      ['GNU.sparse.name', 'x/huge'],
      ['GNU.sparse.realsize', `${tib}`]
    ]),
    { name: 'x/GNUSparseFile.0/huge', data: Buffer.concat([Buffer.from(`1\n${tib - 3}\n3\n`.padEnd(512, '\0')), Buffer.from('end')]) }
  ],
  'PAX 0.1': [
    paxHeader([
      ['GNU.sparse.size', `${tib}`],
      ['GNU.sparse.map', `${tib - 3},3`]
    ]),
    { name: 'x/huge', data: 'end' }
  ]
}

describe.skipIf(!isRoot)('an archive that is larger than it looks (needs root)', () => {
  for (const [format, parts] of Object.entries(sparse)) {
    it.each(['layer', 'put'] as const)(`a file of a terabyte with holes (${format}) takes no room: %s`, async way => {
      const root = folder()
      await waysIn[way](inPieces(rawArchive(...parts)), root)
      const stats = lstatSync(path.join(root, 'x/huge'))
      expect(stats.size).toBe(tib)
      expect(stats.blocks * 512).toBeLessThan(1024 ** 2)
    })

    it(`a file of a terabyte with holes (${format}) is not taken for what is stored of it: get`, async () => {
      const root = folder()
      await expect(waysIn.get(inPieces(archiveFor('get', ...parts)), root)).rejects.toMatchObject({ code: 'not_supported' })
      expect(readdirSync(path.join(root, 'to'))).toEqual([])
    })
  }

  const zeros = gzipSync(Buffer.alloc(64 * 1024 ** 2))

  it.each(ways)('a gigabyte of zeros in a megabyte of gzip ends with the disk it is written to: %s', async way => {
    const header = rawEntry({ name: 'x/bomb', size: 1024 ** 3 })
    // What comes out of a container comes as it is: no client of an engine decompresses it.
    const bomb =
      way === 'get'
        ? repeated(Buffer.concat([rawEntry(top), header]), Buffer.alloc(64 * 1024 ** 2), 16)
        : repeated(gzipSync(header), zeros, 16)
    await onDisk('size=4m', async disk => {
      await expect(waysIn[way](bomb, disk)).rejects.toMatchObject({ code: 'resource_exhausted' })
      for (const name of readdirSync(disk)) await removeTree(path.join(disk, name))
    })
  })

  it('a gigabyte of zeros behind the end of a layer is not read to its end: data_loss', async () => {
    const bomb = repeated(gzipSync(rawArchive({ name: 'f' })), zeros, 16)
    await expect(waysIn.layer(bomb, folder())).rejects.toMatchObject({
      code: 'data_loss',
      message: expect.stringContaining('follow its end')
    })
  })

  it.each(['layer', 'put'] as const)('attributes without end are refused before they fill the memory: %s', async way => {
    async function* endless(): AsyncGenerator<Buffer, void, undefined> {
      for (let number = 0; number < 1000; number++) yield paxHeader([[`SCHILY.xattr.user.${number}`, Buffer.alloc(60_000)]], 'g')
    }
    const code = way === 'layer' ? 'data_loss' : 'invalid_argument'
    await expect(waysIn[way](endless(), folder())).rejects.toMatchObject({ code, message: expect.stringContaining('attributes') })
  })

  it.each(['layer', 'put'] as const)('more files than the disk has inodes: resource_exhausted: %s', async way => {
    async function* many(): AsyncGenerator<Buffer, void, undefined> {
      for (let number = 0; number < 5000; number++) yield rawEntry({ name: `d${number % 50}/f${number}` })
    }
    await onDisk('size=64m,nr_inodes=2000', async disk => {
      await expect(waysIn[way](many(), disk)).rejects.toMatchObject({ code: 'resource_exhausted' })
    })
  })

  it.each(['layer', 'put'] as const)(
    'of more directories than are remembered, each has its time, also where something was made in it late: %s',
    async way => {
      const directories = Array.from({ length: 11_000 }, (_, number) => `d${number % 20}/e${number % 400}/f${number}`)
      const listed = new Set(directories.flatMap(name => [name.split('/')[0] ?? '', name.split('/').slice(0, 2).join('/'), name]))
      async function* all(): AsyncGenerator<Buffer, void, undefined> {
        let mtime = 1000
        for (const name of listed) yield rawEntry({ name, type: '5', mode: 0o755, mtime: mtime++ })
        // Late: a file, a directory that is not listed, and one that takes the place of another.
        yield rawEntry({ name: 'd0/late' })
        yield rawEntry({ name: 'd1/e1/not/listed/late' })
        yield rawEntry({ name: 'd2/e2/f2', data: 'a file now' })
        yield Buffer.alloc(1024)
      }
      const root = folder()
      await waysIn[way](all(), root)
      const times = [...listed].map(name => [name, lstatSync(path.join(root, name)).mtimeMs / 1000] as const)
      const wrong = times.filter(([name, time], index) => name !== 'd2/e2/f2' && time !== 1000 + index)
      expect(wrong).toEqual([])
      expect(readFileSync(path.join(root, 'd2/e2/f2'), 'utf8')).toBe('a file now')
    }
  )
})

/** Each is refused or kept inside; nothing beside the target may change. */
const escapes: Readonly<Record<string, readonly RawEntry[]>> = {
  'climbs by its name': [{ name: 'x/../../outside/secret', data: 'owned' }],
  'has an absolute name': [{ name: '/outside/secret', data: 'owned' }],
  'swaps a folder for a link between two entries': [
    { name: 'x/d', type: '5', mode: 0o755 },
    { name: 'x/d/a', data: 'first' },
    { name: 'x/d', type: '2', linkName: '../../outside' },
    { name: 'x/d/secret', data: 'owned' }
  ],
  'swaps a link for a folder and back': [
    { name: 'x/d', type: '2', linkName: '../../outside' },
    { name: 'x/d', type: '5', mode: 0o777 },
    { name: 'x/d/secret', data: 'owned' },
    { name: 'x/d', type: '2', linkName: '../../outside' },
    { name: 'x/d/a', data: 'owned' }
  ],
  'writes through a link to a file': [
    { name: 'x/l', type: '2', linkName: '../../outside/secret' },
    { name: 'x/l', data: 'owned' }
  ],
  'links hard to a file of the host': [
    { name: 'x/h', type: '1', linkName: '../outside/secret' },
    { name: 'x/h', data: 'owned' }
  ],
  'links hard to a file of the host by its absolute name, and writes to it': [
    { name: 'x/h', type: '1', linkName: '/etc/passwd' },
    { name: 'x/h', mode: 0o666, data: 'owned' }
  ],
  'links hard through a link': [
    { name: 'x/l', type: '2', linkName: '../../outside' },
    { name: 'x/h', type: '1', linkName: 'x/l/secret' },
    { name: 'x/h', mode: 0o777, data: 'owned' }
  ],
  'removes what is outside by a whiteout': [
    { name: 'x/l', type: '2', linkName: '../../outside' },
    { name: 'x/l/.wh.secret' },
    { name: 'x/l/.wh..wh..opq' }
  ]
}

describe.skipIf(!isRoot)('an archive that leads out (needs root)', () => {
  for (const way of ways) {
    it.each(Object.entries(escapes))(`and %s changes nothing beside its target: ${way}`, async (_, entries) => {
      const around = folder()
      makeCanary(path.join(around, 'outside'))
      const before = describeTree(path.join(around, 'outside'))
      const passwd = lstatSync('/etc/passwd', { bigint: true })
      mkdirSync(path.join(around, 'root'))
      await waysIn[way](inPieces(archiveFor(way, ...entries)), path.join(around, 'root')).catch((error: { readonly code?: string }) => {
        expect(['data_loss', 'invalid_argument', 'already_exists']).toContain(error.code)
      })
      expect(describeTree(path.join(around, 'outside'))).toBe(before)
      expect(readdirSync(around).sort()).toEqual(['outside', 'root'])
      expect(lstatSync('/etc/passwd', { bigint: true })).toEqual(passwd)
    })

    it(`a name with a NUL byte is refused: ${way}`, async () => {
      const archive = archiveFor(way, paxHeader([['path', 'x/a\0b']]), { name: 'f' })
      const code = way === 'put' ? 'invalid_argument' : 'data_loss'
      await expect(waysIn[way](inPieces(archive), folder())).rejects.toMatchObject({ code, message: expect.stringContaining('NUL') })
    })

    it(`a target of a link with a NUL byte is refused: ${way}`, async () => {
      const archive = archiveFor(way, paxHeader([['linkpath', 'a\0b']]), { name: 'x/l', type: '2', linkName: 'a' })
      const code = way === 'put' ? 'invalid_argument' : 'data_loss'
      await expect(waysIn[way](inPieces(archive), folder())).rejects.toMatchObject({ code, message: expect.stringContaining('NUL') })
    })
  }

  it('a device is made in a layer and in a container, where the device rules of containers hold; never on the host that copies out', async () => {
    const device: RawEntry = { name: 'x/disk', type: '4', device: [8, 0], mode: 0o666 }
    for (const way of ['layer', 'put'] as const) {
      const root = folder()
      await waysIn[way](inPieces(archiveFor(way, device)), root)
      expect(lstatSync(path.join(root, 'x/disk')).isBlockDevice()).toBe(true)
    }
    const root = folder()
    await expect(waysIn.get(inPieces(archiveFor('get', device)), root)).rejects.toMatchObject({ code: 'not_supported' })
    expect(readdirSync(path.join(root, 'to'))).toEqual([])
  })

  it('whatever they try, no descriptor stays open', async () => {
    const before = nextDescriptor()
    for (const way of ways) {
      for (const entries of Object.values(escapes))
        await waysIn[way](inPieces(archiveFor(way, ...entries)), folder()).catch(() => undefined)
    }
    expect(nextDescriptor()).toBe(before)
  })
})
