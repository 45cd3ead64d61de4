import type { ContainerUpdateRequest, HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerRecord } from './container-record.js'

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
