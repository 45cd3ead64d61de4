import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { ContainerUpdateRequest, HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerRecord } from './container-record.js'

const smallestMemoryBytes = 6 * 1024 ** 2
const restartPolicies = ['', 'no', 'always', 'unless-stopped', 'on-failure']

/** Refuse, in Docker's words, values that no container can have. @throws EngineError `invalid_argument` */
export function checkValues(request: ContainerUpdateRequest): void {
  const { CpuPeriod: period = 0, CpuQuota: quota = 0, NanoCpus: nano = 0, MemoryReservation: reservation = 0 } = request
  if (reservation > 0 && reservation < smallestMemoryBytes) throw invalid('MemoryReservation', 'Minimum memory reservation allowed is 6MB')
  if (period !== 0 && (period < 1_000 || period > 1_000_000)) {
    throw invalid('CpuPeriod', 'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)')
  }
  if (quota > 0 && quota < 1_000) throw invalid('CpuQuota', 'CPU cfs quota can not be less than 1ms (i.e. 1000)')
  const available = cpus().length
  if (nano < 0 || nano > available * 1e9) {
    const why = `Range of CPUs is from 0.01 to ${available.toFixed(2)}, as there are only ${available} CPUs available`
    throw invalid('NanoCpus', why)
  }
  checkSet('CpusetCpus', request.CpusetCpus, { file: '/sys/devices/system/cpu/online', what: 'CPUs', of: 'cpuset cpus' })
  checkSet('CpusetMems', request.CpusetMems, { file: '/sys/devices/system/node/online', what: 'memory nodes', of: 'cpuset mems' })
  checkRestartPolicy(request)
}

/** Refuse what does not go with what the container has. @throws EngineError `conflict` */
export function checkAgainst({ id, hostConfig }: ContainerRecord, request: ContainerUpdateRequest): void {
  const conflict = (why: string) => new EngineError('conflict', `Cannot update container ${id}: ${why}`, { details: { id } })
  const has = (name: keyof HostConfig & keyof ContainerUpdateRequest) => Number(hostConfig[name] ?? 0) !== 0
  const asks = (name: keyof ContainerUpdateRequest) => Number(request[name] ?? 0) !== 0
  if (asks('NanoCpus') && has('CpuPeriod')) {
    throw conflict('Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set')
  }
  if (asks('NanoCpus') && has('CpuQuota')) {
    throw conflict('Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set')
  }
  if (asks('CpuPeriod') && has('NanoCpus')) {
    throw conflict('Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set')
  }
  if (asks('CpuQuota') && has('NanoCpus')) {
    throw conflict('Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set')
  }
  // Without a value of its own, the limit of both together is twice that of memory, as it was set when the container was made.
  const both = hostConfig.MemorySwap || 2 * (hostConfig.Memory ?? 0)
  if (asks('Memory') && !asks('MemorySwap') && both > 0 && Number(request.Memory) > both) {
    throw conflict('Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time')
  }
  if (request.RestartPolicy?.Name && request.RestartPolicy.Name !== 'no' && hostConfig.AutoRemove) {
    throw conflict('Restart policy cannot be updated because AutoRemove is enabled for the container')
  }
}

function checkRestartPolicy({ RestartPolicy: policy }: ContainerUpdateRequest): void {
  const { Name: name = '', MaximumRetryCount: most = 0 } = policy ?? {}
  if (!restartPolicies.includes(name)) throw invalid('RestartPolicy', `invalid restart policy '${name}'`)
  if (most < 0) throw invalid('RestartPolicy', 'maximum retry count cannot be negative')
  if (most > 0 && name !== 'on-failure') {
    throw invalid('RestartPolicy', `maximum retry count cannot be used with restart policy '${name}'`)
  }
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
  return new EngineError('invalid_argument', why, { details: { field } })
}
