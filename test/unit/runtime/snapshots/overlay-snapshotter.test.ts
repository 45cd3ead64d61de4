import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openMetadataStore } from '../../../../runtime/metadata/lmdb-store.js'
import type { MetadataStore } from '../../../../runtime/metadata/metadata-store.js'
import { createSnapshotter, type OpenSnapshotter } from '../../../../runtime/snapshots/overlay-snapshotter.js'
import { isRoot, temporaryFolders } from '../layers/temporary-folder.js'

const folder = temporaryFolders()
let root: string
let metadata: MetadataStore
let snapshotter: OpenSnapshotter

const record = { diffId: 'sha256:diff', sizeBytes: 5 }
const chain = (at: number) => `sha256:${`${at}`.padStart(64, '0')}`

beforeEach(async () => {
  root = folder()
  metadata = await openMetadataStore({ path: join(root, 'metadata.lmdb') })
  snapshotter = await createSnapshotter({ root, metadata })
})

afterEach(async () => {
  await snapshotter.close()
  await metadata.close()
})

async function commit(at: number, parent?: number, files: Readonly<Record<string, string>> = {}): Promise<void> {
  const prepared = await snapshotter.prepare(chain(at), parent === undefined ? undefined : chain(parent))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(prepared.directory, name), content)
  await prepared.commit(record)
}

const temporaryNames = () => readdirSync(join(root, 'snapshots/tmp'))
const layerNames = () => readdirSync(join(root, 'snapshots')).filter(name => name !== 'tmp')

describe('a committed layer', () => {
  it('is not there before its commit, and has its files after it', async () => {
    const prepared = await snapshotter.prepare(chain(1))
    expect(readdirSync(prepared.directory)).toEqual([])
    expect(lstatSync(prepared.directory).mode & 0o7777).toBe(0o755)
    writeFileSync(join(prepared.directory, 'a'), 'content')
    expect(snapshotter.has(chain(1))).toBe(false)
    expect(layerNames()).toEqual([])
    await prepared.commit(record)
    expect(snapshotter.has(chain(1))).toBe(true)
    expect(temporaryNames()).toEqual([])
    await snapshotter.create('c', { chainId: chain(1) })
    expect(readdirSync(snapshotter.mounts('c').lower[0] ?? '')).toEqual(['a'])
  })

  it('leaves nothing when it is thrown away, and cannot be committed then', async () => {
    const prepared = await snapshotter.prepare(chain(1))
    writeFileSync(join(prepared.directory, 'a'), 'x')
    await prepared.abort()
    await prepared.abort()
    expect(temporaryNames()).toEqual([])
    await expect(prepared.commit(record)).rejects.toMatchObject({ code: 'internal' })
    expect(snapshotter.has(chain(1))).toBe(false)
  })

  it('stays when it is thrown away after its commit', async () => {
    const prepared = await snapshotter.prepare(chain(1))
    await prepared.commit(record)
    await prepared.abort()
    expect(snapshotter.has(chain(1))).toBe(true)
    expect(layerNames()).toHaveLength(1)
  })

  it('may be prepared several times at once: the first commit wins, all succeed', async () => {
    const prepared = await Promise.all([1, 2, 3].map(() => snapshotter.prepare(chain(1))))
    expect(new Set(prepared.map(each => each.directory)).size).toBe(3)
    await Promise.all(prepared.map(each => each.commit(record)))
    expect(layerNames()).toHaveLength(1)
    expect(temporaryNames()).toEqual([])
  })

  it('cannot stand on a layer that is not there', async () => {
    await expect(commit(2, 1)).rejects.toMatchObject({ code: 'not_found', message: expect.stringContaining(chain(1)) })
    expect(temporaryNames()).toEqual([])
    expect(layerNames()).toEqual([])
  })

  it('cannot be removed while a layer or a container stands on it', async () => {
    await commit(1)
    await commit(2, 1)
    await snapshotter.create('c', { chainId: chain(2) })
    await expect(snapshotter.removeLayer(chain(1))).rejects.toMatchObject({ code: 'conflict', details: { users: [chain(2)] } })
    await expect(snapshotter.removeLayer(chain(2))).rejects.toMatchObject({ code: 'conflict' })
    await snapshotter.remove('c')
    await snapshotter.removeLayer(chain(2))
    await snapshotter.removeLayer(chain(1))
    await snapshotter.removeLayer(chain(1))
    expect(layerNames()).toEqual([])
    expect(snapshotter.has(chain(1))).toBe(false)
  })

  it('comes back under a new name after it was removed', async () => {
    await commit(1)
    const [before] = layerNames()
    await snapshotter.removeLayer(chain(1))
    await commit(1)
    expect(layerNames()).not.toEqual([before])
  })

  it('is marked once the disk has it, at the latest when the snapshotter is closed', async () => {
    const isMarked = (name: string) => existsSync(join(root, 'snapshots', name, 'synced'))
    await commit(1)
    await expect.poll(() => layerNames().every(isMarked), { timeout: 20_000 }).toBe(true)
    for (let at = 2; at < 6; at++) await commit(at)
    await snapshotter.close()
    await snapshotter.close()
    expect(layerNames().filter(isMarked)).toHaveLength(5)
  })
})

