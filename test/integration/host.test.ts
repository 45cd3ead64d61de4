import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, existsSync, writeSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { ReadStream } from 'node:tty'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { removeCgroup, removeEmptyCgroup } from '../../runtime/host/cgroups.js'
import { createHost, type NetworkedHost } from '../../runtime/host/create-host.js'
import type { HostProcess } from '../../runtime/host/host.js'
import { readCgroupLayout } from '../../runtime/host/probe.js'

const root = process.getuid?.() === 0
const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' }
const limit = 1 << 20

/** Needs root: mount namespaces, overlayfs, devices. */
describe.skipIf(!root)('host (needs root)', () => {
  let directory: string
  let host: NetworkedHost

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gantry-host-'))
    host = await createHost({ runRoot: join(directory, 'run') })
  })

  afterEach(async () => {
    await host.close()
    await rm(directory, { recursive: true, force: true })
  })

  async function folder(...parts: string[]): Promise<string> {
    const path = join(directory, ...parts)
    await mkdir(path, { recursive: true })
    return path
  }

  async function layer(name: string, files: Record<string, string>): Promise<string> {
    const path = await folder(name)
    for (const [file, text] of Object.entries(files)) await writeFile(join(path, file), text)
    return path
  }

  /** Run a program in the launcher's namespace to its end. */
  async function output(argv: string[], options: { cwd?: string } = {}): Promise<{ stdout: string; exit: Awaited<HostProcess['exited']> }> {
    const { read, write } = await host.pipe()
    const started = await host.spawn({ argv, env, stdio: ['ignore', write, write], ...options })
    host.closeFd(write)
    const chunks: Uint8Array[] = []
    for await (const chunk of createReadStream('', { fd: read })) chunks.push(chunk)
    return { stdout: Buffer.concat(chunks).toString(), exit: await started.exited }
  }

  const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString())

  describe('overlay mounts', () => {
    it('stack layers with the topmost first, out of sight of the host', async () => {
      const bottom = await layer('bottom', { a: 'bottom', b: 'bottom' })
      const top = await layer('top', { a: 'top' })
      const target = await folder('target')
      await host.mountOverlay({ lower: [top, bottom], upper: await folder('upper'), work: await folder('work') }, target)
      expect(text(await host.readFileIn(target, 'a', limit))).toBe('top')
      expect(text(await host.readFileIn(target, '/b', limit))).toBe('bottom')
      expect(await readdir(target)).toEqual([])
      expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(directory)
      await host.unmount(target)
      expect(await host.readFileIn(target, 'a', limit)).toBeUndefined()
    })

    it('take 127 layers with long paths', async () => {
      const lower: string[] = []
      for (let index = 0; index < 127; index += 1)
        lower.push(await layer(`${'deep'.repeat(40)}-${index}`, { [`file-${index}`]: String(index) }))
      const target = await folder('target')
      await host.mountOverlay({ lower, upper: await folder('upper'), work: await folder('work') }, target)
      expect(text(await host.readFileIn(target, 'file-126', limit))).toBe('126')
      const { exit } = await output(['sh', '-c', `echo written > ${target}/new`])
      expect(exit.code).toBe(0)
      expect(await readFile(join(directory, 'upper', 'new'), 'utf8')).toBe('written\n')
    })

    it('take paths with colons, commas and backslashes', async () => {
      const bottom = await layer('bot:tom,\\x', { a: 'odd' })
      const target = await folder('tar,get:')
      await host.mountOverlay({ lower: [bottom], upper: await folder('up,per:'), work: await folder('wo\\rk') }, target)
      expect(text(await host.readFileIn(target, 'a', limit))).toBe('odd')
    })

    it('take the root of the host as a layer, which stays as it was', async () => {
      const target = await folder('target')
      await host.mountOverlay({ lower: ['/'], upper: await folder('upper'), work: await folder('work') }, target)
      expect(text(await host.readFileIn(target, '/etc/hostname', limit))).toBe(await readFile('/etc/hostname', 'utf8'))
      await output(['sh', '-c', `echo x > ${target}/gantry-test-file`])
      expect(existsSync('/gantry-test-file')).toBe(false)
    })

    it('of one layer without a writable one are read-only', async () => {
      const target = await folder('target')
      await host.mountOverlay({ lower: [await layer('only', { a: 'only' })] }, target)
      expect(text(await host.readFileIn(target, 'a', limit))).toBe('only')
      const { exit } = await output(['sh', '-c', `echo x > ${target}/b`])
      expect(exit.code).not.toBe(0)
    })

    it('of nothing but a writable layer are that layer', async () => {
      const target = await folder('target')
      await host.mountOverlay({ lower: [], upper: await layer('upper', { a: 'upper' }), work: await folder('work') }, target)
      expect(text(await host.readFileIn(target, 'a', limit))).toBe('upper')
    })

    it('of a layer that is not there say which', async () => {
      const target = await folder('target')
      const mount = host.mountOverlay({ lower: [join(directory, 'missing'), directory] }, target)
      await expect(mount).rejects.toMatchObject({ code: 'failed', details: { syscall: 'mount', errno: 'ENOENT' } })
    })

    it('that are not there are unmounted without complaint', async () => {
      await host.unmount(await folder('never-mounted'))
      await host.unmount(join(directory, 'never-there'))
    })
  })

  describe('files below a root', () => {
    it('are found through links that stay inside', async () => {
      const base = await layer('base', { passwd: 'inside' })
      await folder('base', 'etc')
      await symlink('/passwd', join(base, 'etc', 'absolute'))
      await symlink('../../../../../passwd', join(base, 'etc', 'upwards'))
      expect(text(await host.readFileIn(base, '/etc/absolute', limit))).toBe('inside')
      expect(text(await host.readFileIn(base, 'etc/upwards', limit))).toBe('inside')
      expect(await host.readFileIn(base, 'etc/hostname', limit)).toBeUndefined()
      expect(await host.readFileIn(base, 'passwd/below', limit)).toBeUndefined()
    })

    it('are refused when too long, and when not regular', async () => {
      const base = await layer('base', { long: 'x'.repeat(1000) })
      await expect(host.readFileIn(base, 'long', 999)).rejects.toMatchObject({ code: 'resource_exhausted' })
      expect(await host.readFileIn(base, 'long', 1000)).toHaveLength(1000)
      execFileSync('mkfifo', [join(base, 'fifo')])
      await expect(host.readFileIn(base, 'fifo', 10)).rejects.toMatchObject({ code: 'invalid_argument' })
    })

    it('get their folders made, with mode and owner, links followed inside', async () => {
      const base = await folder('base')
      await symlink('/real/place', join(base, 'link'))
      await host.makeDirectoryIn(base, '/link/a/b', { mode: 0o750, uid: 1234, gid: 4321 })
      const made = await stat(join(base, 'real', 'place', 'a', 'b'))
      expect([made.mode & 0o7777, made.uid, made.gid]).toEqual([0o750, 1234, 4321])
      await host.makeDirectoryIn(base, 'real/place', { mode: 0o700, uid: 0, gid: 0 })
      expect((await stat(join(base, 'real', 'place'))).uid).toBe(1234)
    })

    it('cannot be made below a file, or through links in a circle', async () => {
      const base = await layer('base', { file: '' })
      const options = { mode: 0o755, uid: 0, gid: 0 }
      await expect(host.makeDirectoryIn(base, 'file/below', options)).rejects.toMatchObject({ code: 'conflict' })
      await expect(host.makeDirectoryIn(base, 'file', options)).rejects.toMatchObject({ code: 'conflict' })
      await symlink('circle', join(base, 'circle'))
      await expect(host.makeDirectoryIn(base, 'circle/a', options)).rejects.toMatchObject({ code: 'failed' })
    })
  })

  describe('programs', () => {
    it('run with the descriptors they are given and report their exit code', async () => {
      const { stdout, exit } = await output(['sh', '-c', 'echo out; echo err >&2; pwd; exit 3'])
      expect(stdout).toBe('out\nerr\n/\n')
      expect(exit).toEqual({ code: 3, signal: null })
    })

    it('get descriptors beyond the third under the numbers asked for', async () => {
      const extra = await host.pipe()
      const out = await host.pipe()
      const started = await host.spawn({
        argv: ['sh', '-c', 'cat <&4 >&1'],
        env,
        stdio: ['ignore', out.write, 'ignore', 'ignore', extra.read]
      })
      host.closeFd(out.write)
      host.closeFd(extra.read)
      await writeFile(`/proc/self/fd/${extra.write}`, 'through four')
      host.closeFd(extra.write)
      const chunks = await Readable.from(createReadStream('', { fd: out.read })).toArray()
      expect(Buffer.concat(chunks).toString()).toBe('through four')
      expect(await started.exited).toEqual({ code: 0, signal: null })
    })

    it('inherit no descriptor they were not given', async () => {
      const spare = await host.pipe()
      const { stdout } = await output(['ls', '-l', '/proc/self/fd'])
      expect(stdout).toContain('pipe:')
      expect(stdout).not.toContain(await readlink(`/proc/self/fd/${spare.read}`))
      host.closeFd(spare.read)
      host.closeFd(spare.write)
    })

    it('tell by which signal they died', async () => {
      const started = await host.spawn({ argv: ['sleep', '60'], env, stdio: ['ignore', 'ignore', 'ignore'] })
      process.kill(started.pid, 'SIGTERM')
      expect(await started.exited).toEqual({ code: null, signal: 'SIGTERM' })
    })

    it('that are not there or not executable say so', async () => {
      const stdio = ['ignore', 'ignore', 'ignore'] as const
      await expect(host.spawn({ argv: ['no-such-program'], env, stdio })).rejects.toMatchObject({ code: 'not_found' })
      const plain = join(await layer('programs', { plain: '' }), 'plain')
      await expect(host.spawn({ argv: [plain], env, stdio })).rejects.toMatchObject({ code: 'permission_denied' })
    })

    it('run 50 at once', async () => {
      const started = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          host.spawn({ argv: ['sh', '-c', `exit ${index}`], env, stdio: ['ignore', 'ignore', 'ignore'] })
        )
      )
      const exits = await Promise.all(started.map(one => one.exited))
      expect(exits.map(exit => exit.code)).toEqual(Array.from({ length: 50 }, (_, index) => index))
    })
  })

  describe('consoles', () => {
    /** What an OCI runtime does: make a terminal, send its master side, run something on the other. */
    const sender = `
import array, os, pty, socket, sys, fcntl, termios, struct, time
master, slave = pty.openpty()
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
time.sleep(float(sys.argv[2]))
s.sendmsg([b'/dev/pts/x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [master]))])
os.close(master)
line = os.read(slave, 100).decode().strip()
rows, columns = struct.unpack('HHHH', fcntl.ioctl(slave, termios.TIOCGWINSZ, b'\\0' * 8))[:2]
os.write(slave, f'{line} {columns}x{rows}'.encode())
`

    async function converse(socketPath: string, delaySeconds: number): Promise<string> {
      const socket = await host.openConsole(socketPath)
      const child = spawn('python3', ['-c', sender, socket.path, String(delaySeconds)], { stdio: ['ignore', 'ignore', 'inherit'] })
      const exited = once(child, 'exit')
      const failed = exited.then(([code]) => Promise.reject(new Error(`the sender ended with ${code} before the terminal came`)))
      const master = await Promise.race([socket.master, failed])
      failed.catch(() => undefined)
      host.resizeTerminal(master, { columns: 101, rows: 37 })
      const terminal = new ReadStream(master)
      let said = ''
      terminal.on('data', chunk => {
        said += chunk
      })
      // Linux tells the end of a terminal's other side by EIO, and the stream is closed then.
      terminal.on('error', () => undefined)
      const ended = new Promise(resolve => terminal.once('close', resolve))
      writeSync(master, 'hello\n')
      await exited
      await ended
      terminal.destroy()
      expect(existsSync(socketPath)).toBe(false)
      return said
    }

    it('hand over the terminal, also when it is sent late, and set its size', async () => {
      expect(await converse(join(directory, 'run', 'a.sock'), 0)).toContain('hello 101x37')
      expect(await converse(join(directory, 'run', 'b.sock'), 0.2)).toContain('hello 101x37')
    })

    it('work at paths that are too long for a socket', async () => {
      const long = await folder('run', 'long'.repeat(40))
      expect(await converse(join(long, 'console.sock'), 0)).toContain('hello 101x37')
    })

    it('reject when they are closed first, and leave no file', async () => {
      const path = join(directory, 'run', 'c.sock')
      const socket = await host.openConsole(path)
      socket.close()
      socket.close()
      await expect(socket.master).rejects.toMatchObject({ code: 'unavailable' })
      expect(existsSync(path)).toBe(false)
    })
  })

  describe('locks', () => {
    const never = new AbortController().signal

    it('are held by one at a time', async () => {
      const path = join(directory, 'locks', 'a')
      let inside = 0
      let most = 0
      const turn = async () => {
        const lock = await host.lock(path, { signal: never })
        inside += 1
        most = Math.max(most, inside)
        await new Promise(resolve => setTimeout(resolve, 2))
        inside -= 1
        lock.release()
        lock.release()
      }
      await Promise.all(Array.from({ length: 10 }, turn))
      expect(most).toBe(1)
    })

    it('stop waiting with the reason of an abort', async () => {
      const path = join(directory, 'a')
      const lock = await host.lock(path, { signal: never })
      const controller = new AbortController()
      const waiting = host.lock(path, { signal: controller.signal })
      const reason = new Error('enough')
      controller.abort(reason)
      await expect(waiting).rejects.toBe(reason)
      lock.release()
    })

    it('on a file that was removed exclude nobody who makes it anew', async () => {
      const path = join(directory, 'a')
      const old = await host.lock(path, { signal: never })
      await rm(path)
      const fresh = await host.lock(path, { signal: never })
      old.release()
      await expect(host.lock(path, { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({ name: 'TimeoutError' })
      fresh.release()
    })
  })

  describe('control groups', () => {
    const name = '/gantry-test-host'

    it('of a container that outlived its owner are removed with their processes, paused ones too', async () => {
      const layout = await readCgroupLayout()
      const folders = layout.hierarchies.map(({ mountPoint }) => join(mountPoint, name, 'a'))
      const stdio = ['ignore', 'ignore', 'ignore'] as const
      const programs = await Promise.all([1, 2].map(() => host.spawn({ argv: ['sleep', '60'], env, stdio })))
      try {
        for (const folder of folders) {
          await mkdir(folder, { recursive: true })
          // A cpuset group takes no process before it has processors and memory.
          for (const file of ['cpuset.cpus', 'cpuset.mems']) {
            const parent = await readFile(join(folder, '../..', file), 'utf8').catch(() => '')
            for (const group of [join(folder, '..'), folder])
              await writeFile(join(group, file), parent, { flag: 'r+' }).catch(() => undefined)
          }
          for (const { pid } of programs) await writeFile(join(folder, 'cgroup.procs'), String(pid))
          for (const [file, value] of [
            ['freezer.state', 'FROZEN'],
            ['cgroup.freeze', '1']
          ] as const) {
            await writeFile(join(folder, file), value, { flag: 'r+' }).catch(() => undefined)
          }
        }
      } finally {
        await removeCgroup(layout, `${name}/a`)
      }
      for (const { exited } of programs) expect(await exited).toEqual({ code: null, signal: 'SIGKILL' })
      expect(folders.filter(existsSync)).toEqual([])
      await removeCgroup(layout, `${name}/a`)
      await removeEmptyCgroup(layout, name)
      expect(layout.hierarchies.filter(({ mountPoint }) => existsSync(join(mountPoint, name)))).toEqual([])
    })
  })

  it('closed, refuses calls and does not stop programs', async () => {
    const started = await host.spawn({ argv: ['sleep', '60'], env, stdio: ['ignore', 'ignore', 'ignore'] })
    await host.close()
    await host.close()
    expect(await started.exited).toEqual({ code: null, signal: null })
    expect(existsSync(`/proc/${started.pid}`)).toBe(true)
    process.kill(started.pid, 'SIGKILL')
    await expect(host.unmount('/nowhere')).rejects.toMatchObject({ code: 'unavailable' })
  })
})
