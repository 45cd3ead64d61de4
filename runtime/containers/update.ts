import type { ContainerUpdateRequest, HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { CgroupFiles } from '../host/cgroup-files.js'
import { resourcesOf } from '../oci/resources.js'
import type { SpecResources } from '../oci/runtime-spec.js'
import { cgroupOf } from './cgroup-of.js'
import { checkLimits } from './check-limits.js'
import { checkRestartPolicy } from './check-settings.js'
import type { ContainerContext } from './container-context.js'
import { containerAttributes } from './event-attributes.js'
import { checkAgainst } from './update-checks.js'

/** What can be changed while a container runs. The rest of the request's properties belongs to other systems, or to creation. */
const changeable = [
  'CpuShares',
  'CpuPeriod',
  'CpuQuota',
  'CpusetCpus',
  'CpusetMems',
  'NanoCpus',
  'Memory',
  'MemorySwap',
  'MemoryReservation',
  'PidsLimit',
  'BlkioWeight',
  'RestartPolicy'
] as const

/**
 * Change limits and restart policy. What is absent or 0 stays as it is, but for a limit of processes: there 0 takes it away.
 *
 * @returns warnings
 * @throws EngineError `not_found`, `invalid_argument`, `conflict` with what it has, `not_implemented` for what cannot be changed here
 */
export function updateContainer(
  context: ContainerContext,
  idOrName: string,
  request: ContainerUpdateRequest
): Promise<readonly string[] | null> {
  const { id } = context.store.get(idOrName)
  return context.live.exclusive(id, async () => {
    const record = context.store.get(id)
    checkLimits(request, { update: true })
    checkRestartPolicy(request.RestartPolicy)
    const { BlkioWeight: weight, ...change } = changeOf(request)
    const weigh = weight === undefined ? undefined : weightFile(context)
    checkAgainst(record, change)
    // A negative number takes the limit away, and is kept as none.
    const pids = change.PidsLimit === undefined ? {} : { PidsLimit: Math.max(0, change.PidsLimit ?? 0) }
    const hostConfig: HostConfig = { ...record.hostConfig, ...change, ...pids, ...(weigh && { BlkioWeight: weight }) }
    const resources = resourcesOf(hostConfig, [])
    if (record.state.status === 'running') {
      const files = new CgroupFiles(context.cgroups, cgroupOf(context.paths, record))
      await apply(files, resources, change)
      if (weigh !== undefined) await files.write(weigh.controller, weigh.name, String(weight))
    }
    await context.store.update(id, current => ({ ...current, hostConfig }))
    context.events.publish({ Type: 'container', Action: 'update', id, attributes: containerAttributes(record) })
    return weight !== undefined && weigh === undefined ? [noWeight] : null
  })
}

const noWeight = 'Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.'

/** Where the weight of block I/O is written; undefined where this kernel's scheduler has none. */
function weightFile({ cgroups, paths }: ContainerContext): { readonly controller: string; readonly name: string } | undefined {
  const parent = new CgroupFiles(cgroups, paths.cgroupParent)
  const candidates = ['blkio.weight', 'blkio.bfq.weight', 'io.weight', 'io.bfq.weight']
  return candidates
    .map(name => ({ controller: name.split('.', 1)[0] ?? '', name }))
    .find(({ controller, name }) => parent.readNow(controller, name) !== undefined)
}

function changeOf(request: ContainerUpdateRequest): Partial<HostConfig> {
  const asked = Object.entries(request).filter(([name, value]) => (name === 'PidsLimit' && value === 0) || saysSomething(value))
  const other = asked.find(([name]) => !(changeable as readonly string[]).includes(name))
  if (other !== undefined) {
    throw new EngineError('not_implemented', `${other[0]}: ${JSON.stringify(other[1])} cannot be changed in a container that is there`, {
      details: { field: other[0], value: other[1] }
    })
  }
  return Object.fromEntries(asked)
}

function saysSomething(value: unknown): boolean {
  if (value === undefined || value === null || value === 0 || value === '' || value === false) return false
  if (Array.isArray(value)) return value.length > 0
  if (typeof value === 'object') return Object.values(value).some(saysSomething)
  return true
}

async function apply(files: CgroupFiles, resources: SpecResources, change: Partial<HostConfig>): Promise<void> {
  const { memory = {}, cpu = {}, pids } = resources
  if (change.Memory !== undefined || change.MemorySwap !== undefined) await applyMemory(files, memory)
  if (memory.reservation !== undefined && change.MemoryReservation !== undefined) {
    await files.write('memory', files.version('memory') === 2 ? 'memory.low' : 'memory.soft_limit_in_bytes', String(memory.reservation))
  }
  const v2 = files.version('cpu') === 2
  if (cpu.shares !== undefined && change.CpuShares !== undefined) {
    // The conversion that runc and crun make: 2..262144 onto 1..10000.
    const weight = 1 + Math.floor(((cpu.shares - 2) * 9999) / 262_142)
    await files.write('cpu', v2 ? 'cpu.weight' : 'cpu.shares', String(v2 ? weight : cpu.shares))
  }
  if (change.CpuQuota !== undefined || change.CpuPeriod !== undefined || change.NanoCpus !== undefined) {
    const quota = cpu.quota ?? -1
    const period = cpu.period ?? 100_000
    if (v2) await files.write('cpu', 'cpu.max', `${quota > 0 ? quota : 'max'} ${period}`)
    else {
      await files.write('cpu', 'cpu.cfs_period_us', String(period))
      await files.write('cpu', 'cpu.cfs_quota_us', String(quota))
    }
  }
  if (cpu.cpus !== undefined && change.CpusetCpus !== undefined) await files.write('cpuset', 'cpuset.cpus', cpu.cpus)
  if (cpu.mems !== undefined && change.CpusetMems !== undefined) await files.write('cpuset', 'cpuset.mems', cpu.mems)
  if (change.PidsLimit !== undefined) await files.write('pids', 'pids.max', pids === undefined ? 'max' : String(pids.limit))
}

/** With v1 the limit may not pass that of memory and swap together, so which is first depends on where it goes. */
async function applyMemory(files: CgroupFiles, memory: NonNullable<SpecResources['memory']>): Promise<void> {
  const limit = String(memory.limit ?? -1)
  const both = String(memory.swap ?? -1)
  if (files.version('memory') === 2) {
    await files.write('memory', 'memory.max', memory.limit === undefined ? 'max' : limit)
    const swap = memory.swap === undefined || memory.swap < 0 ? 'max' : String(memory.swap - (memory.limit ?? 0))
    if ((await files.read('memory', 'memory.swap.max')) !== undefined) await files.write('memory', 'memory.swap.max', swap)
    return
  }
  const hasSwap = (await files.read('memory', 'memory.memsw.limit_in_bytes')) !== undefined
  const current = Number((await files.read('memory', 'memory.memsw.limit_in_bytes')) ?? 0)
  const grows = memory.swap === undefined || memory.swap < 0 || memory.swap >= current
  const writeBoth = () => (hasSwap ? files.write('memory', 'memory.memsw.limit_in_bytes', both) : Promise.resolve())
  if (grows) await writeBoth()
  await files.write('memory', 'memory.limit_in_bytes', limit)
  if (!grows) await writeBoth()
}
