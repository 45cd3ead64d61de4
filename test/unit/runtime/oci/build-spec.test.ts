import { describe, expect, it } from 'vitest'
import { buildSpec, type SpecRequest } from '../../../../runtime/oci/build-spec.js'

function spec(change: Partial<SpecRequest> = {}) {
  return buildSpec({
    id: 'abc',
    config: {},
    hostConfig: {},
    args: ['true'],
    user: { uid: 0, gid: 0, home: '/root' },
    rootfs: '/rootfs',
    hostname: 'box',
    files: [{ source: '/host/hosts', destination: '/etc/hosts' }],
    mounts: [],
    networkNamespace: '/proc/1/fd/9',
    cgroupMounts: [],
    cgroupsPath: '/gantry/abc',
    availableCapabilities: new Set(['CAP_CHOWN', 'CAP_SYS_ADMIN']),
    architecture: 'x64',
    seccompPrograms: { find: () => undefined },
    ...change
  })
}

const destinations = (change: Partial<SpecRequest> = {}) => spec(change).mounts.map(mount => mount.destination)

describe('buildSpec', () => {
  it('has the environment Docker gives, the configured variables over the defaults', () => {
    const { env } = spec({ config: { Env: ['PATH=/x', 'A=1', 'A=2', 'HOSTNAME'] } }).process
    expect(env).toEqual(['PATH=/x', 'A=2', 'HOME=/root'])
  })

  it('says TERM only with a terminal', () => {
    expect(spec({ config: { Tty: true } }).process.env).toContain('TERM=xterm')
    expect(spec().process.env.join()).not.toContain('TERM=')
  })

  it('keeps effective capabilities from other users than root, not the bounding set', () => {
    expect(spec({ user: { uid: 5, gid: 5, home: '/' } }).process.capabilities).toEqual({
      bounding: ['CAP_CHOWN'],
      effective: [],
      permitted: []
    })
  })

  it('filters system calls by default, masks and protects paths', () => {
    const { linux } = spec()
    expect(linux.seccomp?.defaultAction).toBe('SCMP_ACT_ERRNO')
    expect(linux.seccomp?.syscalls[0]?.names).not.toContain('mount')
    expect(linux.maskedPaths).toContain('/proc/kcore')
    expect(linux.readonlyPaths).toContain('/proc/sys')
  })

  it('takes a compiled filter in place of the profile', () => {
    const { linux, annotations } = spec({ seccompPrograms: { find: () => 'AAAA' } })
    expect(linux.seccomp).toBeUndefined()
    expect(annotations).toEqual({ 'run.oci.seccomp_bpf_data': 'AAAA' })
  })

  it('opens everything for a privileged container', () => {
    const { linux, process, mounts } = spec({ hostConfig: { Privileged: true } })
    expect(linux.seccomp).toBeUndefined()
    expect(spec({ hostConfig: { Privileged: true }, seccompPrograms: { find: () => 'AAAA' } }).annotations).toBeUndefined()
    expect(linux.maskedPaths).toEqual([])
    expect(linux.resources.devices).toEqual([{ allow: true, access: 'rwm' }])
    expect(process.capabilities.bounding).toEqual(['CAP_CHOWN', 'CAP_SYS_ADMIN'])
    expect(mounts.find(mount => mount.destination === '/sys')?.options).toContain('rw')
  })

  it('gives system calls with their capability', () => {
    expect(spec({ hostConfig: { CapAdd: ['SYS_ADMIN'] } }).linux.seccomp?.syscalls[0]?.names).toContain('mount')
  })

  it('mounts parents before what is below them, and the caller over the defaults', () => {
    const bind = (destination: string) => ({ destination, type: 'bind', source: '/a', options: ['rbind', 'rw', 'rprivate'] })
    const list = destinations({ mounts: [bind('/dev/shm'), bind('/x/y/z')], hostConfig: { Tmpfs: { '/x': 'size=1m' } } })
    expect(list.filter(path => path === '/dev/shm')).toHaveLength(1)
    expect(list.indexOf('/x')).toBeLessThan(list.indexOf('/x/y/z'))
    expect(list.indexOf('/dev')).toBeLessThan(list.indexOf('/dev/shm'))
  })

  it('has a place in no network namespace of its own where it is the host’s', () => {
    expect(spec({ networkNamespace: undefined }).linux.namespaces.map(({ type }) => type)).not.toContain('network')
  })

  it('turns limits into cgroup settings as Docker does', () => {
    const { memory, cpu, pids } = spec({ hostConfig: { Memory: 64e6, NanoCpus: 1.5e9, PidsLimit: 7 } }).linux.resources
    expect(memory).toEqual({ limit: 64e6, swap: 128e6 })
    expect(cpu).toEqual({ period: 100000, quota: 150000 })
    expect(pids).toEqual({ limit: 7 })
  })

  it.each([
    [{ CpuShares: -1 }, 'shares: invalid argument'],
    [{ Ulimits: [{ Name: 'files', Soft: 1, Hard: 1 }] }, 'wrong rlimit value: RLIMIT_FILES'],
    [{ Sysctls: { 'vm.swappiness': '1' } }, 'is not in a separate kernel namespace'],
    [{ IpcMode: 'host', Sysctls: { 'fs.mqueue.msg_max': '1' } }, 'is not allowed in the hosts ipc namespace'],
    [{ Tmpfs: { '/t': 'rw,magic' } }, 'invalid tmpfs option ["magic"]'],
    [{ SecurityOpt: ['magic=on'] }, 'invalid --security-opt'],
    [{ SecurityOpt: ['seccomp=/profile.json'] }, 'Decoding seccomp profile failed']
  ])('refuses %j', (hostConfig, message) => {
    expect(() => spec({ hostConfig })).toThrow(message)
  })

  it('applies a seccomp profile of the caller to a privileged container too', () => {
    const profile = JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }] })
    const { seccomp } = spec({ hostConfig: { Privileged: true, SecurityOpt: [`seccomp=${profile}`] } }).linux
    expect(seccomp).toMatchObject({ syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }] })
    expect(spec({ hostConfig: { Privileged: true } }).linux.seccomp).toBeUndefined()
  })
})
