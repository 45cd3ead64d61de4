import type { HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { blockIoOf } from './block-io.js'
import type { SpecDeviceRule, SpecProcess, SpecResources } from './runtime-spec.js'

/** Docker's period for `--cpus`, in microseconds. */
const cpuPeriodMicros = 100_000

/** Limits of a container as cgroup settings. @throws EngineError `failed` for shares that no container can have, as in Docker */
export function resourcesOf(hostConfig: HostConfig, devices: readonly SpecDeviceRule[]): SpecResources {
  const memory = memoryOf(hostConfig)
  const cpu = cpuOf(hostConfig)
  const blockIO = blockIoOf(hostConfig)
  const pids = hostConfig.PidsLimit ?? 0
  return {
    devices,
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(pids > 0 && { pids: { limit: pids } }),
    ...(blockIO && { blockIO })
  }
}

function memoryOf(hostConfig: HostConfig): NonNullable<SpecResources['memory']> {
  const { Memory: limit = 0, MemorySwap: swap = 0, MemoryReservation: reservation = 0 } = hostConfig
  const swappiness = hostConfig.MemorySwappiness ?? -1
  return {
    ...(limit > 0 && { limit }),
    // Docker's default: as much swap as memory.
    ...(swap !== 0 ? { swap } : limit > 0 && { swap: limit * 2 }),
    ...(reservation > 0 && { reservation }),
    ...(swappiness >= 0 && { swappiness }),
    ...(hostConfig.OomKillDisable && { disableOOMKiller: true })
  }
}

function cpuOf(hostConfig: HostConfig): NonNullable<SpecResources['cpu']> {
  const {
    NanoCpus: nano = 0,
    CpuShares: shares = 0,
    CpuQuota: quota = 0,
    CpuPeriod: period = 0,
    CpusetCpus: cpus = '',
    CpusetMems: mems = '',
    CpuRealtimePeriod: realtimePeriod = 0,
    CpuRealtimeRuntime: realtimeRuntime = 0
  } = hostConfig
  if (shares < 0) throw refused('CpuShares', 'shares: invalid argument')
  if (shares === 1) throw refused('CpuShares', 'OCI runtime create failed: the minimum allowed cpu-shares is 2: unknown')
  return {
    ...(nano > 0 && { period: cpuPeriodMicros, quota: Math.round((nano * cpuPeriodMicros) / 1e9) }),
    ...(period > 0 && { period }),
    // Below 0 there is none.
    ...(quota !== 0 && { quota: Math.max(-1, quota) }),
    ...(shares > 0 && { shares }),
    ...(cpus !== '' && { cpus }),
    ...(mems !== '' && { mems }),
    ...(realtimePeriod !== 0 && { realtimePeriod }),
    ...(realtimeRuntime !== 0 && { realtimeRuntime })
  }
}

/** What setrlimit(2) knows on Linux. */
const rlimitNames: ReadonlySet<string> = new Set(
  'AS CORE CPU DATA FSIZE LOCKS MEMLOCK MSGQUEUE NICE NOFILE NPROC RSS RTPRIO RTTIME SIGPENDING STACK'.split(' ')
)

/** Resource limits of the process. @throws EngineError `failed` for one that there is not; the kernel refuses other mistakes */
export function rlimitsOf(hostConfig: HostConfig): NonNullable<SpecProcess['rlimits']> {
  return (hostConfig.Ulimits ?? []).map(({ Name: name = '', Soft: soft = 0, Hard: hard = 0 }) => {
    const upper = name.toUpperCase()
    if (!rlimitNames.has(upper)) throw refused('Ulimits', `OCI runtime create failed: wrong rlimit value: RLIMIT_${upper}: unknown`)
    return { type: `RLIMIT_${upper}`, soft, hard }
  })
}

function refused(field: string, why: string): EngineError {
  return new EngineError('failed', why, { details: { field: `HostConfig.${field}` } })
}
