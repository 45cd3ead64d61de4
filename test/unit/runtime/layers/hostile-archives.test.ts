import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { unpackLayer } from '../../../../runtime/layers/unpack-layer.js'
import { paxHeader, type RawEntry, rawArchive } from './tar-builder.js'
import { inPieces, isRoot, plainTar, temporaryFolders } from './temporary-folder.js'
import { listTree } from './tree-listing.js'

const folder = temporaryFolders()

/** A layer's root with a secret beside it, which must stay as it is. */
function place(): { readonly root: string; readonly assertUntouched: () => void } {
  const around = folder()
  const root = path.join(around, 'root')
  mkdirSync(root)
  mkdirSync(path.join(around, 'outside'))
  writeFileSync(path.join(around, 'outside/secret'), 'secret')
  const before = listTree(path.join(around, 'outside'))
  return {
    root,
    assertUntouched: () => {
      expect(listTree(path.join(around, 'outside'))).toEqual(before)
      expect(readdirSync(around).sort()).toEqual(['outside', 'root'])
    }
  }
}

async function attempt(root: string, archive: Buffer): Promise<unknown> {
  return unpackLayer(inPieces(archive), { mediaType: plainTar, directory: root }).then(
    () => 'unpacked',
    (error: unknown) => (error as { code?: string }).code
  )
}

describe.skipIf(!isRoot)('a hostile archive (needs root)', () => {
  it.each<[string, readonly RawEntry[]]>([
    ['climbs by name', [{ name: '../outside/secret', data: 'owned' }]],
    ['climbs by name in the middle', [{ name: 'a/../../outside/secret', data: 'owned' }]],
    ['climbs with a whiteout', [{ name: '.wh...' }]],
    ['climbs with a hard link', [{ name: 'x', type: '1', linkName: '../outside/secret' }]],
    ['links to a file that is not in the layer', [{ name: 'x', type: '1', linkName: '/outside/secret' }]],
    [
      'links hard to a directory',
      [
        { name: 'd', type: '5' },
        { name: 'x', type: '1', linkName: 'd' }
      ]
    ],
    [
      'leads links in a circle',
      [
        { name: 'a', type: '2', linkName: 'b' },
        { name: 'b', type: '2', linkName: 'a' },
        { name: 'a/x', data: 'x' }
      ]
    ],
    [
      'uses a file as a directory',
      [
        { name: 'f', data: 'x' },
        { name: 'f/x', data: 'x' }
      ]
    ],
    ['makes the root a file', [{ name: '.', data: 'x' }]],
    ['makes a link without a target', [{ name: 'l', type: '2' }]],
    ['has a component longer than any filesystem takes', [{ name: '././@LongLink', type: 'L', data: 'n'.repeat(300) }, { name: 'x' }]],
    ['has a path longer than the kernel takes', [{ name: '././@LongLink', type: 'L', data: 'n/'.repeat(5000) }, { name: 'x' }]]
  ])('that %s is refused', async (_, entries) => {
    const { root, assertUntouched } = place()
    expect(await attempt(root, rawArchive(...entries))).toBe('data_loss')
    assertUntouched()
  })

  it.each<[string, readonly RawEntry[], string]>([
    ['an absolute name', [{ name: '/etc/x', data: 'in' }], 'etc/x'],
    [
      'a link to /',
      [
        { name: 'l', type: '2', linkName: '/' },
        { name: 'l/x', data: 'in' }
      ],
      'x'
    ],
    [
      'a link upwards',
      [
        { name: 'l', type: '2', linkName: '../../outside' },
        { name: 'l/secret', data: 'in' }
      ],
      'outside/secret'
    ],
    [
      'links over links',
      [
        { name: 'a', type: '2', linkName: '..' },
        { name: 'b', type: '2', linkName: 'a/../outside' },
        { name: 'b/secret', data: 'in' }
      ],
      'outside/secret'
    ],
    [
      'a link as last component',
      [
        { name: 'l', type: '2', linkName: '../outside/secret' },
        { name: 'l', data: 'in' }
      ],
      'l'
    ],
    [
      'a link in the place of a directory that was used before',
      [
        { name: 'd/x', data: '1' },
        { name: 'd', type: '2', linkName: '../outside' },
        { name: 'd/secret', data: 'in' }
      ],
      'outside/secret'
    ],
    [
      'a hard link through a link',
      [
        { name: 'outside/secret', data: 'in' },
        { name: 'l', type: '2', linkName: '../outside' },
        { name: 'h', type: '1', linkName: 'l/secret' }
      ],
      'h'
    ]
  ])('with %s stays inside', async (_, entries, written) => {
    const { root, assertUntouched } = place()
    expect(await attempt(root, rawArchive(...entries))).toBe('unpacked')
    assertUntouched()
    expect(readFileSync(path.join(root, written), 'latin1')).toBe('in')
  })

  it('does not change the mode, owner or time of what a link leads to', async () => {
    const { root, assertUntouched } = place()
    const archive = rawArchive(
      paxHeader([['SCHILY.xattr.security.test', 'x']]),
      { name: 'l', type: '2', linkName: '../outside/secret', mode: 0o777, uid: 9, gid: 9, mtime: 5 },
      { name: 'h', type: '1', linkName: 'l', mode: 0o777, uid: 9 },
      { name: 'd', type: '2', linkName: '../outside' },
      { name: 'd', type: '5', mode: 0o777, uid: 9 }
    )
    expect(await attempt(root, archive)).toBe('unpacked')
    assertUntouched()
  })

  it('cannot use a link that stood in the directory before', async () => {
    const { root, assertUntouched } = place()
    symlinkSync('../outside', path.join(root, 'old'))
    expect(await attempt(root, rawArchive({ name: 'old/secret', data: 'in' }))).toBe('unpacked')
    assertUntouched()
  })

  it('declares a size that it does not have: refused as truncated, without room being set aside', async () => {
    const { root } = place()
    expect(await attempt(root, rawArchive({ name: 'huge', size: 0o77777777777, data: 'x' }))).toBe('data_loss')
    expect(listTree(root).huge?.sizeBytes).toBeLessThan(10_000)
  })

  it('declares a hole of eight exabytes: refused', async () => {
    const { root } = place()
    const header = paxHeader([
      ['GNU.sparse.map', '0,1'],
      ['GNU.sparse.size', `${2 ** 53 - 1}`]
    ])
    expect(await attempt(root, rawArchive(header, { name: 'f', data: 'x' }))).toBe('data_loss')
  })

  it('nests five hundred directories: unpacked', async () => {
    const { root } = place()
    const name = `${'d/'.repeat(500)}f`
    expect(await attempt(root, rawArchive({ name: '././@LongLink', type: 'L', data: name }, { name: 'x', data: 'deep' }))).toBe('unpacked')
    expect(readFileSync(path.join(root, name), 'latin1')).toBe('deep')
  })
})
