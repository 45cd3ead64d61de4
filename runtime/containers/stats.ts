import { readFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { ContainerBlkioStatEntry, ContainerCPUStats, ContainerStatsResponse } from '../../src/api/index.js'
import { CgroupFiles } from '../host/cgroup-files.js'
import { cgroupOf } from './cgroup-of.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import { zeroTime } from './container-record.js'
import { nanoTime } from './nano-time.js'

const betweenMs = 1_000

/** /proc/stat counts in hundredths of a second. */
const nanosPerTick = 10_000_000n

/**
 * What a container uses: a sample a second until it is gone or the caller leaves; one sample with the one before it; or one as it is. A
 * container that does not run uses nothing, and is shown so, as in Docker.
 *
 * @throws EngineError `not_found`
 */
export function containerStats(
  context: ContainerContext,
  idOrName: string,
  { samples }: { readonly samples: 'stream' | 'two' | 'one' },
  signal: AbortSignal
): AsyncIterable<ContainerStatsResponse> {
  const { id } = context.store.get(idOrName)
  return follow(context, id, samples, signal)
}

async function* follow(
  context: ContainerContext,
  id: string,
  samples: 'stream' | 'two' | 'one',
  signal: AbortSignal
): AsyncGenerator<ContainerStatsResponse> {
  const first = context.store.find(id)
  if (first === undefined) return
  let before = await sample(context, first)
  if (samples !== 'stream' && (samples === 'one' || first.state.status !== 'running')) {
    yield before
    return
  }
  if (samples === 'stream') yield before
  for (;;) {
    await delay(betweenMs, undefined, { signal }).catch(() => signal.throwIfAborted())
    const record = context.store.find(id)
    if (record === undefined) return
    const now = await sample(context, record)
    const preread = before.read === undefined ? {} : { preread: before.read }
    yield { ...now, ...preread, ...(before.cpu_stats && { precpu_stats: before.cpu_stats }) }
    if (samples === 'two') return
    before = now
  }
}

async function sample(context: ContainerContext, record: ContainerRecord): Promise<ContainerStatsResponse> {
  const base = {
    id: record.id,
    name: `/${record.name}`,
    os_type: 'linux',
    preread: zeroTime,
    precpu_stats: noCpu,
    num_procs: 0,
    storage_stats: {}
  }
  if (record.state.status !== 'running') {
    return { ...base, read: zeroTime, cpu_stats: noCpu, memory_stats: {}, blkio_stats: noBlkio, pids_stats: {}, networks: null }
  }
  const files = new CgroupFiles(context.cgroups, cgroupOf(context.paths, record))
  const [cpu, memory, pids, blkio, networks] = await Promise.all([
    cpuStats(files),
    memoryStats(files),
    pidsStats(files),
    blkioStats(files),
    networkStats(record)
  ])
  return {
    ...base,
    read: nanoTime(),
    cpu_stats: cpu,
    memory_stats: memory,
    pids_stats: pids,
    blkio_stats: blkio,
    ...(networks && { networks })
  }
}

const noCpu: ContainerCPUStats = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 }
}

const noBlkio = {
  io_service_bytes_recursive: [],
  io_serviced_recursive: null,
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null
}

async function cpuStats(files: CgroupFiles): Promise<ContainerCPUStats> {
  const system = { system_cpu_usage: Number(await systemCpuNanos()), online_cpus: cpus().length }
  if (files.version('cpu') === 2) {
    const stat = pairs(await files.read('cpu', 'cpu.stat'))
    const nanos = (name: string) => (stat.get(name) ?? 0) * 1000
    return {
      cpu_usage: { total_usage: nanos('usage_usec'), usage_in_kernelmode: nanos('system_usec'), usage_in_usermode: nanos('user_usec') },
      ...system,
      throttling_data: {
        periods: stat.get('nr_periods') ?? 0,
        throttled_periods: stat.get('nr_throttled') ?? 0,
        throttled_time: nanos('throttled_usec')
      }
    }
  }
  const [total, perCpu, split, throttled] = await Promise.all([
    files.read('cpuacct', 'cpuacct.usage'),
    files.read('cpuacct', 'cpuacct.usage_percpu'),
    files.read('cpuacct', 'cpuacct.stat'),
    files.read('cpu', 'cpu.stat')
  ])
  const ticks = pairs(split)
  const throttling = pairs(throttled)
  return {
    cpu_usage: {
      total_usage: Number(total ?? 0),
      percpu_usage: numbers(perCpu),
      usage_in_kernelmode: (ticks.get('system') ?? 0) * Number(nanosPerTick),
      usage_in_usermode: (ticks.get('user') ?? 0) * Number(nanosPerTick)
    },
    ...system,
    throttling_data: {
      periods: throttling.get('nr_periods') ?? 0,
      throttled_periods: throttling.get('nr_throttled') ?? 0,
      throttled_time: throttling.get('throttled_time') ?? 0
    }
  }
}

