import { existsSync } from 'node:fs'
import type { HostConfig } from '../../src/api/index.js'
import { once } from '../../src/util/once.js'
import type { CgroupLayout } from '../host/cgroup-layout.js'

/** A host configuration as it can be here. */
export interface Discarded {
  readonly hostConfig: HostConfig
  /** What was left out, and what is dangerous, in Docker's words and in its order. */
  readonly warnings: readonly string[]
}

/** Leave out of a host configuration what this kernel has no limits for, as Docker does. */
export function discardLimits(asked: HostConfig, cgroups: CgroupLayout): Discarded {
  const has = (controller: string) => cgroups.hierarchies.some(({ controllers }) => controllers.includes(controller))
  // How much is swapped and whether anything is killed is the kernel's business in version 2.
  const hasOldMemory = cgroups.hierarchies.some(({ version, controllers }) => version === 1 && controllers.includes('memory'))
  const warnings: string[] = []
  let hostConfig = asked
  const leaveOut = (asksFor: unknown, isThere: () => boolean, change: Partial<HostConfig>, warning: string) => {
    if (!asksFor || isThere()) return
    hostConfig = { ...hostConfig, ...change }
    warnings.push(warning)
  }
  const lacking = (what: string, then: string) => `Your kernel does not support ${what} or the cgroup is not mounted. ${then}`
  const { Memory: memory = 0, PidsLimit: pids, MemorySwappiness: swappiness } = asked
  const hasMemory = () => has('memory')
  leaveOut(memory > 0, hasMemory, { Memory: 0, MemorySwap: -1 }, lacking('memory limit capabilities', 'Limitation discarded.'))
  leaveOut(
    (swappiness ?? -1) >= 0,
    () => hasOldMemory,
    { MemorySwappiness: undefined },
    lacking('memory swappiness capabilities', 'Memory swappiness discarded.')
  )
  leaveOut(asked.MemoryReservation, hasMemory, { MemoryReservation: 0 }, lacking('memory soft limit capabilities', 'Limitation discarded.'))
  leaveOut(
    asked.OomKillDisable,
    () => hasOldMemory,
    { OomKillDisable: undefined },
    'Your kernel does not support OomKillDisable. OomKillDisable discarded.'
  )
  // Kernels have stopped keeping to it (5.16), and Docker has stopped asking for it.
  leaveOut(asked.KernelMemory, () => false, { KernelMemory: 0 }, lacking('kernel memory limit capabilities', 'Limitation discarded.'))
  if (hostConfig.OomKillDisable && memory === 0) {
    warnings.push(
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.'
    )
  }
  leaveOut((pids ?? 0) > 0, () => has('pids'), { PidsLimit: null }, lacking('PIDs limit capabilities', 'PIDs limit discarded.'))
  const hasCpu = () => has('cpu')
  leaveOut(asked.CpuShares, hasCpu, { CpuShares: 0 }, lacking('CPU shares', 'Shares discarded.'))
  const cfs = lacking('CPU CFS scheduler', 'Period/Quota discarded.')
  leaveOut(asked.CpuPeriod || asked.CpuQuota, hasCpu, { CpuPeriod: 0, CpuQuota: 0 }, cfs)
  leaveOut(asked.CpuPercent, () => false, { CpuPercent: 0 }, 'linux does not support CPU percent. Percent discarded.')
  const cpuset = lacking('cpuset', 'Cpuset discarded.')
  leaveOut(asked.CpusetCpus || asked.CpusetMems, () => has('cpuset'), { CpusetCpus: '', CpusetMems: '' }, cpuset)
  const block = once(() => blockLimits(cgroups))
  leaveOut(asked.BlkioWeight, () => block().weight, { BlkioWeight: 0 }, lacking('Block I/O weight', 'Weight discarded.'))
  const weights = lacking('Block I/O weight_device', 'Weight-device discarded.')
  leaveOut(asked.BlkioWeightDevice?.length, () => block().weight, { BlkioWeightDevice: [] }, weights)
  for (const [field, name, unit] of blockRates) {
    const [what, way] = unit
    leaveOut(
      asked[field]?.length,
      () => block().rates,
      { [field]: [] },
      lacking(`${name} limit`, `Block I/O ${what} ${way} limit discarded.`)
    )
  }
  return { hostConfig, warnings }
}

/** By field, what it limits in Docker's words. */
const blockRates = [
  ['BlkioDeviceReadBps', 'BPS Block I/O read', ['BPS', 'read']],
  ['BlkioDeviceWriteBps', 'BPS Block I/O write', ['BPS', 'write']],
  ['BlkioDeviceReadIOps', 'IOPS Block read', ['IOPS', 'read']],
  ['BlkioDeviceWriteIOps', 'IOPS Block write', ['IOPS', 'write']]
] as const

/** What can be said of block devices here. */
function blockLimits(cgroups: CgroupLayout): { readonly weight: boolean; readonly rates: boolean } {
  if (cgroups.hierarchies.some(({ version, controllers }) => version === 2 && controllers.includes('io')))
    return { weight: true, rates: true }
  const tree = cgroups.hierarchies.find(({ version, controllers }) => version === 1 && controllers.includes('blkio'))
  const has = (file: string) => tree !== undefined && existsSync(`${tree.mountPoint}/${file}`)
  return { weight: has('blkio.weight'), rates: has('blkio.throttle.read_bps_device') }
}
