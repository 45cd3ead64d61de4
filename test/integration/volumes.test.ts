// Needs: root on Linux and the lab's registry (test/lab).
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createEngine, type Engine, type EngineOptions } from 'gantry'
import {
  ContainerCreate,
  type ContainerCreateRequest,
  ContainerDelete,
  ContainerStart,
  type HostConfig,
  VolumeCreate,
  VolumeDelete,
  VolumeInspect,
  VolumeList
} from 'gantry/api'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { expectError } from '../conformance/kit/errors.js'
import { publish } from '../conformance/kit/publish.js'
import { eventually } from '../conformance/kit/streams.js'
import { type HostSnapshot, leftoversSince, snapshotHost } from '../lab/leftovers.js'

const lab = inject('lab')
const runsHere = process.platform === 'linux' && process.getuid?.() === 0 && lab.images.busybox !== undefined
const busybox = lab.images.busybox ?? ''

let folder: string
let before: HostSnapshot

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-volumes-'))
  before = await snapshotHost({ roots: [join(folder, 'root')] })
})

afterEach(async () => {
  const left = await leftoversSince(before, { roots: [join(folder, 'root')] })
  if (left.length > 0) await (await createEngine(options())).close()
  await rm(folder, { recursive: true, force: true })
  expect(left).toEqual([])
})

const options = (): EngineOptions => ({ transport: 'in-process', root: join(folder, 'root') })

const create = async (engine: Engine, HostConfig: HostConfig, more: ContainerCreateRequest = {}): Promise<string> =>
  (await engine.raw.call(ContainerCreate, { body: { Image: busybox, Cmd: ['true'], HostConfig, ...more } })).Id

const start = (engine: Engine, id: string) => engine.raw.call(ContainerStart, { path: { id } })

const names = async (engine: Engine) => ((await engine.raw.call(VolumeList, {})).Volumes ?? []).map(volume => volume.Name)

/** What a shell script says with these mounts, both streams. */
async function output(engine: Engine, script: string, hostConfig: HostConfig, more: ContainerCreateRequest = {}): Promise<string> {
  const id = await create(engine, hostConfig, { Cmd: ['/bin/sh', '-c', `exec 2>&1; ${script}`], ...more })
  await start(engine, id)
  const container = await engine.container(id)
  await container.wait()
  const text = await container.logs().text()
  await container.remove()
  return text
}

/** An image with a folder `/many` of this many files, 16 KiB each. */
const manyFiles = (count: number): Promise<string> =>
  publish(lab, {
    entries: [
      { kind: 'folder', path: 'many', mode: 0o711 },
      ...Array.from({ length: count }, (_, index) => ({
        kind: 'file' as const,
        path: `many/${index}`,
        content: Buffer.alloc(16_384, `${index} `)
      }))
    ]
  })

const data = (volume: string) => join(folder, 'root/volumes', volume, '_data')

