import { expect, it } from 'vitest'
import { viewFor } from '../../../../runtime/daemon/version-views.js'

// Needs: nothing.

const view = (id: string, output: unknown, version: string, query = {}) => viewFor(id, output, version, { query })

it('addresses stand with their networks only, since 1.52', () => {
  const container = { Id: 'a', NetworkSettings: { IPAddress: '1.2.3.4', Ports: {}, Networks: {}, SandboxID: 's', SandboxKey: 'k' } }
  expect(view('ContainerInspect', container, '1.51')).toEqual(container)
  expect(view('ContainerInspect', container, '1.52')).toEqual({
    Id: 'a',
    NetworkSettings: { Ports: {}, Networks: {}, SandboxID: 's', SandboxKey: 'k' }
  })
})

it('the size of an image has two names until 1.43', () => {
  expect(view('ImageList', [{ Id: 'a', Size: 1, VirtualSize: 1 }], '1.43')).toEqual([{ Id: 'a', Size: 1, VirtualSize: 1 }])
  expect(view('ImageList', [{ Id: 'a', Size: 1, VirtualSize: 1 }], '1.44')).toEqual([{ Id: 'a', Size: 1 }])
  expect(view('ImageInspect', { Id: 'a', VirtualSize: 1 }, '1.43')).toEqual({ Id: 'a', VirtualSize: 1, Parent: '', DockerVersion: '' })
  expect(view('ImageInspect', { Id: 'a', VirtualSize: 1, Parent: '' }, '1.52')).toEqual({ Id: 'a' })
})

it('disk usage is told in totals since 1.52, with its items when asked for', () => {
  const usage = {
    LayersSize: 10,
    Images: [
      { Size: 6, SharedSize: 0, Containers: 1 },
      { Size: 4, SharedSize: 0, Containers: 0 }
    ],
    Volumes: [{ UsageData: { Size: 7, RefCount: 0 } }]
  }
  expect(view('SystemDataUsage', usage, '1.51')).toBe(usage)
  expect(view('SystemDataUsage', usage, '1.52')).toEqual({
    ImageUsage: { ActiveCount: 1, TotalCount: 2, TotalSize: 10, Reclaimable: 4 },
    VolumeUsage: { ActiveCount: 0, TotalCount: 1, TotalSize: 7, Reclaimable: 7 }
  })
  expect(view('SystemDataUsage', usage, '1.55', { verbose: true })).toHaveProperty('VolumeUsage.Items', usage.Volumes)
})
