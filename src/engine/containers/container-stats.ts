import { ContainerStats, type ContainerStatsResponse } from '../../api/index.js'
import { EngineError } from '../../errors/index.js'
import { checkAbortable, openCallScope } from '../call-scope.js'
import { checkDuration, checkKeys, optional } from '../checks.js'
import { callWith, type EngineContext } from '../context.js'
import type { Container } from '../handles.js'
import type { Stats, StatsOptions, StatsStream } from './container.js'

/** `docker stats`: samples while the loop runs, or one. Nothing is asked for before either. */
export function containerStats(context: EngineContext, container: Container, options: StatsOptions): StatsStream {
  const given = checkKeys('stats', options, ['every', 'signal', 'timeout'])
  const limits = checkAbortable('stats', given)
  const everyMs = optional(checkDuration, 'stats.every', given.every) ?? 0
  const open = () => openCallScope(`stats of container ${container.name}`, limits, context.session.closing)

  async function* samples(): AsyncGenerator<Stats, void, undefined> {
    const scope = open()
    try {
      const query = { stream: true }
      // What a figure is compared with: the sample before it that was handed out, else the one that the engine sends along.
      let before: ContainerStatsResponse | undefined
      for await (const sample of await callWith(context, ContainerStats, { path: { id: container.id }, query }, { signal: scope.signal })) {
        const previous = before ?? precedingOf(sample)
        if (previous === undefined) {
          before = sample
          continue
        }
        if (before !== undefined && everyMs > 0 && msBetween(before, sample) < everyMs - slackMs) continue
        before = sample
        yield statsOf(sample, previous)
      }
    } finally {
      scope.release()
    }
  }

  async function now(): Promise<Stats> {
    const scope = open()
    try {
      const query = { stream: false }
      for await (const sample of await callWith(context, ContainerStats, { path: { id: container.id }, query }, { signal: scope.signal })) {
        return statsOf(sample, precedingOf(sample))
      }
    } finally {
      scope.release()
    }
    throw new EngineError('data_loss', `The engine sent no statistics of container ${container.name}`)
  }

  return { [Symbol.asyncIterator]: samples, now }
}

/** Samples come a second apart, give or take: one that is this early is not left out. */
const slackMs = 100

/** A sample as users see it: CPU since the sample before, memory as `docker stats` counts it. */
export function statsOf(sample: ContainerStatsResponse, before: ContainerStatsResponse | undefined): Stats {
  const networks = Object.values(sample.networks ?? {})
  return {
    at: timeOf(sample),
    cpuPercent: before === undefined ? 0 : cpuPercent(sample, before),
    memoryBytes: memoryBytes(sample),
    memoryLimitBytes: sample.memory_stats?.limit ?? 0,
    receivedBytes: networks.reduce((sum, { rx_bytes = 0 }) => sum + rx_bytes, 0),
    sentBytes: networks.reduce((sum, { tx_bytes = 0 }) => sum + tx_bytes, 0),
    pids: sample.pids_stats?.current ?? 0
  }
}

/** The sample before this one, which engines send along; a first one has none. */
function precedingOf(sample: ContainerStatsResponse): ContainerStatsResponse | undefined {
  const total = sample.precpu_stats?.cpu_usage?.total_usage
  if (!total) return undefined
  return { read: sample.preread, cpu_stats: sample.precpu_stats }
}

/** 100 is one processor in full, as `docker stats` counts. */
function cpuPercent(sample: ContainerStatsResponse, before: ContainerStatsResponse): number {
  const used = (sample.cpu_stats?.cpu_usage?.total_usage ?? 0) - (before.cpu_stats?.cpu_usage?.total_usage ?? 0)
  if (used <= 0) return 0
  const systemNow = sample.cpu_stats?.system_cpu_usage ?? 0
  const systemBefore = before.cpu_stats?.system_cpu_usage ?? 0
  // cgroup v2 payloads leave out the list of processors, v1 payloads of old engines their number.
  const cpus = sample.cpu_stats?.online_cpus || sample.cpu_stats?.cpu_usage?.percpu_usage?.length || 0
  if (systemBefore > 0 && systemNow > systemBefore && cpus > 0) return (used / (systemNow - systemBefore)) * cpus * 100
  // Without the host's own figures (rootless engines): by the clock.
  const elapsedMs = msBetween(before, sample)
  return elapsedMs > 0 ? (used / 1e6 / elapsedMs) * 100 : 0
}

/** Without page cache that could be given back at any time: `total_inactive_file` with cgroup v1, `inactive_file` with v2. */
function memoryBytes({ memory_stats: memory }: ContainerStatsResponse): number {
  const usage = memory?.usage ?? 0
  const idle = memory?.stats?.total_inactive_file ?? memory?.stats?.inactive_file ?? 0
  return idle < usage ? usage - idle : usage
}

function msBetween(before: ContainerStatsResponse, after: ContainerStatsResponse): number {
  return timeOf(after).getTime() - timeOf(before).getTime()
}

/** Go's zero time stands for a container that does not run. */
function timeOf(sample: ContainerStatsResponse): Date {
  const read = new Date(sample.read ?? '')
  return Number.isNaN(read.getTime()) || read.getUTCFullYear() <= 1 ? new Date() : read
}
