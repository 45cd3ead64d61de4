// Needs: root and the lab (test/lab).
import { cpus } from 'node:os'
import type { ErrorCode } from 'gantry'
import { ContainerCreate, type ContainerCreateRequest, ContainerStart, ContainerUpdate, type HostConfig } from 'gantry/api'
import { expect } from 'vitest'
import { type Behaviours, type Context, conform } from './conform.js'
import { expectError } from './kit/errors.js'

const mebibyte = 1024 ** 2
const cpuRange = `Range of CPUs is from 0.01 to ${cpus().length}.00, as there are only ${cpus().length} CPUs available`
const period = 'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)'
const published = (hostPort: string, port = '80/tcp'): HostConfig => ({ PortBindings: { [port]: [{ HostPort: hostPort }] } })
const device = (path: string): HostConfig => ({
  Devices: [{ PathOnHost: path, PathInContainer: '/dev/x', CgroupPermissions: 'rwm' }]
})
const ulimit = (Name: string, Soft: number, Hard: number): HostConfig => ({ Ulimits: [{ Name, Soft, Hard }] })
const checked = (health: object): ContainerCreateRequest => ({ Healthcheck: { Test: ['CMD', 'true'], ...health } })

type Row = readonly [body: ContainerCreateRequest, message: string | RegExp, code?: ErrorCode]
const host = (HostConfig: HostConfig): ContainerCreateRequest => ({ HostConfig })

