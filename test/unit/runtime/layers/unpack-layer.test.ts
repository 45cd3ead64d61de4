import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { unpackLayer } from '../../../../runtime/layers/unpack-layer.js'
import { paxHeader, rawArchive } from './tar-builder.js'
import { inPieces, isRoot, plainTar, temporaryFolders } from './temporary-folder.js'
import { listTree } from './tree-listing.js'

const folder = temporaryFolders()

async function unpacked(archive: Buffer, directory = folder()): Promise<string> {
  await unpackLayer(inPieces(archive, 1000), { mediaType: plainTar, directory })
  return directory
}

/** What GNU tar makes of it. */
function byGnuTar(archive: Buffer): string {
  const directory = folder()
  execFileSync('tar', ['-xp', '--same-owner', '--xattrs', '--xattrs-include=*', '-C', directory], { input: archive })
  return directory
}

function gnuTar(directory: string, ...options: readonly string[]): Buffer {
  return execFileSync('tar', ['-c', '--sort=name', ...options, '-C', directory, '.'], { maxBuffer: 1e9 })
}

/** A tree with everything a layer may hold. */
function richTree(): string {
  const root = folder()
  const at = (name: string) => path.join(root, name)
  const run = (program: string, ...args: string[]) => execFileSync(program, args)
  mkdirSync(at('etc/deep/er'), { recursive: true })
  writeFileSync(at('etc/passwd'), 'root:x:0:0\n')
  writeFileSync(at('etc/deep/er/big'), Buffer.alloc(3_000_000, 'big'))
  writeFileSync(at('etc/empty'), '')
  run('truncate', '-s', '5M', at('etc/sparse'))
  run('dd', `of=${at('etc/sparse')}`, 'if=/etc/hostname', 'bs=1', 'seek=2000000', 'conv=notrunc', 'status=none')
  writeFileSync(Buffer.from(at('etc/Ünïcode-'.normalize('NFD'))), 'u')
  writeFileSync(Buffer.concat([Buffer.from(at('etc/latin1-')), Buffer.from([0xe4, 0xff])]), 'l')
  writeFileSync(at(`etc/${'long-name-'.repeat(20)}`), 'n')
  symlinkSync('../etc/passwd', at('etc/link'))
  symlinkSync('/nowhere/at/all', at('etc/dangling'))
  symlinkSync('x/'.repeat(100), at('etc/long-link'))
  run('ln', at('etc/passwd'), at('etc/hard'))
  run('mknod', at('etc/null'), 'c', '1', '3')
  run('mknod', at('etc/large-minor'), 'b', '300', '70000')
  run('mkfifo', at('etc/fifo'))
  writeFileSync(at('etc/setuid'), 'x')
  run('chown', '33:44', at('etc/setuid'))
  chmodSync(at('etc/setuid'), 0o6755)
  run('chown', '-h', '5:6', at('etc/link'))
  mkdirSync(at('spool'))
  run('chown', '0:8', at('spool'))
  chmodSync(at('spool'), 0o2775)
  writeFileSync(at('spool/file'), 'group is not inherited')
  mkdirSync(at('spool/sub'))
  run('chown', '-R', '0:0', at('spool/file'), at('spool/sub'))
  chmodSync(at('spool/sub'), 0o755)
  mkdirSync(at('locked'))
  writeFileSync(at('locked/in'), 'side')
  chmodSync(at('locked'), 0o555)
  mkdirSync(at('tmp'))
  chmodSync(at('tmp'), 0o1777)
  run('touch', '-d', '2001-02-03 04:05:06.123456789', at('etc/passwd'))
  run('touch', '-d', '1969-12-31 00:00:00', at('etc/empty'))
  run('touch', '-h', '-d', '2002-02-02 02:02:02', at('etc/dangling'))
  run('touch', '-d', '2003-03-03 03:03:03', at('etc'), at('locked'), at('spool'))
  return root
}

