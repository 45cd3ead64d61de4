import type { HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { SpecDeviceRule, SpecProcess, SpecResources } from './runtime-spec.js'

/** Docker's period for `--cpus`, in microseconds. */
const cpuPeriodMicros = 100_000

const smallestMemoryBytes = 6 * 1024 ** 2

/** Limits of a container as cgroup settings. @throws EngineError `invalid_argument` for what Docker refuses too */
export function resourcesOf(hostConfig: HostConfig, devices: readonly SpecDeviceRule[]): SpecResources {
  const memory = memoryOf(hostConfig)
  const cpu = cpuOf(hostConfig)
  const pids = hostConfig.PidsLimit ?? 0
  return {
    devices,
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(pids > 0 && { pids: { limit: pids } })
  }
}

function memoryOf(hostConfig: HostConfig): NonNullable<SpecResources['memory']> {
  const { Memory: limit = 0, MemorySwap: swap = 0, MemoryReservation: reservation = 0, MemorySwappiness: swappiness = -1 } = hostConfig
  if (limit !== 0 && limit < smallestMemoryBytes) throw invalid('Memory', limit, 'Minimum memory limit allowed is 6MB')
  if (swap > 0 && limit === 0) throw invalid('MemorySwap', swap, 'You should always set the Memory limit when using Memoryswap limit')
  if (swap > 0 && swap < limit) throw invalid('MemorySwap', swap, 'Minimum memoryswap limit should be larger than memory limit')
  if (reservation > 0 && limit > 0 && reservation > limit) {
    throw invalid('MemoryReservation', reservation, 'Minimum memory limit can not be less than memory reservation limit')
  }
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
    CpusetMems: mems = ''
  } = hostConfig
  if (nano > 0 && (quota !== 0 || period !== 0)) {
    throw invalid('NanoCpus', nano, 'Conflicting options: Nano CPUs and CPU Period or CPU Quota cannot both be set')
  }
  if (nano < 0) throw invalid('NanoCpus', nano, 'it cannot be negative')
  return {
    ...(nano > 0 && { period: cpuPeriodMicros, quota: Math.round((nano * cpuPeriodMicros) / 1e9) }),
    ...(period > 0 && { period }),
    ...(quota !== 0 && { quota }),
    ...(shares > 0 && { shares }),
    ...(cpus !== '' && { cpus }),
    ...(mems !== '' && { mems })
  }
}

/** Resource limits of the process. */
export function rlimitsOf(hostConfig: HostConfig): NonNullable<SpecProcess['rlimits']> {
  return (hostConfig.Ulimits ?? []).map(({ Name: name = '', Soft: soft = 0, Hard: hard = 0 }) => {
    if (!/^[a-z]+$/.test(name)) throw invalid('Ulimits', name, 'expected a name such as nofile')
    if (hard >= 0 && soft > hard)
      throw invalid('Ulimits', name, `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`)
    return { type: `RLIMIT_${name.toUpperCase()}`, soft, hard }
  })
}

function invalid(field: string, value: unknown, why: string): EngineError {
  return new EngineError('invalid_argument', `HostConfig.${field}: ${why} (got ${String(value)})`, {
    details: { field: `HostConfig.${field}`, value }
  })
}
