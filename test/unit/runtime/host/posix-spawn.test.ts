import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChildWatch } from '../../../../runtime/host/child-watch.js'
import type { Kernel } from '../../../../runtime/host/kernel.js'
import { openKernel } from '../../../../runtime/host/koffi-kernel.js'
import { findOnPath } from '../../../../runtime/host/posix-spawn.js'

let folder: string
let kernel: Kernel

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-spawn-'))
  kernel = await openKernel()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function run(script: string, stdio: readonly (number | 'ignore')[] = ['ignore', 'ignore', 'ignore']) {
  const { read, write } = kernel.pipe()
  const pid = kernel.spawn({
    path: '/bin/sh',
    argv: ['sh', '-c', script],
    env: ['PATH=/usr/bin:/bin', 'A=1'],
    cwd: folder,
    stdio: [...stdio, write]
  })
  kernel.close(write)
  return new ChildWatch(kernel, pid, read).exited
}

describe.skipIf(process.platform !== 'linux')('spawning (needs Linux)', () => {
  it('tells the exit code, and the signal of a program that one ended', async () => {
    expect(await run('exit 7')).toEqual({ code: 7, signal: null })
    expect(await run('kill -TERM $$')).toEqual({ code: null, signal: 'SIGTERM' })
  })

  it('gives the program its own environment, folder and session, and default signals', async () => {
    await run(
      '{ echo "$A|$HOME|$PWD"; [ "$(cut -d" " -f6 /proc/$$/stat)" = $$ ] && echo session; grep -E "Sig(Ign|Blk)" /proc/$$/status; } > out'
    )
    const out = await readFile(join(folder, 'out'), 'utf8')
    expect(out).toContain(`1||${folder}\nsession\n`)
    expect(out).toMatch(/SigBlk:\s*0+\nSigIgn:\s*0+\n/)
  })

  it('puts each descriptor in its place, crossed and low ones too', async () => {
    const first = kernel.pipe()
    const second = kernel.pipe()
    await run('echo out; echo err >&2', ['ignore', second.write, first.write])
    for (const fd of [first.write, second.write]) kernel.close(fd)
    expect(await readFile(`/proc/self/fd/${second.read}`, 'utf8')).toBe('out\n')
    expect(await readFile(`/proc/self/fd/${first.read}`, 'utf8')).toBe('err\n')
    for (const fd of [first.read, second.read]) kernel.close(fd)
    // 1 and 2 are themselves among the numbers that are set.
    expect(await run('[ -e /proc/self/fd/1 ] && [ -e /proc/self/fd/2 ]', ['ignore', 2, 1])).toEqual({ code: 0, signal: null })
  })

  it('says why a program cannot be started', () => {
    const call = { argv: ['x'], env: [], cwd: '/', stdio: [] }
    expect(() => kernel.spawn({ ...call, path: join(folder, 'none') })).toThrow(expect.objectContaining({ errno: 'ENOENT' }))
    expect(() => kernel.spawn({ ...call, path: folder })).toThrow(expect.objectContaining({ errno: 'EACCES' }))
  })

  it('runs a program from sealed memory, which nobody can write', async () => {
    const fd = kernel.sealedFile('sh', await readFile('/bin/sh'))
    const { read, write } = kernel.pipe()
    const pid = kernel.spawn({
      path: `/proc/self/fd/${fd}`,
      argv: ['sh', '-c', 'case $(readlink /proc/$$/exe) in /memfd:*) exit 3;; esac'],
      env: ['PATH=/usr/bin:/bin'],
      cwd: '/',
      stdio: ['ignore', 'ignore', 'ignore', write]
    })
    kernel.close(write)
    expect(await new ChildWatch(kernel, pid, read).exited).toEqual({ code: 3, signal: null })
    await expect(writeFile(`/proc/self/fd/${fd}`, 'x')).rejects.toMatchObject({ code: 'EPERM' })
    kernel.close(fd)
  })
})

describe('findOnPath', () => {
  it('prefers what can be executed, and takes paths as they are', async () => {
    const plain = join(folder, 'tool')
    await writeFile(plain, '')
    expect(findOnPath('tool', folder)).toBe(plain)
    expect(findOnPath('sh', `${folder}:/bin`)).toBe('/bin/sh')
    expect(findOnPath('no-such-tool', folder)).toBeUndefined()
    expect(findOnPath(plain, '')).toBe(plain)
  })
})
