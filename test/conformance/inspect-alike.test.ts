// Needs: root and the lab (test/lab) with its dockerd.
import { createEngine, type Engine } from 'gantry'
import {
  ContainerCreate,
  type ContainerCreateRequest,
  ContainerInspect,
  ContainerKill,
  ContainerList,
  ContainerStart,
  ContainerWait,
  ImageInspect,
  ImageList,
  NetworkCreate,
  NetworkDelete,
  NetworkInspect,
  VolumeCreate,
  VolumeDelete,
  VolumeInspect
} from 'gantry/api'
import { expect } from 'vitest'
import { type Behaviours, type Context, conform } from './conform.js'
import { differences, type Known } from './kit/differences.js'

const mebibyte = 1024 ** 2

/** What two engines never have in common. */
const ownThings: Known = [
  [/\.(Id|ID|EndpointID|NetworkID|SandboxID|Name)$|^(Id|Name|Names\[\d\])$|Hostname$/, 'ids and names'],
  [/(^|\.)(Created|CreatedAt|StartedAt|FinishedAt|LastTagTime|Start|End)$|^Status$/, 'times'],
  [/\.Pid$/, 'processes'],
  [/(Path|SandboxKey|Mountpoint)$|^Mounts\[\d\]\.Source$|^GraphDriver\.Data/, 'places on the host'],
  [/(IPAddress|Gateway|Subnet|MacAddress)$/, 'addresses']
]

/** Where Gantry is as a newer Docker than the lab's 20.10, or is another program. */
const newer: Known = [
  [/\.(DNSNames|GwPriority)$|EnableIPv4$/, 'newer versions of the API have it'],
  [/^HostConfig\.MaskedPaths$/, 'newer versions hide /proc/interrupts too'],
  [/^HostConfig\.RestartPolicy\.Name$/, 'newer versions say "no" where nothing was said'],
  [/^HostConfig\.PortBindings$/, 'newer versions have an empty object where nothing was said'],
  [/^HostConfig\.(KernelMemory|KernelMemoryTCP)$/, 'newer versions no longer have it'],
  [/^(Container|ContainerConfig)(\.|$)/, 'newer versions no longer have it'],
  [/^HostConfig\.Runtime$/, 'another OCI runtime; dockerd 20.10 writes its own down at the first start'],
  [/Size(RootFs|Rw)?$/, 'file systems count differently; dockerd leaves out 0 in lists'],
  [/^GraphDriver\.Data/, 'layers are laid out differently']
]

const known: Known = [...ownThings, ...newer]

const loaded: ContainerCreateRequest = {
  Hostname: 'loaded',
  Domainname: 'd.example',
  User: '0:0',
  AttachStdout: true,
  Tty: true,
  OpenStdin: true,
  StdinOnce: true,
  ExposedPorts: { '80/tcp': {} },
  Env: ['A=b'],
  Cmd: ['sleep', '1000'],
  Healthcheck: { Test: ['CMD', 'true'], Interval: 60e9, Retries: 2 },
  Volumes: { '/anonymous': {} },
  WorkingDir: '/work/../w/',
  Labels: { k: 'v' },
  StopSignal: 'SIGUSR1',
  StopTimeout: 3,
  HostConfig: {
    Binds: ['/etc/hostname:/b:ro'],
    RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 },
    CapAdd: ['NET_ADMIN'],
    CapDrop: ['CHOWN'],
    Dns: ['1.1.1.1'],
    DnsOptions: ['ndots:1'],
    DnsSearch: ['x.example'],
    ExtraHosts: ['a:1.2.3.4'],
    GroupAdd: ['12'],
    OomScoreAdj: 10,
    ReadonlyRootfs: true,
    SecurityOpt: ['no-new-privileges'],
    Tmpfs: { '/t': 'size=1m' },
    ShmSize: mebibyte,
    Sysctls: { 'net.ipv4.ip_forward': '1' },
    Memory: 64 * mebibyte,
    MemorySwap: 128 * mebibyte,
    MemoryReservation: 32 * mebibyte,
    NanoCpus: 5e8,
    CpuShares: 512,
    CpusetCpus: '0',
    CpusetMems: '0',
    PidsLimit: 50,
    Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }],
    Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/x', CgroupPermissions: 'rwm' }],
    DeviceCgroupRules: ['c 1:3 rwm'],
    Init: true,
    Mounts: [{ Type: 'tmpfs', Target: '/m', TmpfsOptions: { SizeBytes: mebibyte } }],
    LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
    ConsoleSize: [10, 20],
    PidMode: 'host',
    IpcMode: 'shareable'
  }
}

