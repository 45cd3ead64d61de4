import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'

const smallestMemoryBytes = 6 * 1024 ** 2

/** Every limit that can be asked for when a container is made; an update asks for some of them. */
export type Limits = Pick<
  HostConfig,
  'Memory' | 'MemorySwap' | 'MemorySwappiness' | 'MemoryReservation' | 'NanoCpus' | 'CpuPeriod' | 'CpuQuota' | 'CpusetCpus' | 'CpusetMems'
>

/**
 * Refuse limits that no container can have, in Docker's words and in its order.
 *
 * @param options.update what is asked for comes on top of what a container has: limits may come without the one they depend on
 * @throws EngineError `invalid_argument`
 */
export function checkLimits(limits: Limits, { update = false }: { readonly update?: boolean } = {}): void {
  checkMemory(limits, update)
  checkCpu(limits)
  checkSet('CpusetCpus', limits.CpusetCpus, { file: '/sys/devices/system/cpu/online', what: 'CPUs', of: 'cpuset cpus' })
  checkSet('CpusetMems', limits.CpusetMems, { file: '/sys/devices/system/node/online', what: 'memory nodes', of: 'cpuset mems' })
}

function checkMemory(limits: Limits, update: boolean): void {
  const { Memory: memory = 0, MemorySwap: swap = 0, MemoryReservation: reservation = 0 } = limits
  const swappiness = limits.MemorySwappiness ?? -1
  if (memory !== 0 && memory < smallestMemoryBytes) throw invalid('Memory', 'Minimum memory limit allowed is 6MB')
  if (memory > 0 && swap > 0 && swap < memory) {
    throw invalid('MemorySwap', 'Minimum memoryswap limit should be larger than memory limit, see usage')
  }
  if (memory === 0 && swap > 0 && !update) {
    throw invalid('MemorySwap', 'You should always set the Memory limit when using Memoryswap limit, see usage')
  }
  if (swappiness < -1 || swappiness > 100) {
    throw invalid('MemorySwappiness', `Invalid value: ${swappiness}, valid memory swappiness range is 0-100`)
  }
  if (reservation > 0 && reservation < smallestMemoryBytes) throw invalid('MemoryReservation', 'Minimum memory reservation allowed is 6MB')
  if (memory > 0 && reservation > 0 && memory < reservation) {
    throw invalid('MemoryReservation', 'Minimum memory limit can not be less than memory reservation limit, see usage')
  }
}

function checkCpu({ NanoCpus: nano = 0, CpuPeriod: period = 0, CpuQuota: quota = 0 }: Limits): void {
  if (nano > 0 && period > 0) throw invalid('NanoCpus', 'Conflicting options: Nano CPUs and CPU Period cannot both be set')
  if (nano > 0 && quota > 0) throw invalid('NanoCpus', 'Conflicting options: Nano CPUs and CPU Quota cannot both be set')
  // Counting them reads a file for each, which most containers need not wait for.
  if (nano !== 0) {
    const available = cpus().length
    if (nano < 0 || nano > available * 1e9) {
      const why = `Range of CPUs is from 0.01 to ${available.toFixed(2)}, as there are only ${available} CPUs available`
      throw invalid('NanoCpus', why)
    }
  }
  if (period !== 0 && (period < 1_000 || period > 1_000_000)) {
    throw invalid('CpuPeriod', 'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)')
  }
  if (quota > 0 && quota < 1_000) throw invalid('CpuQuota', 'CPU cfs quota can not be less than 1ms (i.e. 1000)')
}

function checkSet(
  field: string,
  asked: string | undefined,
  { file, what, of }: { readonly file: string; readonly what: string; readonly of: string }
): void {
  if (!asked) return
  const wanted = members(asked)
  if (wanted === undefined) throw invalid(field, `Invalid value ${asked} for ${of}: invalid format: ${asked}`)
  let online: string
  try {
    online = readFileSync(file, 'latin1').trim()
  } catch {
    // A kernel that does not say is asked when it is written.
    return
  }
  const there = new Set(members(online))
  if (wanted.some(one => !there.has(one))) {
    throw invalid(field, `Requested ${what} are not available - requested ${asked}, available: ${online}`)
  }
}

/** `0-2,4` as numbers; undefined where it says something else. */
function members(text: string): readonly number[] | undefined {
  const found: number[] = []
  for (const part of text.split(',')) {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim())
    if (match === null) return undefined
    const first = Number(match[1])
    const last = Number(match[2] ?? first)
    if (last < first) return undefined
    for (let one = first; one <= last; one++) found.push(one)
  }
  return found
}

function invalid(field: string, why: string): EngineError {
  return new EngineError('invalid_argument', why, { details: { field: `HostConfig.${field}` } })
}
