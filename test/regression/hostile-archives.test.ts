// Needs: root on Linux. What the fuzzer (test/fuzz) found, one test each.
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { libcFiles } from '../../runtime/host/libc-files.js'
import { errnoOf } from '../../runtime/host/system-call-error.js'
import { writeFiles } from '../../src/engine/files/write-files.js'
import { decodeTar } from '../../src/util/tar/decode-tar.js'
import { paxHeader, type RawEntry, rawArchive } from '../unit/runtime/layers/tar-builder.js'
import { inPieces, isRoot, temporaryFolders } from '../unit/runtime/layers/temporary-folder.js'
import { nextDescriptor, waysIn } from './ways-in.js'

const folder = temporaryFolders()

type Parts = readonly (RawEntry | Buffer)[]

async function unpack(...parts: Parts): Promise<string> {
  const root = folder()
  await waysIn.layer(inPieces(rawArchive(...parts)), root)
  return root
}

const put = (root: string, ...parts: Parts): Promise<void> => waysIn.put(inPieces(rawArchive(...parts)), root)

function get(to: string, ...parts: Parts): Promise<void> {
  return writeFiles(decodeTar(inPieces(rawArchive(...parts))), { from: '/x', to }, new AbortController().signal)
}

const refusals: Readonly<Record<string, Parts>> = {
  'a device number that no kernel takes': [{ name: 'c', type: '3', device: [0o7777777, 0] }],
  'an attribute in a namespace that must have a name': [paxHeader([['SCHILY.xattr.user.', 'x']]), { name: 'f' }],
  'an attribute with a name that is too long': [paxHeader([[`SCHILY.xattr.user.${'n'.repeat(300)}`, 'x']]), { name: 'f' }],
  'an attribute that is too large': [paxHeader([['SCHILY.xattr.user.a', Buffer.alloc(70_000)]]), { name: 'f' }],
  'a symbolic link without a target': [{ name: 'l', type: '2' }],
  'a hard link in the place of the directory that it leads into': [{ name: 'a/f' }, { name: 'a', type: '1', linkName: 'a/f' }]
}

describe.skipIf(!isRoot)('an archive of the fuzzer (needs root)', () => {
  for (const [what, parts] of Object.entries(refusals)) {
    it(`with ${what} is refused by what it is: data_loss as a layer, invalid_argument as a copy`, async () => {
      await expect(unpack(...parts)).rejects.toMatchObject({ code: 'data_loss' })
      await expect(put(folder(), ...parts)).rejects.toMatchObject({ code: 'invalid_argument' })
    })
  }

  it("with a user's attribute on a link or a device, which can have none, is unpacked without it, as by Docker", async () => {
    const root = await unpack(
      paxHeader([['SCHILY.xattr.user.a', 'x']], 'g'),
      { name: 'f' },
      { name: 'l', type: '2', linkName: 'f' },
      { name: 'c', type: '3', device: [1, 3] }
    )
    expect(libcFiles().getAttribute(Buffer.from(`${root}/f`), 'user.a')).toEqual(Buffer.from('x'))
    expect(lstatSync(`${root}/c`).isCharacterDevice()).toBe(true)
  })

  it('with an attribute that the file system has not is unpacked without it: number 95 has one name, whoever reports it', async () => {
    const root = await unpack(paxHeader([['SCHILY.xattr.nonsense.x', 'x']]), { name: 'f', data: 'here' })
    expect(readFileSync(`${root}/f`, 'utf8')).toBe('here')
    let failure: unknown
    try {
      libcFiles().setAttribute(Buffer.from(`${root}/f`), 'nonsense.x', Buffer.from('x'))
    } catch (error) {
      failure = error
    }
    expect(errnoOf(failure)).toBe('EOPNOTSUPP')
    expect(failure).toMatchObject({ code: 'not_supported' })
  })

  it('that puts a file in the place of a folder it made before is copied', async () => {
    const root = folder()
    await put(root, { name: 'a/d', type: '5' }, { name: 'a', data: 'a file now' })
    expect(readFileSync(`${root}/a`, 'utf8')).toBe('a file now')
  })

  it('with names of a thousand folders does not hold up everybody else: each is a step from the last', async () => {
    const root = folder()
    const deep = (leaf: string): Parts => [{ name: '././@LongLink', type: 'L', data: `${'n/'.repeat(1000)}${leaf}/f` }, { name: 'x' }]
    const begun = performance.now()
    await put(root, ...deep('a'), ...deep('b'), ...deep('c'))
    expect(performance.now() - begun).toBeLessThan(5000)
  })

  it('cannot change a folder of this machine through a link of its own, when it is copied out of a container', async () => {
    const around = folder()
    mkdirSync(path.join(around, 'outside'), { mode: 0o700 })
    const climbing = get(
      path.join(around, 'to'),
      { name: 'x/', type: '5' },
      { name: 'x/d', type: '2', linkName: '../outside' },
      { name: 'x/d', type: '5', mode: 0o777 }
    )
    await expect(climbing).rejects.toMatchObject({ code: 'data_loss' })
    expect(lstatSync(path.join(around, 'outside')).mode & 0o777).toBe(0o700)
  })

  it('that is copied out of a container fails with a code: names that cannot be, links to nothing, a target that cannot be written', async () => {
    const around = folder()
    const top = { name: 'x/', type: '5' }
    const to = path.join(around, 'to')
    await expect(get(to, top, { name: 'x/h', type: '1', linkName: 'x/none' })).rejects.toMatchObject({ code: 'data_loss' })
    await expect(get(to, top, { name: 'x/l', type: '2' })).rejects.toMatchObject({ code: 'data_loss' })
    await expect(get(to, top, paxHeader([['path', 'x/a\0b']]), { name: 'f' })).rejects.toMatchObject({ code: 'data_loss' })
    const long = { name: '././@LongLink', type: 'L', data: `x/${'n'.repeat(300)}` }
    await expect(get(to, top, long, { name: 'f' })).rejects.toMatchObject({ code: 'data_loss' })
    await expect(get(path.join(around, 'none/to'), { name: 'x' })).rejects.toMatchObject({ code: 'not_found' })
    writeFileSync(path.join(around, 'file'), '')
    await expect(get(path.join(around, 'file/to'), { name: 'x' })).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it('that fails leaves no descriptor open', async () => {
    const before = nextDescriptor()
    for (let round = 0; round < 3; round++) await put(folder(), { name: 'a/f', data: 'x', size: 5000 }).catch(() => undefined)
    expect(nextDescriptor()).toBe(before)
  })
})
