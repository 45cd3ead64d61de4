// Needs: root and the lab (test/lab).
import type { Engine } from 'gantry'
import {
  ContainerCreate,
  type ContainerCreateRequest,
  ContainerDelete,
  ContainerInspect,
  ContainerList,
  ContainerStart,
  type Volume,
  VolumeCreate,
  type VolumeCreateRequest,
  VolumeDelete,
  VolumeInspect,
  VolumeList,
  VolumePrune
} from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { eventually } from './kit/streams.js'

const make = (engine: Engine, body: VolumeCreateRequest): Promise<Volume> => engine.raw.call(VolumeCreate, { body })

const remove = (engine: Engine, name: string, force = false) => engine.raw.call(VolumeDelete, { path: { name }, query: { force } })

const names = async (engine: Engine, filters: Record<string, readonly string[]> = {}) =>
  ((await engine.raw.call(VolumeList, { query: { filters } })).Volumes ?? []).map(volume => volume.Name)

const create = async (engine: Engine, body: ContainerCreateRequest): Promise<string> =>
  (await engine.raw.call(ContainerCreate, { body: { Cmd: ['true'], ...body } })).Id

const rm = (engine: Engine, id: string, v = false) => engine.raw.call(ContainerDelete, { path: { id }, query: { v, force: true } })