/** Refused when the container is made: with this message, to the letter where it is a string. */
const atCreate: Readonly<Record<string, Row>> = {
  'more CPUs than there are': [host({ NanoCpus: 99e9 }), cpuRange],
  'fewer CPUs than none': [host({ NanoCpus: -1 }), cpuRange],
  'CPUs and a quota': [host({ NanoCpus: 1e9, CpuQuota: 5000 }), 'Conflicting options: Nano CPUs and CPU Quota cannot both be set'],
  'CPUs and a period': [host({ NanoCpus: 1e9, CpuPeriod: 5000 }), 'Conflicting options: Nano CPUs and CPU Period cannot both be set'],
  'a CPU that there is not': [host({ CpusetCpus: '99' }), /^Requested CPUs are not available - requested 99, available: 0/],
  'CPUs that are no list': [host({ CpusetCpus: 'x' }), 'Invalid value x for cpuset cpus: invalid format: x'],
  'a memory node that there is not': [host({ CpusetMems: '99' }), /^Requested memory nodes are not available - requested 99, available: 0/],
  'a score for the OOM killer above 1000': [host({ OomScoreAdj: 5000 }), 'Invalid value 5000, range for oom score adj is [-1000, 1000]'],
  'a CPU period of 5 microseconds': [host({ CpuPeriod: 5 }), period],
  'a CPU period of 2 seconds': [host({ CpuPeriod: 2_000_000 }), period],
  'a CPU quota of 5 microseconds': [host({ CpuQuota: 5 }), 'CPU cfs quota can not be less than 1ms (i.e. 1000)'],
  'a runtime that there is not': [host({ Runtime: 'nope' }), 'Unknown runtime specified nope'],
  'a security option that there is not': [host({ SecurityOpt: ['bogus=x'] }), 'invalid --security-opt 2: "bogus=x"', 'failed'],
  'a security option without a value': [host({ SecurityOpt: ['bogus'] }), 'invalid --security-opt 1: "bogus"', 'failed'],
  'no-new-privileges that may be': [
    host({ SecurityOpt: ['no-new-privileges=maybe'] }),
    'invalid --security-opt 2: "no-new-privileges=maybe"',
    'failed'
  ],
  'memory of 1 KiB': [host({ Memory: 1024 }), 'Minimum memory limit allowed is 6MB'],
  'memory below nothing': [host({ Memory: -1 }), 'Minimum memory limit allowed is 6MB'],
  'memory and swap below memory': [
    host({ Memory: 64 * mebibyte, MemorySwap: 32 * mebibyte }),
    'Minimum memoryswap limit should be larger than memory limit, see usage'
  ],
  'memory and swap without memory': [
    host({ MemorySwap: 64 * mebibyte }),
    'You should always set the Memory limit when using Memoryswap limit, see usage'
  ],
  'a memory reservation above memory': [
    host({ Memory: 64 * mebibyte, MemoryReservation: 128 * mebibyte }),
    'Minimum memory limit can not be less than memory reservation limit, see usage'
  ],
  'a memory reservation of 1 KiB': [host({ MemoryReservation: 1024 }), 'Minimum memory reservation allowed is 6MB'],
  'a swappiness of 101': [host({ MemorySwappiness: 101 }), 'Invalid value: 101, valid memory swappiness range is 0-100'],
  'a swappiness of -2': [host({ MemorySwappiness: -2 }), 'Invalid value: -2, valid memory swappiness range is 0-100'],
  'shared memory below nothing': [host({ ShmSize: -1 }), 'SHM size can not be less than 0'],
  'a restart policy that there is not': [host({ RestartPolicy: { Name: 'nope' as 'no' } }), "invalid restart policy 'nope'"],
  'a mode of the cgroup namespace that there is not': [host({ CgroupnsMode: 'nope' as 'host' }), 'invalid cgroup namespace mode: nope'],
  'always, but only three times': [
    host({ RestartPolicy: { Name: 'always', MaximumRetryCount: 3 } }),
    "maximum retry count cannot be used with restart policy 'always'"
  ],
  'never, but three times': [
    host({ RestartPolicy: { Name: 'no', MaximumRetryCount: 3 } }),
    "maximum retry count cannot be used with restart policy 'no'"
  ],
  'on failure, fewer times than none': [
    host({ RestartPolicy: { Name: 'on-failure', MaximumRetryCount: -1 } }),
    'maximum retry count cannot be negative'
  ],
  'to go away and to restart': [
    host({ AutoRemove: true, RestartPolicy: { Name: 'always' } }),
    "can't create 'AutoRemove' container with restart policy"
  ],
  'a working folder that is no absolute path': [
    { WorkingDir: 'rel' },
    "the working directory 'rel' is invalid, it needs to be an absolute path"
  ],
  'a host name in the UTS namespace of the host': [
    { Hostname: 'x', HostConfig: { UTSMode: 'host' } },
    'conflicting options: hostname and the UTS mode'
  ],
  'a port that is a word': [host(published('18120', 'x/tcp')), 'invalid port specification: "x"'],
  'a port that is too large': [host(published('18120', '99999/tcp')), 'invalid port specification: "99999"'],
  'a range of container ports': [host(published('18120', '80-82/tcp')), 'invalid port specification: "80-82"'],
  'a host port that is a word': [host(published('x')), 'invalid port specification: "x"'],
  'a host port that is too large': [host(published('99999')), 'invalid port specification: "99999"'],
  'host ports from high to low': [host(published('18200-18100')), 'invalid port specification: "18200-18100"'],
  "a MAC address on the host's network": [
    { MacAddress: '02:42:ac:11:00:55', HostConfig: { NetworkMode: 'host' } },
    'conflicting options: mac-address and the network mode'
  ],
  'a tmpfs at no absolute path': [host({ Tmpfs: { t: '' } }), "invalid mount path: 't' mount path must be absolute"],
  'a tmpfs at the root': [host({ Tmpfs: { '/': '' } }), "invalid specification: destination can't be '/'"],
  'a tmpfs with a source': [
    host({ Mounts: [{ Type: 'tmpfs', Source: '/x', Target: '/t' }] }),
    'invalid mount config for type "tmpfs": field Source must not be specified'
  ],
  'a health check each half microsecond': [checked({ Interval: 500 }), 'Interval in Healthcheck cannot be less than 1ms'],
  'a health check that has half a microsecond': [checked({ Timeout: 500 }), 'Timeout in Healthcheck cannot be less than 1ms'],
  'a start period of half a microsecond': [checked({ StartPeriod: 500 }), 'StartPeriod in Healthcheck cannot be less than 1ms'],
  'fewer retries than none': [checked({ Retries: -1 }), 'Retries in Healthcheck cannot be negative'],
  'a variable without a name': [{ Env: ['=x'] }, 'invalid environment variable: =x'],
  'a stop signal that there is not': [{ StopSignal: 'BOGUS' }, 'Invalid signal: BOGUS'],
  'a host entry without an address': [host({ ExtraHosts: ['nope'] }), 'bad format for add-host: "nope"'],
  'a host entry with a word for an address': [host({ ExtraHosts: ['a:nope'] }), 'invalid IP address in add-host: "nope"'],
  'an isolation that there is not': [
    host({ Isolation: 'nope' as 'default' }),
    `Invalid isolation: "nope" - linux only supports 'default'`,
    'failed'
  ],
  'an isolation of another system': [host({ Isolation: 'hyperv' }), `Invalid isolation: "hyperv" - linux only supports 'default'`, 'failed']
}

