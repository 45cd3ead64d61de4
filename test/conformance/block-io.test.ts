// Needs: root and the lab (test/lab).
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import type { Engine } from 'gantry'
import { ContainerCreate, ContainerStart, type HostConfig } from 'gantry/api'
import { expect } from 'vitest'
import { type Context, conform } from './conform.js'
import { expectError } from './kit/errors.js'

const isOldTree = existsSync('/sys/fs/cgroup/blkio/blkio.throttle.read_bps_device')

conform('limits of block devices, and groups of controls', {
  'bytes and operations a second': async context => {
    const device = blockDevice()
    if (device === undefined || !isOldTree) return expect(readFileSync('/proc/mounts', 'utf8')).not.toMatch(/cgroup .*blkio.*\/dev\/[sv]d/)
    const script =
      'cd /sys/fs/cgroup/blkio; cat blkio.throttle.read_bps_device blkio.throttle.write_bps_device blkio.throttle.read_iops_device blkio.throttle.write_iops_device'
    const limits: HostConfig = {
      BlkioDeviceReadBps: [{ Path: device.path, Rate: 1_048_576 }],
      BlkioDeviceWriteBps: [{ Path: device.path, Rate: 2_097_152 }],
      BlkioDeviceReadIOps: [{ Path: device.path, Rate: 100 }],
      BlkioDeviceWriteIOps: [{ Path: device.path, Rate: 200 }]
    }
    const { Id, Warnings } = await create(context, script, limits)
    expect(Warnings).toEqual([])
    expect(await output(context.engine, Id)).toBe([1_048_576, 2_097_152, 100, 200].map(rate => `${device.numbers} ${rate}\n`).join(''))
  },

  'a weight that the kernel has not is left out, and said': async context => {
    const { Id, Warnings } = await create(context, 'true', { BlkioWeight: 300, BlkioWeightDevice: [{ Path: '/dev/null', Weight: 200 }] })
    if (isOldTree && !existsSync('/sys/fs/cgroup/blkio/blkio.weight')) {
      expect(Warnings).toEqual([
        'Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.',
        'Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.'
      ])
      expect(await output(context.engine, Id)).toBe('')
    }
  },

  'a device that is not there': async context => {
    const { Id } = await create(context, 'true', { BlkioDeviceReadBps: [{ Path: '/dev/no-such', Rate: 1000 }] })
    await expectError(context.engine.raw.call(ContainerStart, { path: { id: Id } }), 'failed', /no such/)
  },

  'devices of a driver that there is not': async context => {
    const { Id } = await create(context, 'true', { DeviceRequests: [{ Driver: '', Count: -1, Capabilities: [['gpu']] }] })
    const started = context.engine.raw.call(ContainerStart, { path: { id: Id } })
    await expectError(started, 'failed', /could not select device driver "" with capabilities: \[\[gpu\]\]/)
  },

  'a group above the container': async context => {
    const parent = `/${context.unique('group')}`
    const { Id } = await create(context, 'cat /proc/self/cgroup', { CgroupParent: parent })
    const lines = (await output(context.engine, Id)).trim().split('\n')
    const limited = lines.filter(line => (lines.length > 1 ? line.includes('memory') : line.startsWith('0::')))
    expect(limited.map(line => line.replace(/^.*:/, ''))).toEqual([`${parent}/${Id}`])
    const container = await context.engine.container(Id)
    await container.remove()
    const left = ['', ...readdirSync('/sys/fs/cgroup')].map(tree => `/sys/fs/cgroup/${tree}${parent}`).filter(existsSync)
    if (context.options.host !== context.lab.dockerd?.host) return expect(left).toEqual([])
    // dockerd leaves it.
    for (const folder of left) rmdirSync(folder)
  }
})

function create({ engine, lab }: Context, script: string, settings: HostConfig) {
  // Without a namespace of its own it sees the path of its group.
  const HostConfig: HostConfig = { CgroupnsMode: 'host', ...settings }
  return engine.raw.call(ContainerCreate, { body: { Image: lab.images.busybox ?? '', Cmd: ['sh', '-c', script], HostConfig } })
}

async function output(engine: Engine, id: string): Promise<string> {
  const container = await engine.container(id)
  await container.start()
  await container.wait()
  return container.logs().text()
}

/** A disk of this machine. */
function blockDevice(): { readonly path: string; readonly numbers: string } | undefined {
  for (const line of readFileSync('/proc/partitions', 'latin1').split('\n').slice(2)) {
    const [major, minor, , name = ''] = line.trim().split(/\s+/)
    // Limits are those of whole devices.
    if (existsSync(`/sys/block/${name}`) && existsSync(`/dev/${name}`)) return { path: `/dev/${name}`, numbers: `${major}:${minor}` }
  }
  return undefined
}