conform('volumes', {
  'a volume has a name, a folder on the host, and what was said of it': async ({ engine, unique }) => {
    const name = unique('volume')
    const volume = await make(engine, { Name: name, Labels: { colour: 'red' } })
    expect(volume).toMatchObject({ Name: name, Driver: 'local', Scope: 'local', Labels: { colour: 'red' }, Options: null })
    expect(volume.Mountpoint).toMatch(new RegExp(`/volumes/${name}/_data$`))
    expect(volume.CreatedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/)
    expect(await engine.raw.call(VolumeInspect, { path: { name } })).toEqual(volume)
    await remove(engine, name)
  },

  'a volume without a name gets one of 64 digits': async ({ engine }) => {
    const volume = await make(engine, {})
    expect(volume.Name).toMatch(/^[0-9a-f]{64}$/)
    await remove(engine, volume.Name)
  },

  'making a volume that is there gives it back as it is': async ({ engine, unique }) => {
    const name = unique('volume')
    const first = await make(engine, { Name: name, Labels: { a: '1' } })
    expect(await make(engine, { Name: name, Labels: { b: '2' } })).toEqual(first)
    await remove(engine, name)
  },

  'a name that is none is invalid_argument and says the rule': async ({ engine }) => {
    await expectError(make(engine, { Name: 'a' }), 'invalid_argument', /create a: volume name is too short/)
    for (const name of ['-dash', 'slash/es', '../up', '.hidden', 'white space']) {
      await expectError(make(engine, { Name: name }), 'invalid_argument', /includes invalid characters for a local volume name/)
    }
  },

  'a driver that is not there is not_found, an option that is none invalid_argument': async ({ engine, unique }) => {
    const Name = unique('volume')
    await expectError(make(engine, { Name, Driver: 'no-such-driver' }), 'not_found', /plugin "no-such-driver" not found/)
    await expectError(make(engine, { Name, DriverOpts: { nonsense: '1' } }), 'invalid_argument', /invalid option: "nonsense"/)
    await expectError(make(engine, { Name, DriverOpts: { type: 'tmpfs' } }), 'invalid_argument', /missing required option: "device"/)
    expect(await names(engine, { name: [Name] })).toEqual([])
  },

  'a volume that is not there is not_found; forced, its removal is no error': async ({ engine, unique }) => {
    const name = unique('absent')
    await expectError(engine.raw.call(VolumeInspect, { path: { name } }), 'not_found', new RegExp(`get ${name}: no such volume`))
    await expectError(remove(engine, name), 'not_found', new RegExp(`get ${name}: no such volume`))
    await remove(engine, name, true)
  },

  'volumes are listed by name, label, driver and use': async ({ engine, lab, unique }) => {
    const prefix = unique('listed')
    const [one, two] = [`${prefix}-one`, `${prefix}-two`]
    await make(engine, { Name: one, Labels: { kind: 'a', [prefix]: '' } })
    await make(engine, { Name: two, Labels: { kind: 'b', [prefix]: '' } })
    const found = async (filters: Record<string, readonly string[]>) => (await names(engine, { name: [prefix], ...filters })).sort()
    expect(await found({})).toEqual([one, two])
    expect(await found({ name: [`${prefix}-t`] })).toEqual([two])
    expect(await found({ label: [prefix] })).toEqual([one, two])
    expect(await found({ label: ['kind=b'] })).toEqual([two])
    expect(await found({ label: ['kind=b', 'kind=a'] })).toEqual([])
    expect(await found({ driver: ['local'] })).toEqual([one, two])
    expect(await found({ driver: ['other'] })).toEqual([])
    const id = await create(engine, { Image: lab.images.busybox ?? '', HostConfig: { Binds: [`${one}:/data`] } })
    expect(await found({ dangling: ['true'] })).toEqual([two])
    expect(await found({ dangling: ['false'] })).toEqual([one])
    await rm(engine, id)
    await remove(engine, one)
    await remove(engine, two)
    await expectError(names(engine, { nonsense: ['1'] }), 'invalid_argument', /nvalid filter 'nonsense/)
    await expectError(names(engine, { dangling: ['perhaps'] }), 'invalid_argument', /nvalid filter 'dangling/)
  },

  'a list of volumes has no warnings': async ({ engine }) => {
    expect(await engine.raw.call(VolumeList, { query: { filters: { name: ['no-such-volume'] } } })).toEqual({ Volumes: [], Warnings: null })
  },

  'a volume that a container uses cannot be removed: conflict, with the container': async ({ engine, lab, unique }) => {
    const name = unique('used')
    const id = await create(engine, { Image: lab.images.busybox ?? '', HostConfig: { Binds: [`${name}:/data`] } })
    for (const force of [false, true]) {
      await expectError(remove(engine, name, force), 'conflict', new RegExp(`remove ${name}: volume is in use - \\[${id}\\]`))
    }
    await rm(engine, id, true)
    // A volume with a name never goes with a container.
    await remove(engine, name)
  },

  'what one container writes, the next one reads': async ({ engine, image, lab, unique }) => {
    const name = unique('shared')
    const Image = lab.images.busybox ?? ''
    const HostConfig = { Binds: [`${name}:/data`] }
    const id = await create(engine, { Image, Cmd: ['sh', '-c', 'echo kept > /data/file'], HostConfig })
    await engine.raw.call(ContainerStart, { path: { id } })
    await (await engine.container(id)).wait()
    await rm(engine, id)
    const reader = await create(engine, { Image, Cmd: ['cat', '/data/file'], HostConfig: { Binds: [`${name}:/data:ro`] } })
    await engine.raw.call(ContainerStart, { path: { id: reader } })
    const container = await engine.container(reader)
    expect(await container.wait()).toEqual({ exitCode: 0 })
    expect(await container.logs().text()).toBe('kept\n')
    await rm(engine, reader)
    await remove(engine, name)
    expect((await image.run(['true'])).exitCode).toBe(0)
  },

  "an image's VOLUME is a volume of the container's own, with what the image has there": async ({ engine, publish }) => {
    const reference = await publish({
      settings: { Cmd: ['sh'], Volumes: { '/data': {} } },
      entries: [
        { kind: 'folder', path: 'data', mode: 0o750, uid: 7, gid: 8 },
        { kind: 'file', path: 'data/seed', content: 'from the image', mode: 0o640, uid: 9 },
        { kind: 'symlink', path: 'data/link', to: 'seed' }
      ]
    })
    await engine.image(reference).pull()
    const id = await create(engine, {
      Image: reference,
      Cmd: ['sh', '-c', "cat /data/link; stat -c ' %a %u %g' /data; stat -c '%a %u' /data/seed; grep -c ' /data ' /proc/mounts"]
    })
    const { Mounts } = await engine.raw.call(ContainerInspect, { path: { id } })
    expect(Mounts).toMatchObject([{ Type: 'volume', Destination: '/data', Driver: 'local', Mode: '', RW: true, Propagation: '' }])
    const volume = Mounts?.[0]?.Name ?? ''
    expect(volume).toMatch(/^[0-9a-f]{64}$/)
    await engine.raw.call(ContainerStart, { path: { id } })
    const container = await engine.container(id)
    await container.wait()
    expect(await container.logs().text()).toBe('from the image 750 7 8\n640 9\n1\n')
    await rm(engine, id)
    expect(await names(engine, { name: [volume] })).toEqual([volume])
    await remove(engine, volume)
  },

  'volumes that nobody named go with the container where that is asked for, and with auto-remove': async ({ engine, lab }) => {
    const Image = lab.images.busybox ?? ''
    const nameOf = async (id: string) => (await engine.raw.call(ContainerInspect, { path: { id } })).Mounts?.[0]?.Name ?? ''
    const removed = await create(engine, { Image, Volumes: { '/data': {} } })
    const first = await nameOf(removed)
    expect(await names(engine, { name: [first] })).toEqual([first])
    await rm(engine, removed, true)
    expect(await names(engine, { name: [first] })).toEqual([])
    const goes = await create(engine, { Image, Cmd: ['true'], Volumes: { '/data': {} }, HostConfig: { AutoRemove: true } })
    const second = await nameOf(goes)
    await engine.raw.call(ContainerStart, { path: { id: goes } })
    await eventually(async () => (await names(engine, { name: [second] })).length === 0)
  },

  'an empty volume takes what the image has, one that has something stays as it is': async ({ engine, lab, unique }) => {
    const Image = lab.images.busybox ?? ''
    const name = unique('filled')
    const output = async (cmd: string, bind: string) => {
      const id = await create(engine, { Image, Cmd: ['/usr/../bin/sh', '-c', cmd], HostConfig: { Binds: [bind] } })
      await engine.raw.call(ContainerStart, { path: { id } })
      const container = await engine.container(id)
      await container.wait()
      const text = await container.logs().text()
      await rm(engine, id)
      return text
    }
    expect(await output('ls /volume | wc -l; : > /volume/own', `${name}:/volume`)).toBe('0\n')
    expect(await output('ls /etc', `${name}:/etc`)).toContain('own')
    await remove(engine, name)
    const etc = await output('ls /etc | grep passwd', `${name}:/etc`)
    expect(etc).toBe('passwd\n')
    expect(await output('ls /x/passwd', `${name}:/x`)).toBe('/x/passwd\n')
    await remove(engine, name)
    expect(await output('ls /etc/passwd', `${name}:/etc:nocopy`)).toContain('No such file')
    await remove(engine, name)
  },

  'the volumes of another container are mounted where it has them, read-only on request': async ({ engine, lab, unique }) => {
    const Image = lab.images.busybox ?? ''
    const name = unique('from')
    const source = await create(engine, { Image, HostConfig: { Binds: [`${name}:/data`, '/etc:/host:ro'] }, Volumes: { '/own': {} } })
    const mountsOf = async (from: string) => {
      const id = await create(engine, { Image, HostConfig: { VolumesFrom: [from] } })
      const { Mounts = [] } = await engine.raw.call(ContainerInspect, { path: { id } })
      await rm(engine, id)
      return Object.fromEntries((Mounts ?? []).map(mount => [mount.Destination, { Type: mount.Type, Mode: mount.Mode, RW: mount.RW }]))
    }
    expect(await mountsOf(source)).toEqual({
      '/data': { Type: 'volume', Mode: '', RW: true },
      '/host': { Type: 'bind', Mode: '', RW: false },
      '/own': { Type: 'volume', Mode: '', RW: true }
    })
    expect((await mountsOf(`${source}:ro`))['/data']).toEqual({ Type: 'volume', Mode: '', RW: false })
    await expectError(mountsOf('no-such-container'), 'invalid_argument', /No such container: no-such-container/)
    await expectError(mountsOf(`${source}:nonsense`), 'invalid_argument', /invalid mode: nonsense/)
    await rm(engine, source, true)
    await remove(engine, name)
  },

  'containers are listed by the volume, its source or its place': async ({ engine, lab, unique }) => {
    const name = unique('byvolume')
    const id = await create(engine, { Image: lab.images.busybox ?? '', HostConfig: { Binds: [`${name}:/by-volume`, '/usr/lib:/lib2:ro'] } })
    const found = async (volume: string) =>
      (await engine.raw.call(ContainerList, { query: { all: true, filters: { volume: [volume] } } })).map(entry => entry.Id)
    expect(await found(name)).toEqual([id])
    expect(await found('/by-volume')).toEqual([id])
    expect(await found('/usr/lib')).toEqual([id])
    expect(await found('by-volume')).toEqual([])
    await rm(engine, id)
    await remove(engine, name)
  },

  'what no container uses is pruned, by label': async ({ engine, lab, unique }) => {
    const mark = unique('prune')
    const [used, unused, other] = [`${mark}-used`, `${mark}-unused`, `${mark}-other`]
    for (const Name of [used, unused]) await make(engine, { Name, Labels: { [mark]: 'yes' } })
    await make(engine, { Name: other })
    const anonymous = await make(engine, { Labels: { [mark]: 'yes' } })
    const id = await create(engine, { Image: lab.images.busybox ?? '', HostConfig: { Binds: [`${used}:/data`] } })
    const pruned = await engine.raw.call(VolumePrune, { query: { filters: { label: [mark] } } })
    // Since API 1.42 those with names stay.
    expect(pruned.VolumesDeleted).toContain(anonymous.Name)
    expect(pruned.VolumesDeleted).not.toContain(used)
    expect(pruned.VolumesDeleted).not.toContain(other)
    expect(pruned.SpaceReclaimed).toBe(0)
    await rm(engine, id)
    await remove(engine, used)
    await remove(engine, other)
    await remove(engine, unused, true)
    await expectError(
      engine.raw.call(VolumePrune, { query: { filters: { nonsense: ['1'] } } }),
      'invalid_argument',
      /nvalid filter 'nonsense/
    )
  }
})
