// Needs: root and the lab (test/lab), GNU tar.
import { spawnSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import type { Container, Engine, ImageSpec } from 'gantry'
import { ContainerArchive, ContainerArchiveInfo, ContainerCreate, PutContainerArchive, SystemEvents } from 'gantry/api'
import { expect } from 'vitest'
import { type RawEntry, rawArchive } from '../unit/runtime/layers/tar-builder.js'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { eventually } from './kit/streams.js'

const setup = `mkdir -p /d/sub; echo hi > /d/sub/file; ln -s d /link; ln -s /d/sub/file /flink; ln -s /nowhere /dang
ln -s ../../../../etc/passwd /d/up; mkfifo /d/pipe; ln /d/sub/file /d/hard; ln -s loop2 /loop1; ln -s loop1 /loop2
touch -d '2020-01-02 03:04:05' /d/sub/file; chmod 4755 /d/sub/file; mkdir -m 1777 /d/sub/sticky; echo ready; exec sleep 1000`

conform('archives of a container', {
  'what a path is': async ({ engine, image }) => {
    const container = await filled(image)
    const file = { name: 'file', size: 3, mode: 0o755 + 0x800000, mtime: '2020-01-02T03:04:05Z', linkTarget: '' }
    expect(await info(engine, container, '/d/sub/file')).toEqual(file)
    expect(await info(engine, container, 'd/../d/./sub/file')).toEqual(file)
    const table = {
      '/d': { name: 'd', mode: 0o755 + 0x80000000, linkTarget: '' },
      '/d/': { name: 'd', mode: 0o755 + 0x80000000, linkTarget: '' },
      '/d/.': { name: '.', mode: 0o755 + 0x80000000, linkTarget: '' },
      '/': { name: '/', mode: 0o755 + 0x80000000, linkTarget: '' },
      '/.': { name: '.', mode: 0o755 + 0x80000000, linkTarget: '' },
      '/d/sub/sticky': { name: 'sticky', mode: 0o777 + 0x80000000 + 0x100000, linkTarget: '' },
      '/link': { name: 'link', mode: 0o777 + 0x8000000, linkTarget: '/d' },
      '/link/': { name: 'link', mode: 0o755 + 0x80000000, linkTarget: '' },
      '/link/sub/file': { name: 'file', mode: 0o755 + 0x800000, linkTarget: '' },
      '/flink': { name: 'flink', mode: 0o777 + 0x8000000, linkTarget: '/d/sub/file' },
      '/dang': { name: 'dang', mode: 0o777 + 0x8000000, linkTarget: '/nowhere' },
      '/d/up': { name: 'up', mode: 0o777 + 0x8000000, linkTarget: '/etc/passwd' },
      '/d/pipe': { name: 'pipe', mode: 0o644 + 0x2000000, linkTarget: '' }
    }
    const found: Record<string, unknown> = {}
    for (const path of Object.keys(table)) {
      const { name, mode, linkTarget } = await info(engine, container, path)
      found[path] = { name, mode, linkTarget }
    }
    expect(found).toEqual(table)
  },

  'what is not there, and what is no path': async ({ engine, image }) => {
    const container = await filled(image)
    for (const path of ['/nope', '/nope/x', '/proc/1/root/etc', '/sys/kernel']) {
      const message = new RegExp(`Could not find the file ${path} in container ${container.id}`)
      // HEAD: an answer without words.
      await expectError(info(engine, container, path), 'not_found')
      await expectError(names(engine, container, path), 'not_found', message)
      await expectError(put(engine, container, path, [{ name: 'a' }]), 'not_found', message)
    }
    // dockerd answers 500 to some of these.
    for (const path of ['/flink/', '/d/sub/file/.', '/d/sub/file/x', '/loop1/x']) {
      await expectError(info(engine, container, path), ['invalid_argument', 'failed'])
      await expectError(names(engine, container, path), ['invalid_argument', 'failed'])
    }
    await expectError(info(engine, container, ''), 'invalid_argument')
    await expectError(names(engine, container, ''), 'invalid_argument', /path ?cannot be empty/)
    const query = { path: '/' }
    await expectError(engine.raw.call(ContainerArchive, { path: { id: 'archive-no-such' }, query }), 'not_found', /No such container/)
  },

  'entries are called as they were asked for': async ({ engine, image }) => {
    const container = await filled(image)
    const below = (top: string) => ['', 'hard', 'pipe', 'sub/', 'sub/file', 'sub/sticky/', 'up'].map(name => `${top}/${name}`)
    expect(await names(engine, container, '/d')).toEqual(below('d'))
    expect(await names(engine, container, '/d/')).toEqual(below('d'))
    expect(await names(engine, container, '/d/.')).toEqual(below('.'))
    expect(await names(engine, container, '/link')).toEqual(['link'])
    expect(await names(engine, container, '/link/')).toEqual(below('link'))
    expect(await names(engine, container, '/d/sub/file')).toEqual(['file'])
    const root = await names(engine, container, '/')
    expect(root[0]).toBe('/')
    expect(root).toEqual(expect.arrayContaining(['/d/', '/d/sub/file', '/etc/', '/link']))
    expect(root.filter(name => /^\/(proc|sys)\/./.test(name))).toEqual([])
  },

  'hard links, modes, times and links arrive': async ({ engine, image }) => {
    const container = await filled(image)
    const listing = spawnSync('tar', ['-tvf', '-', '--utc', '--full-time', '--numeric-owner'], {
      input: await archive(engine, container, '/d')
    }).stdout.toString()
    expect(listing).toMatch(/^-rwsr-xr-x 0\/0 +3 2020-01-02 03:04:05 +d\/hard$/m)
    expect(listing).toMatch(/^hrwsr-xr-x 0\/0 +0 2020-01-02 03:04:05 +d\/sub\/file link to d\/hard$/m)
    expect(listing).toMatch(/^prw-r--r-- .* d\/pipe$/m)
    expect(listing).toMatch(/^lrwxrwxrwx .* d\/up -> \.\.\/\.\.\/\.\.\/\.\.\/etc\/passwd$/m)
    expect(listing).toMatch(/^drwxrwxrwt .* d\/sub\/sticky\/$/m)
  },

  'an archive is unpacked as it is, and missing folders are made': async ({ engine, image }) => {
    const container = await filled(image)
    await put(engine, container, '/d', [
      { name: 'a', data: 'aa', mode: 0o640, uid: 55, gid: 66 },
      { name: 'dd/', type: '5', mode: 0o2750, uid: 55, gid: 66 },
      { name: 'dd/b', data: 'bb', mode: 0o4711 },
      { name: 'x/y/z', data: 'zz', uid: 55, gid: 66 },
      { name: 'two', type: '1', linkName: 'a', mode: 0o640, uid: 55, gid: 66 },
      { name: 'null', type: '3', device: [1, 3], mode: 0o666 },
      { name: 'abs', type: '2', linkName: '/etc/passwd', uid: 55 },
      { name: '/rooted', data: 'r' }
    ])
    const listed = await sh(
      container,
      "cd /d; stat -c '%n %a %u %g %Y' a dd dd/b x/y/z; stat -c '%n %a %u %g' x x/y; stat -c '%n %h' two; stat -c '%n %F %t:%T %a' null; stat -c '%N %u' abs; cat rooted"
    )
    expect(listed.split('\n')).toEqual([
      'a 640 55 66 1000000000',
      'dd 2750 55 66 1000000000',
      'dd/b 4711 0 0 1000000000',
      'x/y/z 644 55 66 1000000000',
      'x 755 0 0',
      'x/y 755 0 0',
      'two 2',
      'null character special file 1:3 666',
      "'abs' -> '/etc/passwd' 55",
      'r'
    ])
  },

  'what stands in the place of an entry goes, unless that was forbidden': async ({ engine, image }) => {
    const container = await filled(image)
    await sh(
      container,
      'cd /d; mkdir -p folder/sub; echo f > file; mkdir keep; echo k > keep/k; mkdir real; ln -s real tolink; echo t > real/t'
    )
    const clash: RawEntry[] = [{ name: 'folder', data: 'now a file' }]
    await expectError(
      put(engine, container, '/d', clash, { noOverwriteDirNonDir: true }),
      ['invalid_argument', 'failed'],
      /cannot overwrite directory "\/d\/folder" with non-directory/
    )
    await expectError(
      put(engine, container, '/d', [{ name: 'file', type: '5' }], { noOverwriteDirNonDir: true }),
      ['invalid_argument', 'failed'],
      /cannot overwrite non-directory "\/d\/file" with directory/
    )
    expect(await sh(container, 'cd /d; ls -d folder/sub; cat file')).toBe('folder/sub\nf')
    await put(engine, container, '/d', [
      ...clash,
      { name: 'file/', type: '5' },
      { name: 'file/q', data: 'q' },
      { name: 'keep/', type: '5' },
      { name: 'keep/n', data: 'n' },
      { name: 'tolink/', type: '5' }
    ])
    expect(await sh(container, 'cd /d; cat folder file/q keep/k keep/n; echo; ls -F | grep tolink; cat real/t')).toBe(
      'now a fileqk\nn\ntolink/\nt'
    )
  },

  'links in the container lead to its own files, also through a folder of the archive': async ({ engine, image }) => {
    const container = await filled(image)
    await sh(container, 'ln -s /etc /d/etc; mkdir /real; ln -s ../../../../../real /d/rel')
    await put(engine, container, '/d', [
      { name: 'etc/new1', data: '1' },
      { name: 'rel/new2', data: '2' }
    ])
    await put(engine, container, '/link', [{ name: 'new3', data: '3' }])
    await put(engine, container, '/d', [
      { name: 's', type: '2', linkName: '/etc' },
      { name: 's/new4', data: '4' }
    ])
    expect(await sh(container, 'cat /etc/new1 /real/new2 /d/new3 /etc/new4')).toBe('1234')
    expect((await names(engine, container, '/d/etc/new1')).join()).toBe('new1')
  },

  'what leaves the folder is refused': async ({ engine, image }) => {
    const container = await filled(image)
    const refused: readonly (readonly RawEntry[])[] = [
      [{ name: '../up', data: 'x' }],
      [{ name: 'a/../../up', data: 'x' }],
      [{ name: 'h', type: '1', linkName: '../../etc/passwd' }],
      [{ name: 'h', type: '1', linkName: 'no-such' }],
      [{ name: 'sub/file/q', data: 'x' }]
    ]
    for (const entries of refused) await expectError(put(engine, container, '/d', entries), ['invalid_argument', 'failed'])
    expect(await sh(container, 'ls -d /up /d/h 2>/dev/null || true')).toBe('')
  },

  'no folder, no archive, a compressed one': async ({ engine, image }) => {
    const container = await filled(image)
    await expectError(
      put(engine, container, '/d/sub/file', [{ name: 'a' }]),
      ['invalid_argument', 'failed'],
      /extraction point is not a directory/
    )
    await expectError(putBytes(engine, container, '/d', Buffer.alloc(3000, 'garbage')), ['invalid_argument', 'failed'])
    await putBytes(engine, container, '/d', gzipSync(rawArchive({ name: 'zipped', data: 'z' })))
    await putBytes(engine, container, '/d', Buffer.alloc(0))
    expect(await sh(container, 'cat /d/zipped')).toBe('z')
  },

  'volumes, and what is read-only': async ({ engine, image, lab }) => {
    await using volume = await engine.volume(`archive-${process.pid}-${Date.now()}`)
    const container = await image.mount('/vol', volume).cmd('sleep', '1000').create()
    const settings = { ReadonlyRootfs: true, Binds: [`${volume.name}:/vol:ro`] }
    const body = { Image: lab.images.busybox ?? '', Cmd: ['sleep', '1000'], HostConfig: settings }
    const fixed = await engine.container((await engine.raw.call(ContainerCreate, { body })).Id)
    try {
      await put(engine, container, '/vol', [{ name: 'before', data: 'b' }])
      await container.start()
      await put(engine, container, '/vol', [{ name: 'after', data: 'a' }])
      expect(await sh(container, 'cat /vol/before /vol/after')).toBe('ba')
      await container.kill()
      await container.wait()
      expect(await names(engine, container, '/vol/')).toEqual(['vol/', 'vol/after', 'vol/before'])
      for (const state of ['created', 'running']) {
        if (state === 'running') await fixed.start()
        const refused = ['permission_denied', 'failed'] as const
        await expectError(put(engine, fixed, '/', [{ name: 'a' }]), refused, /container rootfs is marked read-only/)
        await expectError(put(engine, fixed, '/vol', [{ name: 'a' }]), refused, /mounted volume is marked read-only/)
        expect(await names(engine, fixed, '/vol/before')).toEqual(['before'])
      }
    } finally {
      await fixed.remove({ force: true })
      await container.remove({ force: true })
    }
  },

  'copyUIDGID makes everything the user of the container': async ({ engine, image }) => {
    const container = await image.user('daemon').cmd('sleep', '1000').start()
    await put(engine, container, '/tmp', [{ name: 'mine', uid: 55, gid: 66 }], { copyUIDGID: true })
    const [who, user] = (
      await container.exec(['sh', '-c', 'stat -c %u:%g /tmp/mine; echo $(id -u):$(id -g)'], { user: 'daemon' }).text()
    ).split('\n')
    expect(who).toBe(user)
    expect(who).not.toBe('0:0')
  },

  'both ways are events': async ({ engine, image }) => {
    const container = await filled(image)
    const since = Math.floor(Date.now() / 1000) - 1
    await archive(engine, container, '/d')
    await put(engine, container, '/d', [{ name: 'a' }])
    const actions: string[] = []
    const query = { since: String(since), until: String(Math.ceil(Date.now() / 1000) + 1), filters: { container: [container.id] } }
    for await (const event of await engine.raw.call(SystemEvents, { query })) if (event.Action) actions.push(event.Action)
    expect(actions.filter(action => /archive|extract/.test(action))).toEqual(['archive-path', 'extract-to-dir'])
  }
})

async function filled(image: ImageSpec): Promise<Container> {
  const container = await image.cmd('sh', '-c', setup).start()
  await eventually(async () => (await container.logs().text()) === 'ready\n')
  return container
}

async function info(engine: Engine, { id }: Container, path: string) {
  const headers = await engine.raw.call(ContainerArchiveInfo, { path: { id }, query: { path } })
  return JSON.parse(Buffer.from(headers['x-docker-container-path-stat'], 'base64').toString())
}

async function archive(engine: Engine, { id }: Container, path: string): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of await engine.raw.call(ContainerArchive, { path: { id }, query: { path } })) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function names(engine: Engine, container: Container, path: string): Promise<string[]> {
  const { stdout } = spawnSync('tar', ['-tPf', '-'], { input: await archive(engine, container, path), maxBuffer: 64 * 1024 ** 2 })
  return stdout.toString().trimEnd().split('\n')
}

function put(engine: Engine, container: Container, path: string, entries: readonly RawEntry[], options = {}) {
  return putBytes(engine, container, path, rawArchive(...entries), options)
}

function putBytes(engine: Engine, { id }: Container, path: string, body: Uint8Array, options = {}) {
  return engine.raw.call(PutContainerArchive, { path: { id }, query: { path, ...options }, body: bodyOf(body) })
}

async function* bodyOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function sh(container: Container, script: string): Promise<string> {
  return (await container.exec(['sh', '-c', script], { user: '0' }).text()).trimEnd()
}
