// Needs: root and the lab (test/lab).
import { availableParallelism } from 'node:os'
import {
  ContainerCreate,
  ContainerList,
  ContainerPause,
  ContainerStart,
  ContainerStats,
  ContainerTop,
  ContainerUnpause,
  ContainerUpdate,
  type ContainerUpdateRequest,
  SystemEvents
} from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { exec } from './kit/exec.js'
import { collect, eventually } from './kit/streams.js'

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
    await expectError(engine.raw.call(ContainerUnpause, { path }), 'failed', /is not paused/)
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
    await expectError(engine.raw.call(ContainerTop, { path: { id } }), 'conflict', /is not running/)
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
  },

  'a paused container is listed as paused, and can neither be started nor removed': async ({ engine, image }) => {
    const container = await image.cmd(...busy).start()
    const path = { id: container.id }
    await engine.raw.call(ContainerPause, { path })
    const [row] = await engine.raw.call(ContainerList, { query: { filters: { id: [container.id] } } })
    expect(row).toMatchObject({ State: 'paused', Status: expect.stringMatching(/^Up .* \(Paused\)$/) })
    expect(await engine.raw.call(ContainerList, { query: { filters: { id: [container.id], status: ['running'] } } })).toEqual([])
    expect(await engine.raw.call(ContainerList, { query: { filters: { id: [container.id], status: ['paused'] } } })).toHaveLength(1)
    await expectError(engine.raw.call(ContainerStart, { path }), 'conflict', /cannot start a paused container, try unpause instead/)
    await expectError(container.remove(), 'conflict', /cannot remove a paused container .*\. Unpause and then stop the container/)
  },

  'a signal lets a paused container go on, except where another is its stop signal': async ({ engine, image }) => {
    const script = 'trap "echo hup" HUP; echo ready; while :; do sleep 0.05; done'
    for (const [StopSignal, expected] of [
      [undefined, 'running'],
      ['SIGUSR1', 'paused']
    ] as const) {
      const { Id: id } = await engine.raw.call(ContainerCreate, {
        body: { Image: image.reference, Cmd: ['sh', '-c', script], ...(StopSignal && { StopSignal }) }
      })
      const container = await engine.container(id)
      await container.start()
      await eventually(async () => (await container.logs().text()).includes('ready'))
      await engine.raw.call(ContainerPause, { path: { id } })
      await container.kill('SIGHUP')
      await eventually(async () => (await container.inspect()).State?.Status === expected)
      await container.kill()
    }
  },

  'pausing, letting go on and top are events': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    const since = (Date.now() / 1000).toFixed(3)
    await engine.raw.call(ContainerPause, { path: { id } })
    await engine.raw.call(ContainerTop, { path: { id } })
    await engine.raw.call(ContainerUnpause, { path: { id } })
    const seen: (string | undefined)[] = []
    for await (const { Action } of await engine.raw.call(SystemEvents, { query: { since, filters: { container: [id] } } })) {
      if (['pause', 'top', 'unpause'].includes(Action ?? '')) seen.push(Action)
      if (seen.length === 3) break
    }
    expect(seen).toEqual(['pause', 'top', 'unpause'])
  },

  'top says what ps says of arguments that it does not take': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    const top = (ps_args: string) => engine.raw.call(ContainerTop, { path: { id }, query: { ps_args } })
    await expectError(top('--nonsense'), 'failed', /^ps: error: /)
    await expectError(top('-o comm'), 'failed', /Couldn't find PID field in ps output/)
    await expectError(top('-o pid=NUMBER -o comm=PID'), 'failed', /specifying "comm=PID" is not allowed/)
    expect((await top('aux')).Titles).toEqual('USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND'.split(' '))
  },

  'what does not run uses nothing': async ({ engine, image }) => {
    const container = await image.cmd(...busy).create()
    const samples = await collect(await engine.raw.call(ContainerStats, { path: { id: container.id }, query: { stream: false } }))
    expect(samples).toHaveLength(1)
    expect(samples[0]).toMatchObject({
      id: container.id,
      read: '0001-01-01T00:00:00Z',
      cpu_stats: { cpu_usage: { total_usage: 0 } },
      memory_stats: {},
      pids_stats: {}
    })
  },

  'what cannot be changed so is refused, and nothing is changed': async ({ engine, image }) => {
    const { Id: id } = await engine.raw.call(ContainerCreate, {
      body: { Image: image.reference, Cmd: busy, HostConfig: { Memory: 64 * 1024 ** 2 } }
    })
    const container = await engine.container(id)
    await container.start()
    const update = (body: ContainerUpdateRequest) => engine.raw.call(ContainerUpdate, { path: { id }, body })
    const cpus = availableParallelism()
    await expectError(update({ Memory: 256 * 1024 ** 2 }), 'conflict', /Memory limit should be smaller than already set memoryswap limit/)
    await expectError(update({ MemoryReservation: 1000 }), 'invalid_argument', /Minimum memory reservation allowed is 6MB/)
    await expectError(update({ CpuPeriod: 5 }), 'invalid_argument', /CPU cfs period can not be less than 1ms/)
    await expectError(update({ CpuQuota: 5 }), 'invalid_argument', /CPU cfs quota can not be less than 1ms/)
    await expectError(update({ CpusetCpus: '999' }), 'invalid_argument', /Requested CPUs are not available - requested 999, available: /)
    await expectError(update({ CpusetCpus: 'x' }), 'invalid_argument', /Invalid value x for cpuset cpus/)
    await expectError(update({ CpusetMems: '99' }), 'invalid_argument', /Requested memory nodes are not available - requested 99/)
    await expectError(update({ NanoCpus: (cpus + 1) * 1e9 }), 'invalid_argument', new RegExp(`Range of CPUs is from 0.01 to ${cpus}.00`))
    const retries = { Name: 'always', MaximumRetryCount: 3 } as const
    await expectError(update({ RestartPolicy: retries }), 'invalid_argument', /cannot be used with restart policy 'always'/)
    await update({ NanoCpus: 5e8 })
    await expectError(update({ CpuQuota: 20_000 }), 'conflict', /CPU Quota cannot be updated as NanoCPUs has already been set/)
    const { CpuQuota: quota, CpusetCpus: set, ...others } = (await container.inspect()).HostConfig ?? {}
    expect([quota || 0, set || '']).toEqual([0, ''])
    expect(others).toMatchObject({ Memory: 64 * 1024 ** 2, NanoCpus: 5e8 })
  },

  'a limit on processes can be taken away': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    const update = (PidsLimit: number) => engine.raw.call(ContainerUpdate, { path: { id }, body: { PidsLimit } })
    await update(50)
    await update(-1)
    const { stdout } = await exec(engine, id, {
      Cmd: ['sh', '-c', 'cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max']
    })
    expect(stdout).toBe('max\n')
  },

  'what was stopped starts with the limits it was given meanwhile': async ({ engine, image }) => {
    const container = await image
      .cmd('sh', '-c', 'ulimit -n; cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max')
      .create()
    await engine.raw.call(ContainerUpdate, { path: { id: container.id }, body: { PidsLimit: 33 } })
    await container.start()
    await container.wait()
    expect(await container.logs().text()).toMatch(/\n33\n$/)
  }
})