/** Made, and refused when it is started. What the OCI runtime says is in its own words. */
const atStart: Readonly<Record<string, Row>> = {
  'CPU shares below nothing': [host({ CpuShares: -5 }), 'shares: invalid argument'],
  'one CPU share': [host({ CpuShares: 1 }), /the minimum allowed cpu-shares is 2/],
  'a seccomp profile that is no JSON': [host({ SecurityOpt: ['seccomp={'] }), /^Decoding seccomp profile failed: /],
  'a kernel setting that there is not': [
    host({ Sysctls: { 'bogus.x': '1' } }),
    /OCI runtime create failed: .*sysctl "bogus\.x" is not in a separate kernel namespace: unknown$/
  ],
  'a kernel setting that is not of a namespace': [
    host({ Sysctls: { 'vm.swappiness': '1' } }),
    /sysctl "vm\.swappiness" is not in a separate kernel namespace/
  ],
  'the host name as a kernel setting': [
    host({ Sysctls: { 'kernel.hostname': 'x' } }),
    /sysctl "kernel\.hostname" is not allowed as it conflicts with the OCI "hostname" field/
  ],
  "a network setting on the host's network": [
    host({ NetworkMode: 'host', Sysctls: { 'net.ipv4.ip_forward': '1' } }),
    /sysctl "net\.ipv4\.ip_forward" not allowed in host network namespace/
  ],
  "an IPC setting in the host's IPC namespace": [
    host({ IpcMode: 'host', Sysctls: { 'kernel.shmmax': '1' } }),
    /sysctl "kernel\.shmmax" is not allowed in the hosts ipc namespace/
  ],
  "a domain name in the host's UTS namespace": [
    { Domainname: 'x.example', HostConfig: { UTSMode: 'host' } },
    /sysctl "kernel\.domainname" is not in a separate kernel namespace/
  ],
  'a value that the kernel does not take': [
    host({ Sysctls: { 'net.ipv4.ip_forward': 'hello' } }),
    /OCI runtime create failed: .*write.* \/proc\/sys\/net\/ipv4\/ip_forward: invalid argument/i
  ],
  'a ulimit that there is not': [host(ulimit('bogus', 1, 1)), /OCI runtime create failed: .*wrong rlimit value: RLIMIT_BOGUS: unknown$/],
  'a soft ulimit above the hard one': [host(ulimit('nofile', 5, 1)), /OCI runtime create failed: .*rlimit.*invalid argument/i],
  'a user who is not there': [{ User: 'nope' }, 'unable to find user nope: no matching entries in passwd file'],
  'a group that is not there': [{ User: '0:nope' }, 'unable to find group nope: no matching entries in group file'],
  'a user number that is too large': [{ User: '4294967296' }, 'uids and gids must be in range 0-2147483647'],
  'a user number below 0': [{ User: '-1' }, 'uids and gids must be in range 0-2147483647'],
  'another group that is not there': [host({ GroupAdd: ['nope'] }), 'Unable to find group nope: no matching entries in group file'],
  'a host name of 65 letters': [{ Hostname: 'a'.repeat(65) }, /OCI runtime create failed: .*sethostname: invalid argument/i],
  'a MAC address that is none': [{ MacAddress: 'nope' }, 'address nope: invalid MAC address'],
  'a device that is not there': [
    host(device('/dev/nope')),
    'error gathering device information while adding custom device "/dev/nope": no such file or directory'
  ],
  'a device that is a file': [
    host(device('/etc/passwd')),
    'error gathering device information while adding custom device "/etc/passwd": not a device node'
  ],
  'a rule for devices that is none': [host({ DeviceCgroupRules: ['bogus'] }), "invalid device cgroup rule format: 'bogus'"],
  'a tmpfs option that there is not': [host({ Tmpfs: { '/t': 'bogus' } }), 'invalid tmpfs option ["bogus"]'],
  'a tmpfs option with a value that there is not': [host({ Tmpfs: { '/t': 'bogus=1' } }), 'invalid tmpfs option ["bogus" "1"]'],
  'a tmpfs of a size that is a word': [host({ Tmpfs: { '/t': 'size=bogus' } }), /OCI runtime create failed: .*mount.*invalid argument/i],
  'a tmpfs with a mode that is none': [host({ Tmpfs: { '/t': 'mode=9z' } }), /OCI runtime create failed: .*mount.*invalid argument/i],
  'a tmpfs smaller than nothing': [
    host({ Mounts: [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: -1 } }] }),
    /OCI runtime create failed: .*mount.*invalid argument/i
  ]
}