/** Run a program with an engine on the data root until `isTime`, then SIGKILL. */
async function killed(program: string, isTime: () => boolean | Promise<boolean>): Promise<void> {
  const text = `
    import { createEngine } from 'gantry'
    import * as api from 'gantry/api'
    const engine = await createEngine(${JSON.stringify(options())})
    ${program}
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], {
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
    stdio: ['ignore', 'ignore', 'inherit']
  })
  const exited = new Promise(resolve => child.once('close', resolve))
  await eventually(async () => child.exitCode !== null || (await isTime()))
  child.kill('SIGKILL')
  await exited
}

describe.skipIf(!runsHere)("volumes of the in-process engine (needs root and the lab's registry)", () => {
  it('a disk that is full in the middle of the copy: resource_exhausted, and the volume is as it was', async () => {
    const reference = await manyFiles(200)
    {
      await using engine = await createEngine(options())
      await engine.image(reference).pull()
    }
    // Volumes on a disk of their own, smaller than what the image has for them.
    await mkdir(join(folder, 'root/volumes'), { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', join(folder, 'root/volumes')])
    try {
      await using engine = await createEngine(options())
      await engine.raw.call(VolumeCreate, { body: { Name: 'small' } })
      await expectError(create(engine, { Binds: ['small:/many'] }, { Image: reference }), 'resource_exhausted', /No space left on device/)
      expect(await readdir(data('small'))).toEqual([])
      expect(await readdir(join(folder, 'root/volumes/small'))).toEqual(['_data'])
      await expectError(create(engine, { Binds: ['new:/many'] }, { Image: reference }), 'resource_exhausted', /No space left on device/)
      expect(await names(engine)).toEqual(['small'])
    } finally {
      execFileSync('umount', [join(folder, 'root/volumes')])
    }
  })

  it('a process that is killed in the middle of the copy: the volume is empty, and the next one fills it', async () => {
    const reference = await manyFiles(3000)
    const volume = join(folder, 'root/volumes/big')
    await killed(
      `await engine.image(${JSON.stringify(reference)}).pull()
       await engine.raw.call(api.ContainerCreate, { body: { Image: ${JSON.stringify(reference)}, HostConfig: { Binds: ['big:/many'] } } })`,
      () => existsSync(volume) && readdirOf(volume).then(entries => entries.some(entry => entry.startsWith('filling-')))
    )
    expect(await readdir(data('big'))).toEqual([])
    await using engine = await createEngine(options())
    expect(await readdir(volume)).toEqual(['_data'])
    const text = await output(engine, 'ls /many | wc -l; stat -c %a /many', { Binds: ['big:/many'] }, { Image: reference })
    expect(text).toBe('3000\n711\n')
    expect(await readdir(volume)).toEqual(['_data'])
  })

  it('a process that is killed while the copy is moved in: whoever comes next carries it through', async () => {
    {
      await using engine = await createEngine(options())
      await engine.image(busybox).pull()
      await engine.raw.call(VolumeCreate, { body: { Name: 'half' } })
    }
    // What the process leaves at that moment: one file is in, the other is on its way.
    await writeFile(join(data('half'), 'in'), 'in')
    await mkdir(join(folder, 'root/volumes/half/filled'), { mode: 0o700 })
    await writeFile(join(folder, 'root/volumes/half/filled/late'), 'late')
    await using engine = await createEngine(options())
    expect((await readdir(data('half'))).sort()).toEqual(['in', 'late'])
    expect((await stat(data('half'))).mode & 0o777).toBe(0o700)
    expect(await readdir(join(folder, 'root/volumes/half'))).toEqual(['_data'])
    await engine.raw.call(VolumeDelete, { path: { name: 'half' } })
    expect(await readdir(join(folder, 'root/volumes'))).toEqual([])
  })

  it('a source that goes between create and start: invalid_argument with its path, nothing runs', async () => {
    await using engine = await createEngine(options())
    await engine.image(busybox).pull()
    const source = join(folder, 'source')
    await mkdir(source)
    const id = await create(engine, { Mounts: [{ Type: 'bind', Source: source, Target: '/d' }], Binds: ['kept:/v'] })
    await rm(source, { recursive: true })
    await expectError(start(engine, id), 'invalid_argument', /bind source path does not exist: .*source/)
    await mkdir(source)
    await start(engine, id)
  })

  it('a source that cannot be made: failed, with the path', async () => {
    await using engine = await createEngine(options())
    await engine.image(busybox).pull()
    await writeFile(join(folder, 'file'), '')
    const id = await create(engine, { Binds: [`${folder}/file/below:/d`] })
    await expectError(start(engine, id), 'failed', /error while creating mount source path '.*file\/below'/)
  })

  it('a folder of a volume is mounted, links in it resolved inside the volume', async () => {
    await using engine = await createEngine(options())
    await engine.image(busybox).pull()
    await output(engine, 'mkdir -p /v/deep/er; echo found > /v/deep/er/file; ln -s /deep/er /v/link; ln -s ../../../../../etc /v/out', {
      Binds: ['sub:/v']
    })
    const subpath = (Subpath: string): HostConfig => ({
      Mounts: [{ Type: 'volume', Source: 'sub', Target: '/s', VolumeOptions: { Subpath } }]
    })
    expect(await output(engine, 'cat /s/file', subpath('deep/er'))).toBe('found\n')
    expect(await output(engine, 'cat /s/file', subpath('link'))).toBe('found\n')
    const id = await create(engine, subpath('out'))
    await expectError(start(engine, id), 'not_found', /no such file or directory/)
    await expectError(create(engine, subpath('../up')), 'invalid_argument', /subpath must be a relative path within the volume/)
  })

  it('what a container mounts below a shared source reaches the host, and the other way', async () => {
    const shared = join(folder, 'shared')
    await mkdir(shared)
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', shared])
    try {
      execFileSync('mount', ['--make-shared', shared])
      await mkdir(join(shared, 'in'))
      await mkdir(join(shared, 'out'))
      await using engine = await createEngine(options())
      await engine.image(busybox).pull()
      const id = await create(
        engine,
        { Privileged: true, Binds: [`${shared}:/d:rshared`] },
        { Cmd: ['sh', '-c', 'mount -t tmpfs tmpfs /d/in && : > /d/in/file; until [ -e /d/out/file ]; do sleep 0.02; done'] }
      )
      await start(engine, id)
      await eventually(async () => existsSync(join(shared, 'in/file')))
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(shared, 'out')])
      await writeFile(join(shared, 'out/file'), '')
      expect(await (await engine.container(id)).wait()).toEqual({ exitCode: 0 })
    } finally {
      for (const path of ['in', 'out', '.']) execFileSync('sh', ['-c', 'umount -l "$1" 2>/dev/null || true', 'sh', join(shared, path)])
    }
  })

  it('read-only reaches what is mounted below the source, unless it is not to', async () => {
    const outer = join(folder, 'outer')
    await mkdir(join(outer, 'inner'), { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(outer, 'inner')])
    try {
      await using engine = await createEngine(options())
      await engine.image(busybox).pull()
      const mount = (BindOptions: object): HostConfig => ({
        Mounts: [{ Type: 'bind', Source: outer, Target: '/d', ReadOnly: true, BindOptions }]
      })
      expect(await output(engine, ': > /d/inner/one', mount({}))).toContain('Read-only file system')
      expect(await output(engine, ': > /d/inner/two', mount({ ReadOnlyForceRecursive: true }))).toContain('Read-only file system')
      expect(await output(engine, ': > /d/inner/three', mount({ ReadOnlyNonRecursive: true }))).toBe('')
      expect(await readdir(join(outer, 'inner'))).toEqual(['three'])
      expect(await output(engine, 'ls /d/inner', mount({ NonRecursive: true }))).toBe('')
    } finally {
      execFileSync('umount', [join(outer, 'inner')])
    }
  })

  it("a session's volumes go with it, also when it is killed; others stay", async () => {
    const label = { 'dev.gantry.session': 'abc' }
    {
      await using engine = await createEngine(options())
      await engine.raw.call(VolumeCreate, { body: { Name: 'stays' } })
      await engine.raw.call(VolumeCreate, { body: { Name: 'goes', Labels: label } })
      await engine.raw.call(VolumeCreate, { body: { Name: 'kept', Labels: { ...label, 'dev.gantry.keep': 'true' } } })
      // A second engine leaves alone what is another's.
      await (await createEngine(options())).close()
      expect(await names(engine)).toEqual(['goes', 'kept', 'stays'])
    }
    await killed(`await engine.raw.call(api.VolumeCreate, { body: { Name: 'orphan', Labels: ${JSON.stringify(label)} } })`, () =>
      existsSync(data('orphan'))
    )
    await using engine = await createEngine(options())
    expect(await names(engine)).toEqual(['kept', 'stays'])
  })

  it('memory that a killed process had mounted for a volume is unmounted', async () => {
    const place = data('memory')
    const DriverOpts = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' }
    await killed(
      `await engine.image(${JSON.stringify(busybox)}).pull()
       await engine.raw.call(api.VolumeCreate, { body: { Name: 'memory', DriverOpts: ${JSON.stringify(DriverOpts)} } })
       const { Id } = await engine.raw.call(api.ContainerCreate,
         { body: { Image: ${JSON.stringify(busybox)}, Cmd: ['sleep', '1000'], HostConfig: { Binds: ['memory:/d'] } } })
       await engine.raw.call(api.ContainerStart, { path: { id: Id } })`,
      async () => (await readFile('/proc/self/mountinfo', 'utf8')).includes(` ${place} `)
    )
    await using engine = await createEngine(options())
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(` ${place} `)
    expect(await engine.raw.call(VolumeInspect, { path: { name: 'memory' } })).toMatchObject({ Options: DriverOpts })
  })

  it('a volume of memory that nobody named goes with its container', async () => {
    await using engine = await createEngine(options())
    await engine.image(busybox).pull()
    const Options = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' }
    const Mounts: HostConfig['Mounts'] = [{ Type: 'volume', Target: '/d', VolumeOptions: { DriverConfig: { Name: 'local', Options } } }]
    const id = await create(engine, { Mounts, AutoRemove: true }, { Cmd: ['sh', '-c', ': > /d/file'] })
    await start(engine, id)
    await eventually(async () => (await names(engine)).length === 0)
    // Its folder goes after its name.
    await eventually(async () => (await readdir(join(folder, 'root/volumes'))).length === 0)
    const other = await create(engine, { Mounts }, { Cmd: ['sleep', '1000'] })
    await start(engine, other)
    await engine.raw.call(ContainerDelete, { path: { id: other }, query: { force: true, v: true } })
    expect(await names(engine)).toEqual([])
  })

  it('two processes that use one empty volume at once fill it once', async () => {
    const reference = await manyFiles(100)
    await using one = await createEngine(options())
    await using two = await createEngine(options())
    await one.image(reference).pull()
    const counts = await Promise.all(
      [one, two, one, two].map(engine => output(engine, 'ls /many | wc -l', { Binds: ['both:/many'] }, { Image: reference }))
    )
    expect(counts).toEqual(['100\n', '100\n', '100\n', '100\n'])
  })
})

async function readdirOf(path: string): Promise<readonly string[]> {
  return readdir(path).catch(() => [])
}
