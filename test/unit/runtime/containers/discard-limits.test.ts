import { describe, expect, it } from 'vitest'
import { discardLimits } from '../../../../runtime/containers/discard-limits.js'
import type { CgroupLayout } from '../../../../runtime/host/cgroup-layout.js'

const layout = (version: 1 | 2, ...controllers: string[]): CgroupLayout => ({
  kind: version === 1 ? 'v1' : 'v2',
  hierarchies: [{ version, mountPoint: '/sys/fs/cgroup', controllers }]
})
const all = ['memory', 'cpu', 'cpuset', 'pids']

describe('discardLimits', () => {
  it('leaves alone what the kernel has', () => {
    const asked = { Memory: 64e6, MemorySwappiness: 5, CpuShares: 5, PidsLimit: 5, CpusetCpus: '0', CpuQuota: 5000 }
    const { hostConfig, warnings } = discardLimits(asked, layout(1, ...all))
    expect(hostConfig).toBe(asked)
    expect(warnings).toEqual([])
  })

  it('leaves out what version 2 has no file for', () => {
    const { hostConfig, warnings } = discardLimits({ Memory: 64e6, MemorySwappiness: 5, OomKillDisable: true }, layout(2, ...all))
    expect(hostConfig).toEqual({ Memory: 64e6 })
    expect(warnings).toEqual([
      'Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.',
      'Your kernel does not support OomKillDisable. OomKillDisable discarded.'
    ])
  })

  it('leaves out the limits of controllers that are not there', () => {
    const { hostConfig, warnings } = discardLimits({ Memory: 64e6, CpuShares: 5, PidsLimit: 5, CpusetMems: '0' }, layout(2, 'io'))
    expect(hostConfig).toEqual({ Memory: 0, MemorySwap: -1, CpuShares: 0, PidsLimit: null, CpusetCpus: '', CpusetMems: '' })
    expect(warnings.map(warning => warning.split(' ').slice(-3).join(' '))).toEqual([
      'mounted. Limitation discarded.',
      'PIDs limit discarded.',
      'mounted. Shares discarded.',
      'mounted. Cpuset discarded.'
    ])
  })
})
