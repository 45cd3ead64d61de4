// Needs: root and the lab (test/lab).
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { exec } from './kit/exec.js'

const allow = { defaultAction: 'SCMP_ACT_ALLOW' }

conform('namespaces, devices, security', {
  'with the host’s process numbers a container sees the host’s processes': async ({ image }) => {
    const [own, shared] = await Promise.all(
      [{}, { PidMode: 'host' }].map(HostConfig => image.raw({ HostConfig }).run(['sh', '-c', 'echo $$']).text())
    )
    expect(own).toBe('1\n')
    expect(shared).not.toBe('1\n')
  },

  'containers can share process numbers': async ({ image }) => {
    const first = await image.cmd('sleep', '1234').start()
    const text = await image
      .raw({ HostConfig: { PidMode: `container:${first.id}` } })
      .run(['cat', '/proc/1/cmdline'])
      .text()
    expect(text).toBe('sleep\u00001234\u0000')
  },

  'a container that does not run shares nothing': async ({ image }) => {
    const other = await image.cmd('true').create()
    const container = await image
      .raw({ HostConfig: { PidMode: `container:${other.id}` } })
      .cmd('true')
      .create()
    await expectError(container.start(), ['conflict', 'failed'], /container \w+ is not running/)
  },

  'without shared memory there is none': async ({ image }) => {
    const { exitCode } = await image.raw({ HostConfig: { IpcMode: 'none' } }).run(['sh', '-c', 'grep -q " /dev/shm " /proc/self/mountinfo'])
    expect(exitCode).toBe(1)
  },

  'a device of the host is there under the name and with the rights that are asked for': async ({ image }) => {
    const Devices = [{ PathOnHost: '/dev/full', PathInContainer: '/dev/other', CgroupPermissions: 'r' }]
    const script =
      'ls -l /dev/other | cut -c1; head -c 1 /dev/other | wc -c; echo x 2>/dev/null > /dev/other && echo written || echo refused'
    expect(await image.raw({ HostConfig: { Devices } }).run(['sh', '-c', script]).text()).toBe('c\n1\nrefused\n')
  },

  'what is no device is refused': async ({ image }) => {
    const container = image
      .raw({ HostConfig: { Devices: [{ PathOnHost: '/dev/nosuch', PathInContainer: '/dev/nosuch', CgroupPermissions: 'rwm' }] } })
      .cmd('true')
    await expectError(container.run(), ['invalid_argument', 'failed'], /gathering device information/)
  },

  'an init program hands on signals and comes first': async ({ engine, image }) => {
    const container = await image
      .raw({ HostConfig: { Init: true } })
      .cmd('sleep', '1000')
      .start()
    expect((await exec(engine, container.id, { Cmd: ['cat', '/proc/1/cmdline'] })).stdout).toBe(
      '/sbin/docker-init\u0000--\u0000sleep\u00001000\u0000'
    )
    const began = Date.now()
    await container.stop()
    expect(Date.now() - began).toBeLessThan(9_000)
  },

  'a profile of the caller’s decides which system calls there are': async ({ image }) => {
    const profile = { ...allow, syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }] }
    const SecurityOpt = [`seccomp=${JSON.stringify(profile)}`]
    const { exitCode, stderr } = await image.raw({ HostConfig: { SecurityOpt } }).run(['mkdir', '/new'])
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('Operation not permitted')])
  },

  'a profile that is none is refused': async ({ image }) => {
    const container = image.raw({ HostConfig: { SecurityOpt: ['seccomp={nonsense'] } }).cmd('true')
    await expectError(container.run(), ['invalid_argument', 'failed'], /Decoding seccomp profile failed/)
  }
})
