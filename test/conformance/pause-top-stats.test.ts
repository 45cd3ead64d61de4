// Needs: root and the lab (test/lab).
import { ContainerPause, ContainerStats, ContainerTop, ContainerUnpause, ContainerUpdate } from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { exec } from './kit/exec.js'
import { collect } from './kit/streams.js'

const busy = ['sleep', '1000'] as const

conform('pause, top, stats, update', {
  'a paused container is shown as paused, and goes on when it is let': async ({ engine, image }) => {
    const container = await image.cmd('sh', '-c', 'while :; do date +%s%N; sleep 0.05; done').start()
    const path = { id: container.id }
    await engine.raw.call(ContainerPause, { path })
    expect((await container.inspect()).State).toMatchObject({ Status: 'paused', Running: true, Paused: true })
    const before = await container.logs().text()
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(await container.logs().text()).toBe(before)
    await engine.raw.call(ContainerUnpause, { path })
    expect((await container.inspect()).State).toMatchObject({ Status: 'running', Paused: false })
  },

  'pausing twice, or what does not run, is refused; so is letting go on what is not paused': async ({ engine, image }) => {
    const container = await image.cmd(...busy).start()
    const path = { id: container.id }
    await engine.raw.call(ContainerPause, { path })
    await expectError(engine.raw.call(ContainerPause, { path }), 'conflict', /already paused/)
    await engine.raw.call(ContainerUnpause, { path })
    await expectError(engine.raw.call(ContainerUnpause, { path }), ['conflict', 'failed'], /is not paused/)
    await container.stop({ grace: 0 })
    await expectError(engine.raw.call(ContainerPause, { path }), 'conflict', /is not running/)
  },

  'exec in a paused container is a conflict': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    await engine.raw.call(ContainerPause, { path: { id } })
    await expectError(exec(engine, id, { Cmd: ['true'] }), 'conflict', /is paused/)
  },

  'a paused container can be killed, stopped and removed': async ({ engine, image }) => {
    for (const end of ['kill', 'stop', 'remove'] as const) {
      const container = await image.cmd(...busy).start()
      await engine.raw.call(ContainerPause, { path: { id: container.id } })
      if (end === 'kill') await container.kill()
      else if (end === 'stop') await container.stop({ grace: 0 })
      else await container.remove({ force: true })
      if (end !== 'remove') expect((await container.state()).status).toBe('exited')
    }
  },

  'top shows the processes of the container and no other': async ({ engine, image }) => {
    const { id } = await image.cmd('sh', '-c', 'sleep 1001 & sleep 1002; true').start()
    const { Titles, Processes } = await engine.raw.call(ContainerTop, { path: { id } })
    const command = Titles.indexOf('CMD')
    expect(Processes.map(row => row[command]).sort()).toEqual(['sh -c sleep 1001 & sleep 1002; true', 'sleep 1001', 'sleep 1002'])
    expect(Titles).toEqual(['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'])
  },

  'top takes arguments of ps': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    const { Titles, Processes } = await engine.raw.call(ContainerTop, { path: { id }, query: { ps_args: '-o pid,comm' } })
    expect(Titles).toEqual(['PID', 'COMMAND'])
    expect(Processes.map(row => row[1])).toEqual(['sleep'])
  },

  'top of what does not run is refused': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).create()
    await expectError(engine.raw.call(ContainerTop, { path: { id } }), ['conflict', 'failed'], /is not running/)
  },

  'one sample is given when one is asked for': async ({ engine, image }) => {
    const container = await image.cmd(...busy).start()
    const query = { stream: false, 'one-shot': true }
    const samples = await collect(await engine.raw.call(ContainerStats, { path: { id: container.id }, query }))
    expect(samples).toHaveLength(1)
    expect(samples[0]).toMatchObject({ id: container.id, name: `/${container.name}` })
  },

  'a stream of samples can be left': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    let count = 0
    for await (const _ of await engine.raw.call(ContainerStats, { path: { id } })) if (++count === 2) break
    expect(count).toBe(2)
  },

  'limits can be changed while it runs': async ({ engine, image }) => {
    const container = await image.cmd(...busy).start()
    const body = {
      Memory: 64 * 1024 ** 2,
      MemorySwap: 128 * 1024 ** 2,
      CpuShares: 512,
      CpuQuota: 50_000,
      CpuPeriod: 100_000,
      PidsLimit: 77
    }
    await engine.raw.call(ContainerUpdate, { path: { id: container.id }, body })
    expect((await container.inspect()).HostConfig).toMatchObject(body)
    const read = async (file: string) => (await exec(engine, container.id, { Cmd: ['cat', `/sys/fs/cgroup/${file}`] })).stdout.trim()
    const files = [
      'memory/memory.limit_in_bytes',
      'memory/memory.memsw.limit_in_bytes',
      'cpu/cpu.shares',
      'cpu/cpu.cfs_quota_us',
      'pids/pids.max'
    ]
    const values = await Promise.all(files.map(read))
    // A host with the second version of control groups has other files.
    if (values[0] !== '') expect(values).toEqual(['67108864', '134217728', '512', '50000', '77'])
  },

  'a memory limit that is too small is refused': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    await expectError(
      engine.raw.call(ContainerUpdate, { path: { id }, body: { Memory: 1024 } }),
      'invalid_argument',
      /Minimum memory limit allowed is 6MB/
    )
  }
})
