import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, statfs } from 'node:fs/promises'
import { arch, cpus, hostname, release, totalmem } from 'node:os'
import { basename } from 'node:path'
import type { SystemInfoResponse } from '../../src/api/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import { initProgram } from '../containers/container-init.js'
import { logDrivers } from '../containers/log-options.js'
import { ociRuntimeVersion } from '../oci/runtime-version.js'
import { isLoopbackHost, type RegistriesSettings, type RegistrySettings } from '../registry/endpoints.js'
import { alwaysInsecureRanges, isRange } from '../registry/insecure-ranges.js'
import { proxiesOf, withoutCredentials } from '../registry/proxy-rules.js'
import type { EngineSettings } from '../settings/engine-settings.js'
import { stateWord } from './container-views.js'
import { kernelSettings, limitsOf, warningsOf } from './system-limits.js'
import { version } from './version.js'

/** Engine API names of architectures that Node names differently. */
const architectures: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', ia32: 'i386' }

/** Names of file systems by their magic number in statfs(2), as Docker shows them. */
const fileSystems: Readonly<Record<number, string>> = {
  61267: 'extfs',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs',
  2035054128: 'overlayfs',
  801189825: 'zfs'
}

/** What is known of the engine as a whole, besides its settings. */
export interface SystemFacts {
  /** As they are now. */
  readonly registries: RegistriesSettings
  /** Where it listens for everybody: `tcp://0.0.0.0:2375`. */
  readonly openAddresses: () => readonly string[]
}

/** The engine, its host and what it can do, as `docker info` shows it. */
export async function systemInfo(context: ContainerContext, { registries, openAddresses }: SystemFacts): Promise<SystemInfoResponse> {
  const records = context.store.list()
  const settings = context.settings.current
  const proxies = proxiesOf(settings)
  // One that waits for its next start is stopped, as dockerd counts.
  const count = (wanted: string) => records.filter(record => stateWord(record) === wanted).length
  const [running, paused] = [count('running'), count('paused')]
  const init = initProgram()
  const [images, osRelease, driverStatus, ociVersion, isInContainer, descriptors] = await Promise.all([
    context.images.list(),
    readFile('/etc/os-release', 'utf8').catch(() => ''),
    driverStatusOf(context.paths.root),
    ociRuntimeVersion(context.host, context.oci.path),
    isContainer(),
    readdir('/proc/self/fd')
  ])
  return {
    ID: engineId(context.paths.root),
    Containers: records.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: records.length - running - paused,
    Images: images.length,
    Driver: 'overlay2',
    DriverStatus: driverStatus,
    DockerRootDir: context.paths.root,
    Plugins: { Volume: ['local'], Network: ['bridge', 'host', 'null'], Authorization: [], Log: logDrivers.filter(name => name !== 'none') },
    ...limitsOf(context),
    ...kernelSettings(),
    Debug: settings.debug,
    SystemTime: new Date().toISOString(),
    LoggingDriver: settings.logConfig.type,
    CgroupDriver: 'cgroupfs',
    CgroupVersion: context.cgroups.kind === 'v2' ? '2' : '1',
    NFd: descriptors.length,
    // Go's: there are none.
    NGoroutines: 0,
    NEventsListener: context.events.listenerCount,
    KernelVersion: release(),
    OperatingSystem: (osField(osRelease, 'PRETTY_NAME') || 'Linux') + (isInContainer ? ' (containerized)' : ''),
    OSVersion: osField(osRelease, 'VERSION_ID'),
    OSType: 'linux',
    Architecture: architectures[arch()] ?? arch(),
    NCPU: cpus().length,
    MemTotal: totalmem(),
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: registryConfig(registries, settings),
    GenericResources: null,
    HttpProxy: withoutCredentials(proxies.http ?? ''),
    HttpsProxy: withoutCredentials(proxies.https ?? ''),
    NoProxy: proxies.none ?? '',
    Name: hostname(),
    Labels: settings.labels,
    ExperimentalBuild: false,
    ServerVersion: version,
    Runtimes: { [context.oci.name]: { path: context.oci.path } },
    DefaultRuntime: context.oci.name,
    Swarm: { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '', RemoteManagers: null },
    // Containers are to survive the engine's process only where somebody is there to watch them.
    LiveRestoreEnabled: context.session.keeps && settings.liveRestore,
    Isolation: '',
    InitBinary: init === undefined ? '' : basename(init),
    ContainerdCommit: { ID: '' },
    // Clients have one word for it, whichever OCI runtime it is.
    RuncCommit: { ID: `${context.oci.name} ${ociVersion}`.trim() },
    InitCommit: { ID: '' },
    SecurityOptions: ['name=seccomp,profile=builtin'],
    CDISpecDirs: [],
    ...(settings.addressPools.length > 0 && {
      DefaultAddressPools: settings.addressPools.map(({ base, size }) => ({ Base: base, Size: size }))
    }),
    Warnings: warningsOf(context, openAddresses())
  }
}

/** Docker's own identity of an engine is a text of this form; here it is the same as long as the data root's name is. */
export function engineId(root: string): string {
  const hex = createHash('sha256').update(`${hostname()}:${root}`).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}

async function driverStatusOf(root: string): Promise<readonly (readonly string[])[]> {
  const { type } = await statfs(root)
  return [
    ['Backing Filesystem', fileSystems[type] ?? `0x${type.toString(16)}`],
    ['Supports d_type', 'true'],
    ['Using metacopy', 'false'],
    ['Native Overlay Diff', 'true'],
    ['userxattr', 'false']
  ]
}

/** Whether this process is in a container, as dockerd finds out: by its mark, or a control group of the first process's own. */
async function isContainer(): Promise<boolean> {
  const groups = await readFile('/proc/1/cgroup', 'utf8').catch(() => '')
  return existsSync('/.dockerenv') || groups.split('\n').some(line => line !== '' && !line.endsWith(':/') && !line.endsWith(':/init.scope'))
}

function osField(text: string, name: string): string {
  return new RegExp(`^${name}="?(.*?)"?$`, 'm').exec(text)?.[1] ?? ''
}

function registryConfig(registries: RegistriesSettings, { insecureRegistries }: EngineSettings): SystemInfoResponse['RegistryConfig'] {
  const hub = registries['docker.io']
  const others = Object.entries(registries).filter(([host]) => host !== 'docker.io')
  const mirrors = shownMirrors(hub)
  return {
    InsecureRegistryCIDRs: [...insecureRegistries.filter(isRange), ...alwaysInsecureRanges].sort(),
    IndexConfigs: {
      'docker.io': { Name: 'docker.io', Mirrors: mirrors, Secure: !hub?.insecure, Official: true },
      ...Object.fromEntries(
        others.map(([host, { insecure, mirrors: own }]) => [
          host,
          { Name: host, Mirrors: shownMirrors({ mirrors: own ?? [] }), Secure: !(insecure ?? isLoopbackHost(host)), Official: false }
        ])
      )
    },
    Mirrors: mirrors
  }
}

/** As Docker writes them, with a slash at the end. */
function shownMirrors(settings: RegistrySettings | undefined): string[] {
  return (settings?.mirrors ?? []).map(mirror => `${mirror.replace(/\/+$/, '')}/`)
}
