// Needs: root and the lab (test/lab). Host folders are made on this machine: the engines under test run on it.
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from 'gantry'
import {
  ContainerCreate,
  type ContainerCreateRequest,
  ContainerDelete,
  ContainerInspect,
  ContainerStart,
  type EventMessage,
  type HostConfig,
  SystemEvents,
  VolumeDelete,
  VolumeInspect
} from 'gantry/api'
import { expect } from 'vitest'
import { type Behaviour, type Context, conform } from './conform.js'
import { expectError } from './kit/errors.js'

interface Tools extends Context {
  /** A folder of this machine, removed afterwards. */
  readonly folder: string
  create(hostConfig: HostConfig, more?: ContainerCreateRequest): Promise<string>
  /** What a shell script says with these mounts, both streams. */
  output(script: string, hostConfig: HostConfig, more?: ContainerCreateRequest): Promise<string>
}

const rmContainer = (engine: Engine, id: string) => engine.raw.call(ContainerDelete, { path: { id }, query: { v: true, force: true } })

const rmVolume = (engine: Engine, name: string) => engine.raw.call(VolumeDelete, { path: { name } })

function withTools(behaviour: (tools: Tools) => Promise<void>): Behaviour {
  return async context => {
    const { engine, lab } = context
    const folder = await mkdtemp(join(tmpdir(), 'gantry-mounts-'))
    await chmod(folder, 0o755)
    const create: Tools['create'] = async (HostConfig, more = {}) =>
      (await engine.raw.call(ContainerCreate, { body: { Image: lab.images.busybox ?? '', Cmd: ['true'], HostConfig, ...more } })).Id
    const output: Tools['output'] = async (script, hostConfig, more) => {
      const id = await create(hostConfig, { Cmd: ['/bin/sh', '-c', `exec 2>&1; ${script}`], ...more })
      await engine.raw.call(ContainerStart, { path: { id } })
      const container = await engine.container(id)
      await container.wait()
      const text = await container.logs().text()
      await rmContainer(engine, id)
      return text
    }
    try {
      await behaviour({ ...context, folder, create, output })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
}

conform('mounts', {
  'a folder of the host is read and written': withTools(async ({ folder, output }) => {
    await writeFile(join(folder, 'in'), 'from the host')
    expect(await output('cat /data/in; echo back > /data/out', { Binds: [`${folder}:/data`] })).toBe('from the host')
    expect(await readFile(join(folder, 'out'), 'utf8')).toBe('back\n')
  }),

  'what is mounted read-only cannot be written': withTools(async ({ folder, output, unique, engine }) => {
    await chmod(folder, 0o777)
    const name = unique('read-only')
    const Mounts = [
      { Type: 'bind' as const, Source: folder, Target: '/b', ReadOnly: true },
      { Type: 'volume' as const, Source: name, Target: '/c', ReadOnly: true },
      { Type: 'tmpfs' as const, Target: '/d', ReadOnly: true }
    ]
    const text = await output('for f in a b c d; do echo x > /$f/file; done', { Binds: [`${folder}:/a:ro`], Mounts })
    expect(text.match(/Read-only file system/g)).toHaveLength(4)
    await rmVolume(engine, name)
  }),

  'a missing folder of the host is made for a bind, and refused for a mount': withTools(async ({ folder, output, create }) => {
    const missing = join(folder, 'new/deep')
    expect(await output('stat -c %a /data; : > /data/file', { Binds: [`${missing}:/data`] })).toBe('755\n')
    expect((await stat(join(missing, 'file'))).isFile()).toBe(true)
    expect((await stat(join(folder, 'new'))).mode & 0o777).toBe(0o755)
    await expectError(
      create({ Mounts: [{ Type: 'bind', Source: join(folder, 'absent'), Target: '/data' }] }),
      'invalid_argument',
      /^.*invalid mount config for type "bind": bind source path does not exist: .*absent/
    )
  }),

  'a file stands over a file of the image, and where there is none': withTools(async ({ folder, output }) => {
    const file = join(folder, 'file')
    await writeFile(file, 'own\n')
    expect(await output('cat /etc/passwd /new/place/file', { Binds: [`${file}:/etc/passwd`, `${file}:/new/place/file`] })).toBe(
      'own\nown\n'
    )
  }),

  'a file can be read-only': withTools(async ({ folder, output }) => {
    const file = join(folder, 'file')
    await writeFile(file, 'own\n')
    const text = await output('cat /new/file; echo x > /new/file', { Binds: [`${file}:/new/file:ro`] })
    expect(text).toMatch(/^own\n.*Read-only file system/)
  }),

  'a folder over a file is refused at the start, and nothing runs': withTools(async ({ engine, folder, create }) => {
    const id = await create({ Binds: [`${folder}:/etc/passwd`] })
    await expectError(engine.raw.call(ContainerStart, { path: { id } }), ['failed', 'invalid_argument'])
    expect((await engine.raw.call(ContainerInspect, { path: { id } })).State?.Running).toBe(false)
    await rmContainer(engine, id)
  }),

  'a volume over a file of the image is refused when it is made': withTools(async ({ engine, create, unique }) => {
    const name = unique('over-file')
    await expectError(create({ Binds: [`${name}:/etc/passwd`] }), 'failed', /is not (a )?directory/)
    await engine.raw.call(VolumeDelete, { path: { name }, query: { force: true } })
  }),

  'mounts stand inside each other, whatever their order': withTools(async ({ folder, output }) => {
    await mkdir(join(folder, 'outer/inner/core'), { recursive: true })
    await mkdir(join(folder, 'inner/core'), { recursive: true })
    await mkdir(join(folder, 'core'))
    await writeFile(join(folder, 'core/file'), 'core')
    const Binds = [`${folder}/core:/x/inner/core`, `${folder}/inner:/x/inner`, `${folder}/outer:/x`]
    expect(await output("cat /x/inner/core/file; awk '$2 ~ /^.x/ {print $2}' /proc/mounts", { Binds })).toBe(
      'core/x\n/x/inner\n/x/inner/core\n'
    )
  }),

  'links on the way to the place lead to places in the container': withTools(async ({ engine, folder, output, publish }) => {
    const reference = await publish({
      entries: [
        { kind: 'symlink', path: 'up', to: '../../../../tmp' },
        { kind: 'symlink', path: 'abs', to: '/var/absolute' },
        { kind: 'folder', path: 'var/absolute' }
      ]
    })
    await engine.image(reference).pull()
    await writeFile(join(folder, 'file'), '')
    const text = await output(
      "awk '$2 ~ /here/ {print $2}' /proc/mounts",
      { Binds: [`${folder}:/up/here1`, `${folder}:/abs/here2`] },
      { Image: reference }
    )
    expect(text.split('\n').sort()).toEqual(['', '/tmp/here1', '/var/absolute/here2'])
  }),

  'memory is mounted with its size and mode': withTools(async ({ output }) => {
    const text = await output("awk '$2 ~ /^.t[1-4]/ {print $2, $3, $4}' /proc/mounts; stat -c '%n %a' /t1 /t2 /t3 /t4", {
      Tmpfs: { '/t1': '', '/t2': 'exec,size=2m,mode=711' },
      Mounts: [
        { Type: 'tmpfs', Target: '/t3' },
        { Type: 'tmpfs', Target: '/t4', TmpfsOptions: { SizeBytes: 1 << 20, Mode: 0o700 } }
      ]
    })
    const mounts = Object.fromEntries(
      text
        .split('\n')
        .filter(line => line.includes('tmpfs'))
        .map(line => [line.split(' ')[0], (line.split(' ')[2] ?? '').split(',').filter(option => !option.startsWith('inode'))])
    )
    expect(mounts['/t1']).toEqual(['rw', 'nosuid', 'nodev', 'noexec', 'relatime'])
    expect(mounts['/t2']).toEqual(['rw', 'nosuid', 'nodev', 'relatime', 'size=2048k', 'mode=711'])
    expect(mounts['/t3']).toEqual(['rw', 'nosuid', 'nodev', 'noexec', 'relatime'])
    expect(mounts['/t4']).toEqual(['rw', 'nosuid', 'nodev', 'noexec', 'relatime', 'size=1024k', 'mode=700'])
    expect(text).toContain('/t1 1777\n/t2 711\n/t3 1777\n/t4 700\n')
  }),

  'inspect shows what is mounted, by type': withTools(async ({ engine, folder, create, unique }) => {
    const name = unique('shown')
    const id = await create({
      Binds: [`${name}:/v`, `${name}:/v2:nocopy,ro`, `${folder}:/b`, `${folder}:/b2:ro,private`],
      Mounts: [
        { Type: 'volume', Source: name, Target: '/m1/' },
        { Type: 'bind', Source: folder, Target: '/m2', ReadOnly: true, BindOptions: { Propagation: 'private', NonRecursive: true } },
        { Type: 'tmpfs', Target: '/m3' }
      ],
      Tmpfs: { '/not-shown': '' }
    })
    const { Mounts } = await engine.raw.call(ContainerInspect, { path: { id } })
    const { Mountpoint } = await engine.raw.call(VolumeInspect, { path: { name } })
    const volume = { Type: 'volume', Name: name, Source: Mountpoint, Driver: 'local', Propagation: '' }
    const byPlace = [...(Mounts ?? [])].sort((a, b) => ((a.Destination ?? '') < (b.Destination ?? '') ? -1 : 1))
    // A bind that holds the engine's own data gets another propagation by default.
    const Propagation = expect.stringMatching(/^(rprivate|rslave)$/)
    expect(byPlace).toEqual([
      { Type: 'bind', Source: folder, Destination: '/b', Mode: '', RW: true, Propagation },
      { Type: 'bind', Source: folder, Destination: '/b2', Mode: 'ro,private', RW: false, Propagation: 'private' },
      { ...volume, Destination: '/m1', Mode: 'z', RW: true },
      { Type: 'bind', Source: folder, Destination: '/m2', Mode: '', RW: false, Propagation: 'private' },
      { Type: 'tmpfs', Source: '', Destination: '/m3', Mode: '', RW: true, Propagation: '' },
      { ...volume, Destination: '/v', Mode: 'z', RW: true },
      { ...volume, Destination: '/v2', Mode: 'nocopy,ro', RW: false }
    ])
    await rmContainer(engine, id)
    await rmVolume(engine, name)
  }),

  'two mounts at one place, and mounts that cannot be, are refused': withTools(async ({ folder, create }) => {
    const bind = { Type: 'bind' as const, Source: folder, Target: '/d' }
    for (const [hostConfig, message] of [
      [{ Binds: [`${folder}:/d`, '/tmp:/d'] }, /Duplicate mount point: \/d/],
      [{ Binds: [`${folder}:/d`], Mounts: [{ Type: 'tmpfs' as const, Target: '/d' }] }, /Duplicate mount point: \/d/],
      [{ Binds: [`${folder}:/d`], Tmpfs: { '/d': '' } }, /Duplicate mount point: \/d/],
      [{ Binds: [`${folder}:/`] }, /invalid specification: destination can't be '\/'/],
      [{ Binds: [`${folder}:/d:nonsense`] }, /invalid mode: nonsense/],
      [{ Binds: ['volume:rel'] }, /invalid mount path: 'rel' mount path must be absolute/],
      [{ Mounts: [{ ...bind, Target: '' }] }, /field Target must not be empty/],
      [{ Mounts: [{ ...bind, Source: 'relative' }] }, /invalid mount path: 'relative' mount path must be absolute/],
      [{ Mounts: [{ ...bind, VolumeOptions: {} }] }, /field VolumeOptions must not be specified/],
      [{ Mounts: [{ Type: 'volume' as const, Target: '/d', BindOptions: {} }] }, /field BindOptions must not be specified/],
      [{ Mounts: [{ Type: 'tmpfs' as const, Source: 'x', Target: '/d' }] }, /field Source must not be specified/],
      [{ Mounts: [{ ...bind, Type: 'npipe' as const }] }, /mount type unknown/],
      [{ Tmpfs: { relative: '' } }, /invalid mount path: 'relative' mount path must be absolute/]
    ] as const) {
      // dockerd 20.10 answers 500 to the errors of a short bind, later ones 400.
      await expectError(create(hostConfig), ['invalid_argument', 'failed'], message)
    }
  }),

  'a propagation needs a source that has it': withTools(async ({ engine, folder, create }) => {
    for (const mode of ['rshared', 'rslave']) {
      const id = await create({ Binds: [`${folder}:/d:${mode}`] })
      const started = await engine.raw.call(ContainerStart, { path: { id } }).then(
        () => 'started',
        error => String(error)
      )
      expect(started).toMatch(
        (await isShared(folder))
          ? /^started$/
          : mode === 'rshared'
            ? /but it is not a shared mount/
            : /but it is not a shared or slave mount/
      )
      await rmContainer(engine, id)
    }
  }),

  'a volume can be a folder that somebody named, or memory, shared by those who use it at a time': withTools(
    async ({ engine, folder, create, output, unique }) => {
      const named = unique('named')
      await writeFile(join(folder, 'file'), 'named')
      const bind = { Type: 'none', Options: { type: 'none', o: 'bind', device: folder } }
      const Mounts = [
        { Type: 'volume' as const, Source: named, Target: '/d', VolumeOptions: { DriverConfig: { Name: 'local', Options: bind.Options } } }
      ]
      expect(await output('cat /d/file', { Mounts })).toBe('named')
      expect(await engine.raw.call(VolumeInspect, { path: { name: named } })).toMatchObject({ Options: bind.Options })
      await rmVolume(engine, named)
      expect((await stat(join(folder, 'file'))).isFile()).toBe(true)

      const memory = unique('memory')
      const Options = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,uid=1000' }
      const shared = [
        { Type: 'volume' as const, Source: memory, Target: '/d', VolumeOptions: { DriverConfig: { Name: 'local', Options } } }
      ]
      const id = await create({ Mounts: shared }, { Cmd: ['/bin/sh', '-c', 'echo kept > /d/file; sleep 1000'] })
      await engine.raw.call(ContainerStart, { path: { id } })
      expect(
        await output('until cat /d/file 2>/dev/null; do sleep 0.05; done; stat -c %u /d; awk \'$2 == "/d" {print $3, $4}\' /proc/mounts', {
          Mounts: shared
        })
      ).toMatch(/^kept\n1000\ntmpfs rw,relatime,size=1024k,uid=1000/)
      await rmContainer(engine, id)
      expect(await output('ls /d | wc -l', { Mounts: shared })).toBe('0\n')
      await rmVolume(engine, memory)
    }
  ),

  'volumes are told of when they are made, mounted, unmounted and removed': withTools(async ({ engine, output, unique }) => {
    const name = unique('told')
    const since = String(Date.now() / 1000)
    await output('true', { Binds: [`${name}:/data:ro`] })
    await rmVolume(engine, name)
    const messages: EventMessage[] = []
    for await (const message of await engine.raw.call(SystemEvents, { query: { since, filters: { type: ['volume'] } } })) {
      if (message.Actor.ID !== name) continue
      messages.push(message)
      if (message.Action === 'destroy') break
    }
    expect(messages.map(({ Action, Actor }) => [Action, Actor.Attributes])).toEqual([
      ['create', { driver: 'local' }],
      [
        'mount',
        {
          container: expect.stringMatching(/^[0-9a-f]{64}$/),
          destination: '/data',
          driver: 'local',
          propagation: '',
          'read/write': 'false'
        }
      ],
      ['unmount', { container: messages[1]?.Actor.Attributes.container, driver: 'local' }],
      ['destroy', { driver: 'local' }]
    ])
  })
})

/** Whether the mount that a path is on hands on what is mounted below it. */
async function isShared(path: string): Promise<boolean> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map(line => line.split(' '))
  const holding = mounts.filter(fields => path === fields[4] || path.startsWith(fields[4] === '/' ? '/' : `${fields[4]}/`))
  const [nearest] = holding.sort((a, b) => (b[4] ?? '').length - (a[4] ?? '').length)
  return nearest?.some(field => field.startsWith('shared:')) ?? false
}
