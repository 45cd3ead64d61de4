/**
 * The parts of the OCI runtime specification (config.json, version 1.0.2) that Gantry writes.
 * https://github.com/opencontainers/runtime-spec/blob/v1.0.2/config.md
 */
export interface RuntimeSpec {
  readonly ociVersion: '1.0.2'
  readonly process: SpecProcess
  readonly root: { readonly path: string; readonly readonly: boolean }
  readonly hostname?: string
  readonly domainname?: string
  readonly mounts: readonly SpecMount[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly linux: SpecLinux
}

export interface SpecProcess {
  readonly terminal: boolean
  readonly consoleSize?: { readonly height: number; readonly width: number }
  readonly user: SpecUser
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly capabilities: SpecCapabilities
  readonly rlimits?: readonly { readonly type: string; readonly soft: number; readonly hard: number }[]
  readonly noNewPrivileges: boolean
  readonly oomScoreAdj?: number
}

export interface SpecUser {
  readonly uid: number
  readonly gid: number
  readonly additionalGids?: readonly number[]
}

export interface SpecCapabilities {
  readonly bounding: readonly string[]
  readonly effective: readonly string[]
  readonly permitted: readonly string[]
}

export interface SpecMount {
  readonly destination: string
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}

export interface SpecNamespace {
  readonly type: 'pid' | 'network' | 'ipc' | 'uts' | 'mount' | 'cgroup' | 'user'
  readonly path?: string
}

export interface SpecDeviceRule {
  readonly allow: boolean
  readonly type?: 'a' | 'b' | 'c'
  readonly major?: number
  readonly minor?: number
  readonly access: string
}

export interface SpecResources {
  readonly devices: readonly SpecDeviceRule[]
  readonly memory?: {
    readonly limit?: number
    readonly swap?: number
    readonly reservation?: number
    readonly swappiness?: number
    readonly disableOOMKiller?: boolean
  }
  readonly cpu?: {
    readonly shares?: number
    readonly quota?: number
    readonly period?: number
    readonly cpus?: string
    readonly mems?: string
    readonly realtimePeriod?: number
    readonly realtimeRuntime?: number
  }
  readonly pids?: { readonly limit: number }
  readonly blockIO?: SpecBlockIo
}

export interface SpecBlockIo {
  readonly weight?: number
  readonly weightDevice?: readonly { readonly major: number; readonly minor: number; readonly weight: number }[]
  readonly throttleReadBpsDevice?: readonly SpecThrottle[]
  readonly throttleWriteBpsDevice?: readonly SpecThrottle[]
  readonly throttleReadIOPSDevice?: readonly SpecThrottle[]
  readonly throttleWriteIOPSDevice?: readonly SpecThrottle[]
}

export interface SpecThrottle {
  readonly major: number
  readonly minor: number
  /** Bytes or operations a second. */
  readonly rate: number
}

export interface SpecDevice {
  readonly path: string
  readonly type: 'b' | 'c'
  readonly major: number
  readonly minor: number
  readonly fileMode: number
  readonly uid: number
  readonly gid: number
}

export interface SpecSeccomp {
  readonly defaultAction: SeccompAction
  readonly defaultErrnoRet?: number
  readonly architectures: readonly string[]
  readonly syscalls: readonly SpecSyscallRule[]
}

export type SeccompAction = 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO'

export interface SpecSyscallRule {
  readonly names: readonly string[]
  readonly action: SeccompAction
  readonly errnoRet?: number
  readonly args?: readonly {
    readonly index: number
    readonly value: number
    readonly valueTwo?: number
    readonly op: 'SCMP_CMP_EQ' | 'SCMP_CMP_NE' | 'SCMP_CMP_MASKED_EQ'
  }[]
}

export interface SpecLinux {
  readonly namespaces: readonly SpecNamespace[]
  readonly cgroupsPath: string
  readonly resources: SpecResources
  readonly devices?: readonly SpecDevice[]
  readonly sysctl?: Readonly<Record<string, string>>
  readonly seccomp?: SpecSeccomp
  readonly maskedPaths: readonly string[]
  readonly readonlyPaths: readonly string[]
  readonly rootfsPropagation?: string
}