/** All the time of all processors, idle or not, in nanoseconds. */
async function systemCpuNanos(): Promise<bigint> {
  const [line = ''] = (await readFile('/proc/stat', 'latin1')).split('\n')
  // Guest time is in user time already.
  return (
    line
      .trim()
      .split(/\s+/)
      .slice(1, 9)
      .reduce((sum, ticks) => sum + BigInt(ticks), 0n) * nanosPerTick
  )
}

async function memoryStats(files: CgroupFiles) {
  const stats = async () => Object.fromEntries(pairs(await files.read('memory', 'memory.stat')))
  if (files.version('memory') === 2) {
    const [usage, limit, events] = await Promise.all([
      files.read('memory', 'memory.current'),
      files.read('memory', 'memory.max'),
      files.read('memory', 'memory.events')
    ])
    return { usage: Number(usage ?? 0), stats: await stats(), failcnt: pairs(events).get('oom') ?? 0, limit: limitOf(limit) }
  }
  const [usage, highest, failures, limit] = await Promise.all([
    files.read('memory', 'memory.usage_in_bytes'),
    files.read('memory', 'memory.max_usage_in_bytes'),
    files.read('memory', 'memory.failcnt'),
    files.read('memory', 'memory.limit_in_bytes')
  ])
  return {
    usage: Number(usage ?? 0),
    max_usage: Number(highest ?? 0),
    stats: await stats(),
    failcnt: Number(failures ?? 0),
    limit: limitOf(limit)
  }
}

/** No limit is the host's memory. */
function limitOf(text: string | undefined): number {
  const value = Number(text?.trim())
  return Number.isFinite(value) && value > 0 ? Math.min(value, totalmem()) : totalmem()
}

async function pidsStats(files: CgroupFiles) {
  const [current, limit] = await Promise.all([files.read('pids', 'pids.current'), files.read('pids', 'pids.max')])
  const most = Number(limit?.trim())
  return { current: Number(current ?? 0), ...(Number.isFinite(most) && most > 0 && { limit: most }) }
}

async function blkioStats(files: CgroupFiles) {
  if (files.version('io') === 2) {
    const entries = ((await files.read('io', 'io.stat')) ?? '').split('\n').flatMap(line => {
      const [device = '', ...values] = line.split(' ')
      const [major, minor] = device.split(':').map(Number)
      const counters = new Map(values.map(value => value.split('=') as [string, string]))
      return major === undefined || minor === undefined || device === ''
        ? []
        : (['rbytes', 'wbytes'] as const).map(name => ({
            major,
            minor,
            op: name === 'rbytes' ? 'read' : 'write',
            value: Number(counters.get(name) ?? 0)
          }))
    })
    return { ...noBlkio, io_service_bytes_recursive: entries }
  }
  const [bytes, operations] = await Promise.all([
    files.read('blkio', 'blkio.throttle.io_service_bytes_recursive'),
    files.read('blkio', 'blkio.throttle.io_serviced_recursive')
  ])
  return { ...noBlkio, io_service_bytes_recursive: blkioEntries(bytes), io_serviced_recursive: blkioEntries(operations) }
}

/** `8:0 Read 4096`, a line for each operation, and totals of all devices at the end. */
function blkioEntries(text = ''): readonly ContainerBlkioStatEntry[] {
  return text.split('\n').flatMap(line => {
    const match = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line)
    return match === null
      ? []
      : [{ major: Number(match[1]), minor: Number(match[2]), op: (match[3] ?? '').toLowerCase(), value: Number(match[4]) }]
  })
}

/** The interfaces in the container's namespace, loopback apart. The host's own are nobody's use. */
async function networkStats({ state, hostConfig }: ContainerRecord): Promise<ContainerStatsResponse['networks']> {
  if (hostConfig.NetworkMode === 'host' || state.pid === 0) return undefined
  const text = await readFile(`/proc/${state.pid}/net/dev`, 'latin1').catch(() => '')
  const interfaces = text.split('\n').flatMap(line => {
    const match = /^\s*([^:\s]+):\s*(.*)$/.exec(line)
    const name = match?.[1]
    if (name === undefined || name === 'lo') return []
    const values = (match?.[2] ?? '').trim().split(/\s+/).map(Number)
    const at = (index: number) => values[index] ?? 0
    const stats = {
      rx_bytes: at(0),
      rx_packets: at(1),
      rx_errors: at(2),
      rx_dropped: at(3),
      tx_bytes: at(8),
      tx_packets: at(9),
      tx_errors: at(10),
      tx_dropped: at(11)
    }
    return [[name, stats] as const]
  })
  return interfaces.length === 0 ? undefined : Object.fromEntries(interfaces)
}

/** Lines of a name and a number. */
function pairs(text = ''): ReadonlyMap<string, number> {
  return new Map(
    text.split('\n').flatMap(line => {
      const [name, value] = line.split(' ')
      return name === undefined || value === undefined ? [] : [[name, Number(value)] as const]
    })
  )
}

function numbers(text = ''): readonly number[] {
  return text
    .trim()
    .split(/\s+/)
    .filter(word => word !== '')
    .map(Number)
}