/** Said of a container that is made all the same. */
const warned: Readonly<Record<string, readonly [HostConfig, readonly string[]]>> = {
  'nothing of a plain one': [{}, []],
  'nothing of limits that hold': [{ Memory: 64 * mebibyte, NanoCpus: 5e8, CpuShares: 512, PidsLimit: 50 }, []],
  'nothing of no limit in numbers': [{ PidsLimit: -1, MemorySwap: -1, MemorySwappiness: -1, CpuQuota: -5 }, []],
  'a percentage of CPUs': [{ CpuPercent: 50 }, ['linux does not support CPU percent. Percent discarded.']],
  "ports on the host's network": [
    { NetworkMode: 'host', ...published('18121') },
    ['Published ports are discarded when using host network mode']
  ]
}

conform('refused settings', {
  ...behaviours('when it is made', atCreate, async (context, body, code, message) => {
    await expectError(create(context, body), code ?? 'invalid_argument', message)
  }),
  ...behaviours('when it is started', atStart, async (context, body, code, message) => {
    const { Id: id } = await create(context, body)
    await expectError(context.engine.raw.call(ContainerStart, { path: { id } }), code ?? 'failed', message)
    expect((await (await context.engine.container(id)).inspect()).State).toMatchObject({ Status: 'created', ExitCode: 128 })
  }),
  ...Object.fromEntries(
    Object.entries(warned).map(([name, [hostConfig, warnings]]) => [
      `it is warned of ${name}, and it starts`,
      async (context: Context) => {
        const { Id: id, Warnings } = await create(context, host(hostConfig))
        expect(Warnings).toEqual(warnings)
        await context.engine.raw.call(ContainerStart, { path: { id } })
      }
    ])
  ),

  'the OOM killer disabled without a memory limit is warned of; a kernel that has no such switch says so': async context => {
    const { Warnings } = await create(context, host({ OomKillDisable: true }))
    expect(Warnings).toHaveLength(1)
    expect(Warnings[0]).toMatch(/^OOM killer is disabled for the container, but no memory limit|does not support OomKillDisable/)
  },

  // dockerd makes the folder with the container; where nothing is mounted before the start, it is made then.
  'a working folder that is a file is refused before anything runs': async context => {
    const started = async () => {
      const { Id: id } = await create(context, { WorkingDir: '/etc/passwd' })
      await context.engine.raw.call(ContainerStart, { path: { id } })
    }
    await expectError(started(), 'failed', exactly('Cannot mkdir: /etc/passwd is not a directory'))
  },

  'a memory limit alone means as much swap': async context => {
    const { Id: id } = await create(context, host({ Memory: 64 * mebibyte }))
    const { HostConfig } = await (await context.engine.container(id)).inspect()
    expect([HostConfig.Memory, HostConfig.MemorySwap]).toEqual([64 * mebibyte, 128 * mebibyte])
  },

  'an update to 0 processes, or fewer, takes the limit away; to 0 of anything else changes nothing': async context => {
    const { Id: id } = await create(context, host({ PidsLimit: 50, CpuShares: 512 }))
    const limits = async () => {
      const { HostConfig } = await (await context.engine.container(id)).inspect()
      return [HostConfig.PidsLimit, HostConfig.CpuShares]
    }
    await context.engine.raw.call(ContainerUpdate, { path: { id }, body: { PidsLimit: 0, CpuShares: 0 } })
    expect(await limits()).toEqual([0, 512])
    await context.engine.raw.call(ContainerUpdate, { path: { id }, body: { PidsLimit: 20 } })
    expect(await limits()).toEqual([20, 512])
    await context.engine.raw.call(ContainerUpdate, { path: { id }, body: { PidsLimit: -1 } })
    expect(await limits()).toEqual([0, 512])
  },

  'an update of what is not running is not weighed against what it has, memory and swap apart': async context => {
    const { Id: id } = await create(context, host({ Memory: 64 * mebibyte }))
    const update = (body: HostConfig) => context.engine.raw.call(ContainerUpdate, { path: { id }, body })
    await update({ MemoryReservation: 128 * mebibyte })
    await expectError(update({ Memory: 256 * mebibyte }), 'conflict', /Memory limit should be smaller than already set memoryswap limit/)
  },

  'an update is refused in the same words': async context => {
    const { Id: id } = await create(context, host({ Memory: 64 * mebibyte }))
    const update = (body: HostConfig) => context.engine.raw.call(ContainerUpdate, { path: { id }, body })
    await expectError(update({ NanoCpus: 99e9 }), 'invalid_argument', exactly(cpuRange))
    await expectError(update({ Memory: 1024 }), 'invalid_argument', exactly('Minimum memory limit allowed is 6MB'))
    await expectError(update({ CpuPeriod: 5 }), 'invalid_argument', exactly(period))
    await expectError(
      update({ RestartPolicy: { Name: 'always', MaximumRetryCount: 3 } }),
      'invalid_argument',
      exactly("maximum retry count cannot be used with restart policy 'always'")
    )
  }
})

function behaviours(
  when: string,
  rows: Readonly<Record<string, Row>>,
  attempt: (context: Context, body: ContainerCreateRequest, code: ErrorCode | undefined, message: RegExp) => Promise<void>
): Behaviours {
  return Object.fromEntries(
    Object.entries(rows).map(([name, [body, message, code]]) => [
      `${name} is refused ${when}, in Docker's words`,
      (context: Context) => attempt(context, body, code, typeof message === 'string' ? exactly(message) : message)
    ])
  )
}

function create({ engine, image }: Context, body: ContainerCreateRequest) {
  return engine.raw.call(ContainerCreate, { body: { Image: image.reference, Cmd: ['true'], ...body } })
}

/** Engines behind a socket may put words before and after; in between, to the letter. */
function exactly(message: string): RegExp {
  return new RegExp(`(^|: )${message.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')}$`)
}
