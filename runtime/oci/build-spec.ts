import type { ContainerConfig, HostConfig } from '../../src/api/index.js'
import { capabilitiesOf } from './capabilities.js'
import { customProfile } from './custom-seccomp.js'
import { defaultMounts, defaultShmBytes, maskedPaths, readonlyPaths } from './default-mounts.js'
import { devicesOf } from './devices.js'
import { environmentOf } from './environment.js'
import { tmpfsMounts } from './mounts.js'
import { ipcMounts, namespacesOf } from './namespaces.js'
import { resourcesOf, rlimitsOf } from './resources.js'
import type { RuntimeSpec, SpecMount } from './runtime-spec.js'
import { seccompProfile } from './seccomp-profile.js'
import { type SeccompPrograms, seccompProgramAnnotation } from './seccomp-programs.js'
import { securityOptions } from './security-options.js'
import { checkSysctls } from './sysctls.js'
import type { ResolvedUser } from './user.js'

/** What a container's runtime specification is made from. */
export interface SpecRequest {
  readonly id: string
  readonly config: ContainerConfig
  readonly hostConfig: HostConfig
  readonly args: readonly string[]
  readonly user: ResolvedUser
  /** The mounted root file system. */
  readonly rootfs: string
  readonly hostname: string
  /** Files of the host that stand at these places in the container. */
  readonly files: readonly { readonly source: string; readonly destination: string }[]
  /** What the caller mounts, apart from `HostConfig.Tmpfs`. */
  readonly mounts: readonly SpecMount[]
  /** Undefined: the host's network namespace. */
  readonly networkNamespace: string | undefined
  /** First process of the container whose PID namespace it joins. */
  readonly pidOwner?: number
  /** The same of its IPC namespace, and where its shared memory is mounted for this one. */
  readonly ipcOwner?: { readonly pid: number; readonly sharedMemory: string }
  readonly cgroupsPath: string
  /** How the container sees its control groups. */
  readonly cgroupMounts: readonly SpecMount[]
  readonly availableCapabilities: ReadonlySet<string>
  /** `process.arch` of the host. */
  readonly architecture: string
  readonly seccompPrograms: SeccompPrograms
}

/**
 * config.json of a container, with Docker's defaults for everything that is not asked for.
 *
 * @throws EngineError `invalid_argument` or `failed`, as Docker answers, for what cannot be asked for
 */
