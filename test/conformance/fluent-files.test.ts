// Needs: root and the lab (test/lab).
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { copy } from 'gantry'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'

const busy = ['sleep', '1000'] as const

conform('files of a container', {
  'what is written is read back, and the container sees it': async ({ image }) => {
    const container = await image.cmd(...busy).start()
    await container.fs.write('/note.txt', 'hello\n')
    expect(await container.fs.readText('/note.txt')).toBe('hello\n')
    expect(await container.exec(['cat', '/note.txt']).text()).toBe('hello\n')
    await container.fs.write('/note.txt', Buffer.from([0, 1, 255]))
    expect([...(await container.fs.read('/note.txt'))]).toEqual([0, 1, 255])
    await container.fs.write('/stream', Readable.from([Buffer.from('a'), Buffer.from('b')]))
    expect(await container.fs.readText('/stream')).toBe('ab')
  },

  'mode and owner are what was asked for, and missing folders are made': async ({ image }) => {
    const container = await image.cmd(...busy).start()
    await container.fs.write('/deep/er/run.sh', 'exit 0', { mode: 0o750, user: '1234:77' })
    expect(await container.exec(['stat', '-c', '%a %u %g', '/deep/er/run.sh']).text()).toBe('750 1234 77\n')
  },

  'it need not run': async ({ image }) => {
    const container = await image.cmd('cat', '/in').create()
    await container.fs.write('/in', 'before the start')
    await container.start()
    await container.wait()
    expect(await container.logs().text()).toBe('before the start')
    expect(await container.fs.readText('/in')).toBe('before the start')
  },

  'files that the engine made are read as well': async ({ image }) => {
    const container = await image
      .hostname('box')
      .cmd(...busy)
      .start()
    expect(await container.fs.readText('/etc/hosts')).toContain('box')
  },

  'links are followed, and what is missing is not found': async ({ image }) => {
    const container = await image.cmd(...busy).start()
    await container.exec(['sh', '-c', 'echo real > /tmp/real; ln -s real /tmp/link; ln -s /tmp/link /second'])
    expect(await container.fs.readText('/second')).toBe('real\n')
    await expectError(container.fs.read('/nothing'), 'not_found')
    await expectError(container.fs.read('/etc'), 'invalid_argument')
    await expectError(container.fs.read('relative'), 'invalid_argument')
  },

  'a folder goes in and comes out as it was': async ({ image }) => {
    const folder = await mkdtemp(join(tmpdir(), 'gantry-files-'))
    try {
      const long = `${'n'.repeat(120)}.txt`
      await mkdir(join(folder, 'in/sub/empty'), { recursive: true })
      await writeFile(join(folder, 'in/a.txt'), 'a', { mode: 0o600 })
      await writeFile(join(folder, 'in/sub', long), 'long')
      await writeFile(join(folder, 'in/sub/ünï.txt'), 'unicode')
      await writeFile(join(folder, 'in/big'), Buffer.alloc(300_000, 7))
      await symlink('../a.txt', join(folder, 'in/sub/link'))
      const container = await image.cmd(...busy).start()
      await container.fs.put(join(folder, 'in'), '/seed')
      expect(await container.exec(['cat', '/seed/sub/link', `/seed/sub/${long}`, '/seed/sub/ünï.txt']).text()).toBe('alongunicode')
      await container.fs.get('/seed', join(folder, 'out'))
      expect(await readFile(join(folder, 'out/sub/link'), 'utf8')).toBe('a')
      expect(await readFile(join(folder, 'out/sub', long), 'utf8')).toBe('long')
      expect(await readFile(join(folder, 'out/sub/ünï.txt'), 'utf8')).toBe('unicode')
      expect((await readFile(join(folder, 'out/big'))).equals(Buffer.alloc(300_000, 7))).toBe(true)
      expect((await stat(join(folder, 'out/a.txt'))).mode & 0o777).toBe(0o600)
      expect((await stat(join(folder, 'out/sub/empty'))).isDirectory()).toBe(true)
      await container.fs.get('/seed/a.txt', join(folder, 'one.txt'))
      expect(await readFile(join(folder, 'one.txt'), 'utf8')).toBe('a')
    } finally {
      await rm(folder, { recursive: true })
    }
  },

  'a folder is listed by name, type and size': async ({ image }) => {
    const container = await image.cmd(...busy).start()
    await container.exec(['sh', '-c', 'mkdir -p /l/sub/deep; echo 123 > /l/file; ln -s file /l/link; touch /l/sub/x; mkfifo /l/pipe'])
    expect(await container.fs.list('/l')).toEqual([
      { name: 'file', type: 'file', sizeBytes: 4 },
      { name: 'link', type: 'link', sizeBytes: 0 },
      { name: 'pipe', type: 'other', sizeBytes: 0 },
      { name: 'sub', type: 'directory', sizeBytes: 0 }
    ])
    expect((await container.fs.list('/')).map(({ name }) => name)).toContain('etc')
    await expectError(container.fs.list('/l/file'), 'invalid_argument')
  },

  'copy() puts files in a container before it starts': async ({ image }) => {
    const spec = image.mount('/conf', copy({ 'a.txt': 'from memory', 'sub/b.bin': Buffer.from('bytes') }))
    expect(await spec.run(['cat', '/conf/a.txt', '/conf/sub/b.bin'], { remove: true }).text()).toBe('from memorybytes')
  }
})
