import { readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { unpackLayer } from '../../../../runtime/layers/unpack-layer.js'
import { whiteoutOf } from '../../../../runtime/layers/whiteout.js'
import { rawArchive } from './tar-builder.js'
import { inPieces, isRoot, plainTar, temporaryFolders } from './temporary-folder.js'
import { listTree } from './tree-listing.js'

const folder = temporaryFolders()
const opaque = { 'trusted.overlay.opaque': '79' }
const whiteout = { mode: '20000', device: '0' }

async function unpacked(archive: Buffer): Promise<ReturnType<typeof listTree>> {
  const directory = folder()
  await unpackLayer(inPieces(archive), { mediaType: plainTar, directory })
  return listTree(directory)
}

describe('whiteoutOf', () => {
  it.each([
    ['etc/.wh.passwd', { kind: 'name', base: 'passwd' }],
    ['.wh.etc', { kind: 'name', base: 'etc' }],
    ['etc/.wh..wh..opq', { kind: 'opaque' }],
    ['.wh..wh.aufs', 'ignored'],
    ['.wh..wh.plnk/12.34', 'ignored'],
    ['etc/passwd', undefined],
    ['a.wh.b', undefined]
  ])('reads %s', (name, meaning) => {
    expect(whiteoutOf(name)).toEqual(meaning)
  })

  it.each(['a/.wh.', '.wh..', 'a/.wh...'])('refuses %s', name => {
    expect(() => whiteoutOf(name)).toThrow(expect.objectContaining({ code: 'data_loss' }))
  })
})

describe.skipIf(!isRoot)('whiteouts on disk (needs root)', () => {
  it('are 0/0 character devices, and opaque directories carry the attribute', async () => {
    const listed = await unpacked(rawArchive({ name: 'etc/.wh.gone' }, { name: 'var/.wh..wh..opq' }, { name: 'var/new', data: 'x' }))
    expect(listed['etc/gone']).toMatchObject(whiteout)
    expect(listed.var?.attributes).toEqual(opaque)
    expect(Object.keys(listed).sort()).toEqual(['.', 'etc', 'etc/gone', 'var', 'var/new'])
  })

  it('leave alone what the same layer has under that name, in either order', async () => {
    const listed = await unpacked(
      rawArchive(
        { name: 'before', data: 'x' },
        { name: '.wh.before' },
        { name: '.wh.after' },
        { name: 'after', data: 'y' },
        { name: 'dir-before/f', data: 'x' },
        { name: '.wh.dir-before' },
        { name: '.wh.dir-after' },
        { name: 'dir-after', type: '5', mode: 0o755 },
        { name: '.wh.implied' },
        { name: 'implied/f', data: 'x' }
      )
    )
    expect(listed.before?.sizeBytes).toBe(1)
    expect(listed.after?.sizeBytes).toBe(1)
    expect(listed['dir-before/f']?.sizeBytes).toBe(1)
    // A directory would merge with the one below it, which this layer removes.
    for (const name of ['dir-before', 'dir-after', 'implied']) expect(listed[name]?.attributes).toEqual(opaque)
  })

  it('ignore what AUFS kept for itself', async () => {
    const listed = await unpacked(
      rawArchive({ name: '.wh..wh.plnk', type: '5' }, { name: '.wh..wh.plnk/1.2', data: 'x' }, { name: '.wh..wh.aufs' })
    )
    expect(Object.keys(listed)).toEqual(['.'])
  })

  it('cannot be the target of a hard link', async () => {
    const directory = folder()
    const archive = rawArchive({ name: '.wh.x' }, { name: 'y', type: '1', linkName: 'x' })
    await expect(unpackLayer(inPieces(archive), { mediaType: plainTar, directory })).rejects.toMatchObject({ code: 'data_loss' })
    expect(readdirSync(path.join(directory))).toEqual(['x'])
  })
})
