// Needs: root and the lab (test/lab).
import { SystemInfo } from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { eventually } from './kit/streams.js'

conform('what an engine says of itself', {
  'containers are counted by what they do': async ({ engine, reference }) => {
    const busybox = engine.image(reference('busybox'))
    const counts = async () => {
      const { Containers, ContainersRunning, ContainersPaused, ContainersStopped } = await engine.raw.call(SystemInfo, {})
      return { all: Containers, running: ContainersRunning, paused: ContainersPaused, stopped: ContainersStopped }
    }
    const before = await counts()
    await using running = await busybox.cmd('sleep', '1000').start()
    await using paused = await busybox.cmd('sleep', '1000').start()
    await paused.pause()
    await using stopped = await busybox.cmd('true').start()
    await stopped.wait()
    await using restarting = await busybox.cmd('false').restart('always').start()
    await eventually(async () => ((await restarting.inspect()).RestartCount ?? 0) > 3)
    await eventually(async () => (await restarting.inspect()).State.Status === 'restarting')
    const now = await counts()
    expect(now).toEqual({ all: before.all + 4, running: before.running + 1, paused: before.paused + 1, stopped: before.stopped + 2 })
    expect(running.id).not.toBe('')
  },

  'what it says of the host is so': async ({ engine }) => {
    const info = await engine.raw.call(SystemInfo, {})
    expect(info).toMatchObject({
      Driver: 'overlay2',
      MemoryLimit: true,
      SwapLimit: true,
      CpuCfsPeriod: true,
      CpuCfsQuota: true,
      CPUShares: true,
      CPUSet: true,
      PidsLimit: true,
      CgroupDriver: 'cgroupfs',
      LoggingDriver: 'json-file',
      OSType: 'linux',
      InitBinary: 'docker-init',
      Swarm: { LocalNodeState: 'inactive' },
      IndexServerAddress: 'https://index.docker.io/v1/',
      ExperimentalBuild: false
    })
    expect(Object.keys(info.Runtimes ?? {})).toContain(info.DefaultRuntime)
    expect(info.NFd).toBeGreaterThan(5)
  }
})
