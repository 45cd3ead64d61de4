import { describe, expect, it } from 'vitest'
import { planMounts } from '../../../../runtime/volumes/plan-mounts.js'
import type { MountPoint } from '../../../../runtime/volumes/volume-record.js'
import type { HostConfig } from '../../../../src/api/index.js'

const plan = (hostConfig: HostConfig, Volumes: Record<string, object> = {}, other: readonly MountPoint[] = []) =>
  planMounts({ config: { Volumes }, hostConfig, mountsOf: () => other })

const only = (hostConfig: HostConfig) => plan(hostConfig).mounts[0]

describe('planMounts', () => {
  it('takes a path of the host for a bind and a word for a volume', () => {
    expect(only({ Binds: ['/a/../b/:/c/'] })).toEqual({
      type: 'bind',
      source: '/b',
      destination: '/c',
      mode: '',
      readOnly: false,
      propagation: 'rprivate',
      makesSource: true,
      recursive: true
    })
    expect(only({ Binds: ['data:/c:nocopy,ro'] })).toMatchObject({
      type: 'volume',
      name: 'data',
      anonymous: false,
      mode: 'nocopy,ro',
      readOnly: true,
      copies: false
    })
  })

  it('makes a name up for a volume that has none', () => {
    const { mounts, volumes } = plan({ Binds: ['/c'] }, { '/d': {} })
    expect(mounts.map(mount => mount.destination)).toEqual(['/c', '/d'])
    expect(volumes.map(volume => volume.name)).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{64}$/)])
    expect(volumes[0]?.labels).toEqual({ 'com.docker.volume.anonymous': '' })
  })

  it("leaves the image's volume out where the caller mounts something", () => {
    expect(plan({ Binds: ['/a:/d'] }, { '/d/': {} }).volumes).toEqual([])
    expect(plan({ Tmpfs: { '/d': '' } }, { '/d': {} }).mounts).toEqual([])
  })

  it('takes the mounts of other containers, read-only where that is said, and lets its own win', () => {
    const other = plan({ Binds: ['data:/d', '/etc:/e:ro'] }).mounts
    const { mounts } = plan({ VolumesFrom: ['x:ro'], Binds: ['/tmp:/e'] }, {}, other)
    expect(mounts).toMatchObject([
      { destination: '/d', name: 'data', readOnly: true, mode: '' },
      { destination: '/e', source: '/tmp', readOnly: false }
    ])
  })

  it.each<[HostConfig, string]>([
    [{ Binds: [':/d'] }, "invalid volume specification: ':/d'"],
    [{ Binds: ['/d:ro'] }, "invalid volume specification: '/d:ro'"],
    [{ Binds: ['a:/b:ro:x'] }, "invalid volume specification: 'a:/b:ro:x'"],
    [{ Binds: ['/a:/'] }, "destination can't be '/'"],
    [{ Binds: ['/a:/b/..'] }, "destination can't be '/'"],
    [{ Binds: ['volume:rel'] }, "invalid mount path: 'rel' mount path must be absolute"],
    [{ Binds: ['/a:/b:zz'] }, 'invalid mode: zz'],
    [{ Binds: ['/a:/b:ro,rw'] }, 'invalid mode: ro,rw'],
    [{ Binds: ['/a:/b:z,Z'] }, 'invalid mode: z,Z'],
    [{ Binds: ['/a:/b:nocopy'] }, 'field VolumeOptions must not be specified'],
    [{ Binds: ['volume:/b:rslave'] }, 'field BindOptions must not be specified'],
    [{ Binds: ['v:/b'] }, 'volume name is too short'],
    [{ Binds: ['../x:/b'] }, 'includes invalid characters for a local volume name'],
    [{ Binds: ['volume:/b'], VolumeDriver: 'magic' }, 'error looking up volume plugin magic: plugin "magic" not found'],
    [{ Binds: ['/a:/b', '/c:/b/'] }, 'Duplicate mount point: /b'],
    [{ Binds: ['/a:/b'], Tmpfs: { '/b': '' } }, 'Duplicate mount point: /b'],
    [
      {
        Mounts: [
          { Type: 'volume', Target: '/b' },
          { Type: 'tmpfs', Target: '/b/' }
        ]
      },
      'Duplicate mount point: /b/'
    ],
    [{ Mounts: [{ Type: 'bind', Source: '/no/such/path', Target: '/b' }] }, 'bind source path does not exist: /no/such/path'],
    [{ Mounts: [{ Type: 'bind', Source: 'tmp', Target: '/b' }] }, "invalid mount path: 'tmp' mount path must be absolute"],
    [{ Mounts: [{ Type: 'bind', Source: '/', Target: '/b', VolumeOptions: {} }] }, 'field VolumeOptions must not be specified'],
    [{ Mounts: [{ Type: 'bind', Target: '/b' }] }, 'field Source must not be empty'],
    [{ Mounts: [{ Type: 'volume', Source: 'vv' }] }, 'field Target must not be empty'],
    [{ Mounts: [{ Type: 'volume', Source: '/abs', Target: '/b' }] }, 'includes invalid characters'],
    [{ Mounts: [{ Type: 'volume', ReadOnly: true, Target: '/b' }] }, 'must not set ReadOnly mode when using anonymous volumes'],
    [{ Mounts: [{ Type: 'tmpfs', Source: 'x', Target: '/b' }] }, 'field Source must not be specified'],
    [{ Mounts: [{ Type: 'npipe', Source: 'x', Target: '/b' }] }, 'mount type unknown'],
    [{ Mounts: [{ Type: 'image', Source: 'x', Target: '/b' }] }, 'mounts of type image are not built yet'],
    [{ Tmpfs: { relative: '' } }, "invalid mount path: 'relative' mount path must be absolute"],
    [{ VolumesFrom: [''] }, 'volumes-from specification cannot be an empty string'],
    [{ VolumesFrom: ['x:foo'] }, 'invalid mode: foo']
  ])('refuses %j', (hostConfig, message) => {
    expect(() => plan(hostConfig)).toThrow(message)
  })

  it('refuses volumes at no absolute path', () => {
    expect(() => plan({}, { d: {} })).toThrow('must be absolute')
    expect(() => plan({}, { '/': {} })).toThrow("destination can't be '/'")
  })
})
