// Needs: root and the lab (test/lab).
import { readlink } from 'node:fs/promises'
import type { Engine } from 'gantry'
import { ContainerCreate, type ContainerCreateRequest, ContainerStart, type HostConfig } from 'gantry/api'
import { expect } from 'vitest'
import { type Context, conform } from './conform.js'
import { expectError } from './kit/errors.js'

const create = async ({ engine, lab }: Context, HostConfig: HostConfig, more: Partial<ContainerCreateRequest> = {}): Promise<string> =>
  (await engine.raw.call(ContainerCreate, { body: { Image: lab.images.busybox ?? '', Cmd: ['true'], HostConfig, ...more } })).Id

const start = (engine: Engine, id: string) => engine.raw.call(ContainerStart, { path: { id } })

/** What a shell script says in a container with these settings. */
async function output(
  context: Context,
  script: string,
  hostConfig: HostConfig,
  more: Partial<ContainerCreateRequest> = {}
): Promise<string> {
  const id = await create(context, hostConfig, { Cmd: ['/bin/sh', '-c', `exec 2>&1; ${script}`], ...more })
  await start(context.engine, id)
  const container = await context.engine.container(id)
  await container.wait()
  return container.logs().text()
}

const chmodRefused = { names: ['chmod', 'fchmodat', 'fchmodat2'], action: 'SCMP_ACT_ERRNO', errnoRet: 17 }

