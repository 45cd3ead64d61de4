import { readFile } from 'node:fs/promises'
import { arch, cpus, hostname, release, totalmem } from 'node:os'
import type { Handlers } from '../../src/api/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import type { RegistriesSettings } from '../registry/endpoints.js'
import { timestampOf } from './timestamp.js'
import { runtimeApiVersion, smallestApiVersion, version } from './version.js'

/** Engine API names of architectures that Node names differently. */
const architectures: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', ia32: 'i386' }
const goArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }

/** `1` is the classic builder: clients then send a build as one request, and not BuildKit's protocol. */
const builderVersion = '1'

/** What was set for the engine as a whole. */
export interface SystemSettings {
  readonly labels: readonly string[]
  readonly registries: RegistriesSettings
}

/** The operations of the engine as a whole. */
export function systemHandlers(context: ContainerContext, settings: SystemSettings = { labels: [], registries: {} }): Handlers {
  return {
    SystemPing: async () => 'OK',

    SystemPingHead: async () => ({
      'api-version': runtimeApiVersion,
      'builder-version': builderVersion,
      'docker-experimental': 'false',
      ostype: 'linux',
      swarm: 'inactive'
    }),

    SystemVersion: async () => ({
      Platform: { Name: 'Gantry' },
      Version: version,
      ApiVersion: runtimeApiVersion,
      MinAPIVersion: smallestApiVersion,
      Os: 'linux',
      Arch: goArchitectures[arch()] ?? arch(),
      KernelVersion: release()
    }),

    async SystemInfo() {
      const records = context.store.list()
      const hasController = (name: string) => context.cgroups.hierarchies.some(({ controllers }) => controllers.includes(name))
      const count = (status: string) => records.filter(record => record.state.status === status).length
      return {
        ID: context.paths.root,
        Containers: records.length,
        ContainersRunning: count('running'),
        ContainersPaused: 0,
        ContainersStopped: records.length - count('running'),
        Images: (await context.images.list()).length,
        Driver: 'overlay2',
        DockerRootDir: context.paths.root,
        LoggingDriver: 'json-file',
        Plugins: { Volume: [], Network: ['bridge', 'host', 'none'], Log: ['json-file', 'none'] },
        CgroupDriver: 'cgroupfs',
        CgroupVersion: context.cgroups.kind === 'v2' ? '2' : '1',
        MemoryLimit: hasController('memory'),
        SwapLimit: hasController('memory'),
        CpuCfsPeriod: hasController('cpu'),
        CpuCfsQuota: hasController('cpu'),
        CPUShares: hasController('cpu'),
        CPUSet: hasController('cpuset'),
        PidsLimit: hasController('pids'),
        KernelVersion: release(),
        OperatingSystem: await operatingSystem(),
        OSType: 'linux',
        Architecture: architectures[arch()] ?? arch(),
        NCPU: cpus().length,
        MemTotal: totalmem(),
        Name: hostname(),
        Labels: settings.labels,
        ServerVersion: version,
        DefaultRuntime: context.oci.name,
        Runtimes: { [context.oci.name]: { path: context.oci.path } },
        SecurityOptions: ['name=seccomp,profile=builtin'],
        SystemTime: new Date().toISOString()
      }
    },

    async SystemEvents({ query }, { signal }) {
      const since = timestampOf('since', query?.since)
      const until = timestampOf('until', query?.until)
      return context.events.subscribe({
        ...(since !== undefined && { since }),
        ...(until !== undefined && { until }),
        filters: query?.filters ?? {},
        signal
      })
    }
  }
}

async function operatingSystem(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return /^PRETTY_NAME="?(.*?)"?$/m.exec(text)?.[1] ?? 'Linux'
}