export function buildSpec(request: SpecRequest): RuntimeSpec {
  const { config, hostConfig, user } = request
  const privileged = hostConfig.Privileged ?? false
  const terminal = config.Tty ?? false
  const security = securityOptions(hostConfig.SecurityOpt ?? [])
  const capabilities = capabilitiesOf(
    { privileged, add: hostConfig.CapAdd ?? [], drop: hostConfig.CapDrop ?? [] },
    request.availableCapabilities
  )
  // A user other than root starts without effective capabilities, whatever the bounding set.
  const effective = user.uid === 0 ? capabilities : []
  const rlimits = rlimitsOf(hostConfig)
  const isFiltered = !privileged && security.seccomp === 'default'
  const custom = security.profile
  const program = isFiltered ? request.seccompPrograms.find(capabilities, request.architecture) : undefined
  const seccomp =
    custom !== undefined
      ? customProfile(custom, capabilities, request.architecture)
      : isFiltered && program === undefined
        ? seccompProfile(capabilities, request.architecture)
        : undefined
  checkSysctls(hostConfig, config.Domainname ?? '')
  const consoleSize = hostConfig.ConsoleSize
  const devices = devicesOf(hostConfig)
  return {
    ociVersion: '1.0.2',
    process: {
      terminal,
      ...(terminal && consoleSize?.[0] && consoleSize[1] ? { consoleSize: { height: consoleSize[0], width: consoleSize[1] } } : {}),
      user: { uid: user.uid, gid: user.gid, ...(user.additionalGids && { additionalGids: user.additionalGids }) },
      args: request.args,
      env: environmentOf({ hostname: request.hostname, tty: terminal, home: user.home, variables: config.Env ?? [] }),
      cwd: config.WorkingDir || '/',
      capabilities: { bounding: capabilities, effective, permitted: effective },
      ...(rlimits.length > 0 && { rlimits }),
      noNewPrivileges: security.noNewPrivileges,
      ...(hostConfig.OomScoreAdj !== undefined && { oomScoreAdj: hostConfig.OomScoreAdj })
    },
    root: { path: request.rootfs, readonly: hostConfig.ReadonlyRootfs ?? false },
    // In the host's UTS namespace it is the host's name, which nobody changes from a container.
    ...(hostConfig.UTSMode !== 'host' && { hostname: request.hostname, ...(config.Domainname && { domainname: config.Domainname }) }),
    mounts: mountsOf(request, privileged),
    ...(program !== undefined && { annotations: { [seccompProgramAnnotation]: program } }),
    linux: {
      namespaces: namespacesOf(hostConfig, {
        network: request.networkNamespace,
        pidOwner: request.pidOwner,
        ipcOwner: request.ipcOwner?.pid
      }),
      cgroupsPath: request.cgroupsPath,
      // No quota is what a container starts with: crun takes no number below 0 for it.
      resources: resourcesOf((hostConfig.CpuQuota ?? 0) < 0 ? { ...hostConfig, CpuQuota: 0 } : hostConfig, devices.rules),
      ...(devices.nodes.length > 0 && { devices: devices.nodes }),
      ...(hostConfig.Sysctls && { sysctl: hostConfig.Sysctls }),
      ...rootPropagation(request.mounts),
      ...(seccomp && { seccomp }),
      maskedPaths: privileged || security.systemPaths === 'unconfined' ? [] : (hostConfig.MaskedPaths ?? maskedPaths),
      readonlyPaths: privileged || security.systemPaths === 'unconfined' ? [] : (hostConfig.ReadonlyPaths ?? readonlyPaths)
    }
  }
}

function mountsOf(request: SpecRequest, privileged: boolean): readonly SpecMount[] {
  const { hostConfig } = request
  const asked = [...request.mounts, ...tmpfsMounts(hostConfig.Tmpfs ?? {})]
  const files = request.files.map(
    ({ source, destination }): SpecMount => ({
      destination,
      source,
      type: 'bind',
      // As everything else of a read-only root.
      options: ['rbind', 'rprivate', ...(hostConfig.ReadonlyRootfs ? ['ro'] : [])]
    })
  )
  const destinations = new Set(asked.map(mount => mount.destination))
  const shared = ipcMounts(hostConfig.IpcMode, request.ipcOwner?.sharedMemory)
  const own = defaultMounts({ privileged, shmBytes: hostConfig.ShmSize || defaultShmBytes, cgroups: request.cgroupMounts }).filter(
    ({ destination }) =>
      hostConfig.IpcMode === 'none'
        ? destination !== '/dev/shm'
        : !(shared ?? []).some(mount => mount.destination === destination) &&
          !(hostConfig.IpcMode === 'host' && destination === '/dev/mqueue')
  )
  const standard = [...own, ...(shared ?? []), ...files]
  // What the caller mounts replaces what would stand there; parents come before what is below them.
  const all = [...standard.filter(mount => !destinations.has(mount.destination)), ...asked]
  return all
    .map((mount, index) => ({ mount, index }))
    .sort((a, b) => depth(a.mount) - depth(b.mount) || a.index - b.index)
    .map(({ mount }) => mount)
}

/** As in Docker: the root hands on what it is to hand on. OCI runtimes make it private where nothing is said. */
function rootPropagation(mounts: readonly SpecMount[]): { readonly rootfsPropagation?: string } {
  const has = (...words: string[]) => mounts.some(mount => mount.options.some(option => words.includes(option)))
  if (has('shared', 'rshared')) return { rootfsPropagation: 'shared' }
  return has('slave', 'rslave') ? { rootfsPropagation: 'rslave' } : {}
}

function depth(mount: SpecMount): number {
  return mount.destination.split('/').filter(part => part !== '').length
}
