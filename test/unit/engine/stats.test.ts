import { describe, expect, it } from 'vitest'
import { ContainerStats, type ContainerStatsResponse } from '../../../src/api/index.js'
import { statsOf } from '../../../src/engine/containers/container-stats.js'
import { FakeEngine } from './kit/fake-engine.js'

/** One second, in which half a processor of two was used. */
const before = { cpu_usage: { total_usage: 1e9 }, system_cpu_usage: 10e9, online_cpus: 2 }
const after = { cpu_usage: { total_usage: 1.5e9 }, system_cpu_usage: 12e9, online_cpus: 2 }

describe('what a container uses', () => {
  it('is computed from a payload of cgroup v1', () => {
    const sample: ContainerStatsResponse = {
      read: '2026-01-01T00:00:01Z',
      cpu_stats: { ...after, online_cpus: undefined, cpu_usage: { total_usage: 1.5e9, percpu_usage: [1e9, 0.5e9] } },
      memory_stats: { usage: 100, limit: 1000, stats: { total_inactive_file: 30, inactive_file: 1 } },
      networks: { eth0: { rx_bytes: 1, tx_bytes: 2 }, eth1: { rx_bytes: 10, tx_bytes: 20 } },
      pids_stats: { current: 3 }
    }
    expect(statsOf(sample, { cpu_stats: before })).toEqual({
      at: new Date('2026-01-01T00:00:01Z'),
      cpuPercent: 50,
      memoryBytes: 70,
      memoryLimitBytes: 1000,
      receivedBytes: 11,
      sentBytes: 22,
      pids: 3
    })
  })

  it('is computed from a payload of cgroup v2', () => {
    const sample = { cpu_stats: after, memory_stats: { usage: 100, stats: { inactive_file: 40 } } }
    expect(statsOf(sample, { cpu_stats: before })).toMatchObject({ cpuPercent: 50, memoryBytes: 60 })
  })

  it('goes by the clock where the engine does not know its host', () => {
    const sample = { read: '2026-01-01T00:00:01Z', cpu_stats: { cpu_usage: { total_usage: 1.5e9 } } }
    const earlier = { read: '2026-01-01T00:00:00Z', cpu_stats: { cpu_usage: { total_usage: 1e9 } } }
    expect(statsOf(sample, earlier).cpuPercent).toBe(50)
  })

  it('comes as a stream whose first sample has nothing to be compared with', async () => {
    const fake = new FakeEngine()
    const container = await fake.engine.image('x').create()
    let isLeft = false
    fake.transport.answer(ContainerStats, async function* () {
      try {
        yield { read: '2026-01-01T00:00:00Z', cpu_stats: before }
        yield { read: '2026-01-01T00:00:01Z', cpu_stats: after }
        yield { read: '2026-01-01T00:00:02Z', cpu_stats: after }
      } finally {
        isLeft = true
      }
    })
    for await (const { cpuPercent } of container.stats()) {
      expect(cpuPercent).toBe(50)
      break
    }
    expect(isLeft).toBe(true)
  })
})