conform('isolation', {
  'namespaces of the host are joined where they are asked for': async context => {
    const links = 'readlink /proc/self/ns/uts; readlink /proc/self/ns/ipc; [ $$ = 1 ] && echo own processes; exit 0'
    const host = await Promise.all(['uts', 'ipc'].map(name => readlink(`/proc/self/ns/${name}`)))
    const text = await output(context, links, { PidMode: 'host', UTSMode: 'host', IpcMode: 'host' })
    expect(text.trim().split('\n')).toEqual(host)
  },

  'a control group namespace of its own hides the path of the group': async context => {
    const paths = (text: string) =>
      text
        .trim()
        .split('\n')
        .map(line => line.split(':')[2])
    expect(new Set(paths(await output(context, 'cat /proc/self/cgroup', { CgroupnsMode: 'private' })))).toEqual(new Set(['/']))
  },

  'the processes of another container can be joined, while it runs': async context => {
    const donor = await create(context, {}, { Cmd: ['sleep', '1000'] })
    const id = await create(context, { PidMode: `container:${donor}` })
    await expectError(start(context.engine, id), 'failed', /is not running/)
    await start(context.engine, donor)
    expect(await output(context, 'cat /proc/1/cmdline', { PidMode: `container:${donor}` })).toContain('sleep')
  },

  'the container whose processes are joined can be meant by its name': async context => {
    const name = context.unique()
    const body = { Image: context.lab.images.busybox ?? '', Cmd: ['sleep', '1000'] }
    await start(context.engine, (await context.engine.raw.call(ContainerCreate, { query: { name }, body })).Id)
    expect(await output(context, 'cat /proc/1/cmdline', { PidMode: `container:${name}` })).toContain('sleep')
  },

  'joining the processes of a container that never was is refused': async context => {
    await expectError(create(context, { PidMode: 'container:nobody-here' }), 'invalid_argument', /No such container: nobody-here/)
  },

  'shared memory and semaphores of another container, where it shares them': async context => {
    const donor = await create(context, { IpcMode: 'shareable' }, { Cmd: ['sh', '-c', 'echo given > /dev/shm/gift; exec sleep 1000'] })
    const join: HostConfig = { IpcMode: `container:${donor}` }
    await expectError(start(context.engine, await create(context, join)), 'failed', /can't join IPC of container .* is not running/)
    await start(context.engine, donor)
    const shown = await output(context, 'cat /dev/shm/gift; echo back > /dev/shm/answer; readlink /proc/self/ns/ipc', join)
    const container = await context.engine.container(donor)
    expect(shown).toBe(`given\n${await container.exec(['readlink', '/proc/self/ns/ipc']).text()}`)
    expect(await container.exec(['cat', '/dev/shm/answer']).text()).toBe('back\n')
    const alone = await create(context, {}, { Cmd: ['sleep', '1000'] })
    await start(context.engine, alone)
    const refused = start(context.engine, await create(context, { IpcMode: `container:${alone}` }))
    await expectError(refused, 'failed', /non-shareable IPC \(hint: use IpcMode:shareable for the donor container\)/)
    await expectError(create(context, { IpcMode: 'container:nobody-here' }), 'invalid_argument', /No such container: nobody-here/)
  },

  'without ipc there is no shared memory': async context => {
    expect(await output(context, 'grep -c " /dev/shm " /proc/self/mountinfo', { IpcMode: 'none' })).toBe('0\n')
  },

  "a host name and the host's UTS namespace exclude each other": async context => {
    await expectError(
      create(context, { UTSMode: 'host' }, { Hostname: 'box' }),
      'invalid_argument',
      /conflicting options: hostname and the UTS/
    )
  },

  'an init program is process 1, and the command its child': async context => {
    const text = await output(context, 'cat /proc/1/cmdline | tr "\\0" " "; echo; echo $PPID; exit 0', { Init: true })
    expect(text).toMatch(/^\/sbin\/docker-init -- .*\n1\n$/)
  },

  'a system call filter can be handed in': async context => {
    const profile = JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [chmodRefused] })
    const text = await output(context, 'touch /f; chmod 600 /f || echo refused', { SecurityOpt: [`seccomp=${profile}`] })
    expect(text).toMatch(/File exists\nrefused\n$/)
  },

  'rules of a filter count only where their conditions are met': async context => {
    const profile = JSON.stringify({
      defaultAction: 'SCMP_ACT_ALLOW',
      archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
      syscalls: [{ ...chmodRefused, includes: { caps: ['CAP_SYS_PTRACE'] } }]
    })
    const script = 'touch /f; chmod 600 /f && echo allowed'
    expect(await output(context, script, { SecurityOpt: [`seccomp=${profile}`] })).toBe('allowed\n')
    expect(await output(context, script, { SecurityOpt: [`seccomp=${profile}`], CapAdd: ['SYS_PTRACE'] })).toMatch(/File exists/)
  },

  'a filter that is none is refused': async context => {
    await expectError(
      create(context, { SecurityOpt: ['seccomp={x'] }).then(id => start(context.engine, id)),
      ['invalid_argument', 'failed'],
      /seccomp/i
    )
  },

  'a device of the host is there under its own name or another, and no other can be used': async context => {
    const devices = [{ PathOnHost: '/dev/null', PathInContainer: '/dev/nothing', CgroupPermissions: 'rwm' }]
    expect(await output(context, 'stat -c "%t:%T %F" /dev/nothing; echo x > /dev/nothing && echo used', { Devices: devices })).toBe(
      '1:3 character special file\nused\n'
    )
  },

  'a device that the host has not is refused when the container starts': async context => {
    const id = await create(context, { Devices: [{ PathOnHost: '/dev/nope', PathInContainer: '/dev/nope', CgroupPermissions: 'rwm' }] })
    await expectError(start(context.engine, id), ['failed', 'internal', 'invalid_argument'], /custom device "\/dev\/nope"/)
  },

  'a rule gives the use of devices that are made inside': async context => {
    const script = 'mknod /made c 10 229; head -c 0 /made; echo done'
    expect(await output(context, script, { DeviceCgroupRules: ['c 10:229 rwm'] })).not.toContain('not permitted')
    expect(await output(context, script, {})).toContain('not permitted')
  },

  'a rule that is none is refused': async context => {
    await expectError(
      create(context, { DeviceCgroupRules: ['bogus'] }).then(id => start(context.engine, id)),
      ['invalid_argument', 'failed'],
      /bogus/
    )
  },

  'limits and capabilities that cannot be are refused before there is a container': async context => {
    await expectError(create(context, { Memory: 4 * 1024 ** 2 }), 'invalid_argument', /Minimum memory limit allowed is 6MB/)
    await expectError(create(context, { CapAdd: ['BOGUS'] }), 'invalid_argument', /invalid CapAdd: unknown capability: "CAP_BOGUS"/)
  },

  'the killer of processes that take too much memory can be kept away': async context => {
    // Where control groups are of version 1.
    const text = await output(context, 'cat /sys/fs/cgroup/memory/memory.oom_control || echo none', {
      Memory: 64 * 1024 ** 2,
      OomKillDisable: true
    })
    expect(text).toMatch(/oom_kill_disable 1|none/)
  }
})