describe.skipIf(!isRoot)('unpackLayer (needs root)', () => {
  it.each(['gnu', 'pax', 'posix'])('makes of a %s archive what GNU tar makes of it', async format => {
    const archive = gnuTar(richTree(), `--format=${format}`, '--sparse')
    const directory = await unpacked(archive)
    const listed = listTree(directory)
    expect(Object.keys(listed).length).toBeGreaterThan(20)
    expect(listed).toEqual(listTree(byGnuTar(archive)))
    expect(lstatSync(path.join(directory, 'etc/sparse')).blocks).toBeLessThan(100)
  })

  it('makes of a ustar archive what GNU tar makes of it', async () => {
    const root = richTree()
    execFileSync('find', [root, '-name', 'long-*', '-delete'])
    execFileSync('touch', ['-d', '2001-01-01', path.join(root, 'etc/empty'), path.join(root, 'etc')])
    const archive = gnuTar(root, '--format=ustar')
    expect(listTree(await unpacked(archive))).toEqual(listTree(byGnuTar(archive)))
  })

  it('keeps binary extended attributes, file capabilities among them', async () => {
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
    const archive = rawArchive(
      paxHeader([
        ['SCHILY.xattr.security.capability', capability],
        ['SCHILY.xattr.user.binary', Buffer.from([0, 255, 10, 61])],
        ['SCHILY.xattr.user.empty', '']
      ]),
      { name: 'ping', mode: 0o755, uid: 1, data: 'x' },
      paxHeader([['SCHILY.xattr.user.on', 'directory']]),
      { name: 'd', type: '5', mode: 0o755 }
    )
    const listed = listTree(await unpacked(archive))
    expect(listed.ping?.attributes).toEqual({
      'security.capability': capability.toString('hex'),
      'user.binary': '00ff0a3d',
      'user.empty': ''
    })
    expect(listed.d?.attributes).toEqual({ 'user.on': Buffer.from('directory').toString('hex') })
  })

  it('does not let a layer forge what overlayfs keeps in trusted attributes', async () => {
    const archive = rawArchive(paxHeader([['SCHILY.xattr.trusted.overlay.redirect', '/etc']]), { name: 'd', type: '5', mode: 0o755 })
    expect(listTree(await unpacked(archive)).d?.attributes).toEqual({})
  })

  it('hashes the archive to its last byte and counts the bytes of files', async () => {
    const archive = Buffer.concat([rawArchive({ name: 'a', data: 'x'.repeat(700) }, { name: 'b', data: 'y' }), Buffer.from('trailing')])
    const layer = await unpackLayer(inPieces(archive), { mediaType: plainTar, directory: folder() })
    expect(layer).toEqual({ diffId: `sha256:${createHash('sha256').update(archive).digest('hex')}`, sizeBytes: 701 })
  })

  it('makes the directories an archive does not list with mode 0755, owned by root, whatever the umask', async () => {
    const before = process.umask(0o077)
    try {
      const directory = await unpacked(rawArchive({ name: 'a/b/c', uid: 5, gid: 5, data: 'x' }))
      for (const name of ['a', 'a/b']) expect(listTree(directory)[name]).toMatchObject({ mode: '40755', owner: '0:0' })
      expect(listTree(directory)['a/b/c']).toMatchObject({ mode: '100644', owner: '5:5' })
    } finally {
      process.umask(before)
    }
  })

  it('does not pass the group of a setgid directory on', async () => {
    const archive = rawArchive({ name: 'g', type: '5', mode: 0o2755, gid: 8 }, { name: 'g/f', data: 'x' }, { name: 'g/new/f', data: 'x' })
    const listed = listTree(await unpacked(archive))
    expect(listed.g).toMatchObject({ mode: '42755', owner: '0:8' })
    expect(listed['g/f']?.owner).toBe('0:0')
    expect(listed['g/new']).toMatchObject({ mode: '40755', owner: '0:0' })
  })

  it('applies an entry for the root itself', async () => {
    const listed = listTree(await unpacked(rawArchive({ name: './', type: '5', mode: 0o711, uid: 3, gid: 4, mtime: 1234 })))
    expect(listed['.']).toMatchObject({ mode: '40711', owner: '3:4', modified: 1_234_000_000_000n })
  })

  it('lets the last of several entries with one name win, and directories merge', async () => {
    const directory = await unpacked(
      rawArchive(
        { name: 'a', data: 'first' },
        { name: 'a', data: 'second' },
        { name: 'file-then-dir', data: 'x' },
        { name: 'file-then-dir', type: '5', mode: 0o700 },
        { name: 'file-then-dir/in', data: 'y' },
        { name: 'dir-then-file', type: '5', mode: 0o755 },
        { name: 'dir-then-file/in/deep', data: 'x' },
        { name: 'dir-then-file', data: 'z' },
        { name: 'dir', type: '5', mode: 0o755 },
        { name: 'dir/kept', data: 'x' },
        { name: 'dir', type: '5', mode: 0o750, mtime: 77 },
        { name: 'link', type: '2', linkName: 'a' },
        { name: 'link', data: 'no link any more' }
      )
    )
    const read = (name: string) => readFileSync(path.join(directory, name), 'latin1')
    expect(read('a')).toBe('second')
    expect(read('file-then-dir/in')).toBe('y')
    expect(read('dir-then-file')).toBe('z')
    expect(read('link')).toBe('no link any more')
    expect(listTree(directory).dir).toMatchObject({ mode: '40750', modified: 77_000_000_000n })
    expect(readdirSync(path.join(directory, 'dir'))).toEqual(['kept'])
  })

  it('takes a hard link to itself as done', async () => {
    const directory = await unpacked(rawArchive({ name: 'a', data: 'kept' }, { name: './a', type: '1', linkName: 'a' }))
    expect(readFileSync(path.join(directory, 'a'), 'latin1')).toBe('kept')
  })

  it('says which entry could not be written, and where', async () => {
    const directory = folder()
    const full = path.join(directory, 'full')
    mkdirSync(full)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', full])
    try {
      const work = unpacked(rawArchive({ name: 'too/large', data: 'x'.repeat(3_000_000) }), full)
      await expect(work).rejects.toMatchObject({
        code: 'resource_exhausted',
        details: { entry: 'too/large', directory: full, errno: 'ENOSPC' }
      })
    } finally {
      execFileSync('umount', [full])
    }
  })
})