describe('a read-write layer', () => {
  it('stands on the layers of its chain, topmost first, up to 127 in one page of mount options', async () => {
    for (let at = 1; at <= 127; at++) await commit(at, at === 1 ? undefined : at - 1, { [`file${at}`]: '' })
    await snapshotter.create('c', { chainId: chain(127) })
    const { lower, upper = '', work = '' } = snapshotter.mounts('c')
    expect(lower.map(directory => readdirSync(directory)[0])).toEqual(Array.from({ length: 127 }, (_, at) => `file${127 - at}`))
    const prefix = `${join(root, 'snapshots')}/`
    const relative = [...lower, upper, work].map(directory => directory.slice(prefix.length))
    expect([...lower, upper, work].every(directory => directory.startsWith(prefix))).toBe(true)
    expect(`lowerdir=${relative.join(':')}`.length).toBeLessThan(2048)
    expect(lstatSync(work).isDirectory()).toBe(true)
  })

  it('may stand on directories, or on nothing', async () => {
    await snapshotter.create('host', { directories: ['/usr', '/'] })
    expect(snapshotter.mounts('host').lower).toEqual(['/usr', '/'])
    await snapshotter.create('scratch', undefined)
    expect(snapshotter.mounts('scratch').lower).toEqual([])
  })

  it.skipIf(!isRoot)('has the owner and mode that the root below has (needs root)', async () => {
    const prepared = await snapshotter.prepare(chain(1))
    chownSync(prepared.directory, 11, 12)
    chmodSync(prepared.directory, 0o1711)
    await prepared.commit(record)
    await snapshotter.create('c', { chainId: chain(1) })
    const { uid, gid, mode } = lstatSync(snapshotter.mounts('c').upper ?? '')
    expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: 11, gid: 12, mode: 0o1711 })
  })

  it('cannot be made twice, or on a layer that is not there, and leaves nothing then', async () => {
    await snapshotter.create('c', undefined)
    await expect(snapshotter.create('c', undefined)).rejects.toMatchObject({ code: 'already_exists' })
    await expect(snapshotter.create('d', { chainId: chain(9) })).rejects.toMatchObject({ code: 'not_found' })
    await expect(snapshotter.create('d', { directories: [join(root, 'missing')] })).rejects.toThrow('ENOENT')
    expect(layerNames()).toHaveLength(1)
    expect(temporaryNames()).toEqual([])
  })

  it('is not found once it is removed; removing it again is fine', async () => {
    await snapshotter.create('c', undefined)
    await snapshotter.remove('c')
    await snapshotter.remove('c')
    expect(() => snapshotter.mounts('c')).toThrow(expect.objectContaining({ code: 'not_found' }))
    await expect(snapshotter.usage('c')).rejects.toMatchObject({ code: 'not_found' })
    expect(layerNames()).toEqual([])
  })

  it('counts the bytes of its files, each once, whiteouts and directories not', async () => {
    await snapshotter.create('c', undefined)
    const upper = snapshotter.mounts('c').upper ?? ''
    expect(await snapshotter.usage('c')).toBe(0)
    mkdirSync(join(upper, 'd'))
    writeFileSync(join(upper, 'd/a'), 'x'.repeat(10_000))
    execFileSync('ln', [join(upper, 'd/a'), join(upper, 'b')])
    writeFileSync(join(upper, 'c'), 'xyz')
    expect(await snapshotter.usage('c')).toBe(10_003)
  })

  it.skipIf(!isRoot)('is removed whatever a container left in it (needs root)', async () => {
    await snapshotter.create('c', undefined)
    const { upper = '', work = '' } = snapshotter.mounts('c')
    const script = `
      mknod whiteout c 0 0; mkfifo fifo; mkdir -p locked/in; touch locked/in/f; chmod 000 locked/in/f locked/in locked
      ln -s / root; ln -s nowhere dangling; printf x > "$(printf 'latin1-\\344')"; mkdir "$(printf 'dir-\\377')"; touch "$(printf 'dir-\\377/f')"`
    execFileSync('sh', ['-c', script], { cwd: upper })
    // 6,600 bytes of path: no call can name the deepest one.
    const deep = `const fs = require('fs'); for (let at = 0; at < 600; at++) { fs.mkdirSync('0123456789'); process.chdir('0123456789'); fs.writeFileSync('f', '') }`
    execFileSync(process.execPath, ['-e', deep], { cwd: upper })
    mkdirSync(join(work, 'work'), { mode: 0 })
    await snapshotter.remove('c')
    expect(layerNames()).toEqual([])
  })
})

describe.skipIf(!isRoot)('a mount of layers (needs root)', () => {
  it('shows what whiteouts and opaque directories leave', async () => {
    await commit(1, undefined, { kept: '1', gone: '1' })
    const prepared = await snapshotter.prepare(chain(2), chain(1))
    execFileSync('mknod', [join(prepared.directory, 'gone'), 'c', '0', '0'])
    writeFileSync(join(prepared.directory, 'new'), '2')
    await prepared.commit(record)
    await snapshotter.create('c', { chainId: chain(2) })
    expect(listMounted('c')).toEqual(['kept', 'new'])
  })
})

/** Names in the mounted root, seen from a mount namespace of its own. */
function listMounted(id: string): readonly string[] {
  const { lower, upper, work } = snapshotter.mounts(id)
  const options = `lowerdir=${lower.join(':')},upperdir=${upper},workdir=${work}`
  const target = folder()
  const listed = execFileSync('unshare', ['-m', 'sh', '-c', 'mount -t overlay -o "$1" overlay "$2" && ls "$2"', 'sh', options, target])
  return listed.toString().trim().split('\n')
}