/** What is made, and whether it is started: a privileged container does not run on every machine that tests do. */
const containers: Readonly<Record<string, readonly [body: ContainerCreateRequest, starts: boolean]>> = {
  'a plain container': [{ Cmd: ['sleep', '1000'] }, true],
  'a container with the command of its image': [{}, false],
  'a container with everything': [loaded, true],
  'a privileged container': [{ HostConfig: { Privileged: true } }, false]
}

/** In no order: Docker keeps them in a map. */
const byDestination = <T extends { readonly Destination?: string | undefined }>(mounts: readonly T[] | null | undefined) =>
  [...(mounts ?? [])].sort((a, b) => String(a.Destination).localeCompare(String(b.Destination)))

/** Give the same to the engine and to dockerd, and compare what both show. */
async function alike(context: Context, show: (engine: Engine) => Promise<unknown>): Promise<void> {
  const docker = await createEngine({ host: context.lab.dockerd?.host ?? '' })
  try {
    await docker.image(context.image.reference).pull({ policy: 'missing' })
    expect(differences(await show(docker), await show(context.engine), known)).toEqual([])
  } finally {
    await docker.close()
  }
}

const views: Behaviours = Object.fromEntries(
  Object.entries(containers).flatMap(([name, [body, starts]]) => {
    const shown = (context: Context, look: (engine: Engine, id: string) => Promise<unknown>) =>
      alike(context, async engine => {
        const created = await engine.raw.call(ContainerCreate, { body: { Image: context.image.reference, ...body } })
        const path = { id: created.Id }
        try {
          if (starts) await engine.raw.call(ContainerStart, { path })
          return await look(engine, created.Id)
        } finally {
          await (await engine.container(created.Id)).remove({ force: true, volumes: true })
        }
      })
    return [
      [
        `inspect of ${name} is that of dockerd, field by field`,
        context =>
          shown(context, async (engine, id) => {
            const view = await engine.raw.call(ContainerInspect, { path: { id } })
            return { ...view, Mounts: byDestination(view.Mounts) }
          })
      ],
      [
        `the row of ${name} in the list is that of dockerd, field by field`,
        context =>
          shown(context, async (engine, id) => {
            const [row] = await engine.raw.call(ContainerList, { query: { all: true, filters: { id: [id] } } })
            return { ...row, Mounts: byDestination(row?.Mounts) }
          })
      ],
      ...(starts
        ? [
            [
              `inspect of ${name} that was killed is that of dockerd, field by field`,
              (context: Context) =>
                shown(context, async (engine, id) => {
                  const waited = engine.raw.call(ContainerWait, { path: { id }, query: { condition: 'next-exit' } })
                  await engine.raw.call(ContainerKill, { path: { id } })
                  await waited
                  const view = await engine.raw.call(ContainerInspect, { path: { id } })
                  return { ...view, Mounts: byDestination(view.Mounts) }
                })
            ] as const
          ]
        : [])
    ] as const
  })
)

conform('inspect alike', {
  ...views,

  'what create answers is that of dockerd': context =>
    alike(context, async engine => {
      const created = await engine.raw.call(ContainerCreate, { body: { Image: context.image.reference } })
      await (await engine.container(created.Id)).remove()
      return created
    }),

  'inspect of an image, and its row, are those of dockerd, field by field': context =>
    alike(context, async engine => {
      const path = { name: context.image.reference }
      const rows = await engine.raw.call(ImageList, {})
      const row = rows.find(({ RepoTags: tags }) => tags?.includes(context.image.reference))
      return { ...(await engine.raw.call(ImageInspect, { path })), row }
    }),

  'inspect of a network is that of dockerd, field by field': async context => {
    const name = context.unique()
    const subnet = `10.${200 + (process.pid % 50)}.77.0/24`
    await alike(context, async engine => {
      const body = {
        Name: name,
        Labels: { a: 'b' },
        Options: { 'com.docker.network.driver.mtu': '1400' },
        IPAM: { Config: [{ Subnet: subnet, Gateway: subnet.replace('.0/24', '.1') }] }
      }
      await engine.raw.call(NetworkCreate, { body })
      try {
        return await engine.raw.call(NetworkInspect, { path: { id: name } })
      } finally {
        await engine.raw.call(NetworkDelete, { path: { id: name } })
      }
    })
  },

  'inspect of the networks that are always there is that of dockerd, field by field': context =>
    alike(context, async engine => ({
      host: await engine.raw.call(NetworkInspect, { path: { id: 'host' } }),
      none: await engine.raw.call(NetworkInspect, { path: { id: 'none' } })
    })),

  'inspect of a volume is that of dockerd, field by field': async context => {
    const name = context.unique()
    await alike(context, async engine => {
      await engine.raw.call(VolumeCreate, { body: { Name: name, Labels: { a: 'b' } } })
      try {
        return await engine.raw.call(VolumeInspect, { path: { name } })
      } finally {
        await engine.raw.call(VolumeDelete, { path: { name } })
      }
    })
  }
})
