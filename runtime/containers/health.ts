import { setTimeout as sleep } from 'node:timers/promises'
import type { ContainerConfig, HealthConfig, HealthcheckResult } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord, HealthState } from './container-record.js'
import { containerAttributes } from './event-attributes.js'
import { execInContainer } from './exec.js'
import { nanoTime } from './nano-time.js'

/** Docker's defaults, in nanoseconds as everywhere in a health check. */
const defaults = { Interval: 30e9, Timeout: 30e9, Retries: 3, StartPeriod: 0, StartInterval: 5e9 } as const

const shortestNanos = 1e6
const nanosPerMs = 1e6

/** What Docker keeps of a check's output, and of how many checks. */
const outputLimitBytes = 4096
const keptResults = 5

/** What Docker says a check ended with that took too long, or could not be run. */
const noExitCode = -1

/** Looks after the health of one run of a container. */
export interface HealthWatch {
  /** The run is over. */
  end(): void
}

/** A health check that is to be run, in Docker's words; undefined where there is none. */
export function healthCheckOf({
  Healthcheck: check,
  Shell: shell
}: ContainerConfig): { readonly argv: readonly string[]; readonly settings: HealthConfig } | undefined {
  const [kind = '', ...rest] = check?.Test ?? []
  if (check === undefined || check === null || kind === '' || kind === 'NONE') return undefined
  const argv =
    kind === 'CMD-SHELL'
      ? [...(shell && shell.length > 0 ? shell : ['/bin/sh', '-c']), rest.join(' ')]
      : kind === 'CMD'
        ? rest
        : [kind, ...rest]
  return { argv, settings: check }
}

/** @throws EngineError `invalid_argument` in Docker's words */
export function checkHealthSettings(check: HealthConfig | null | undefined): void {
  for (const name of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const nanos = check?.[name] ?? 0
    if (nanos !== 0 && nanos < shortestNanos) {
      throw new EngineError('invalid_argument', `${name} in Healthcheck cannot be less than 1ms`, {
        details: { field: `Healthcheck.${name}`, value: nanos }
      })
    }
  }
  if ((check?.Retries ?? 0) < 0)
    throw new EngineError('invalid_argument', 'Retries in Healthcheck cannot be negative', { details: { field: 'Healthcheck.Retries' } })
}

/** The health of a container that has just started; undefined without a check. */
export function firstHealth(config: ContainerConfig): HealthState | undefined {
  return healthCheckOf(config) === undefined ? undefined : { status: 'starting', failingStreak: 0, log: [] }
}

/** Run a container's health check again and again, as Docker does, until its run is over. */
export function watchHealth(context: ContainerContext, record: ContainerRecord): HealthWatch | undefined {
  const check = healthCheckOf(record.config)
  if (check === undefined) return undefined
  const ended = new AbortController()
  void follow(context, record.id, check, ended.signal).catch(() => {})
  return { end: () => ended.abort() }
}

async function follow(
  context: ContainerContext,
  id: string,
  { argv, settings }: { readonly argv: readonly string[]; readonly settings: HealthConfig },
  ended: AbortSignal
): Promise<void> {
  const nanos = (name: keyof typeof defaults) => settings[name] || defaults[name]
  const startedAt = Date.now()
  const isStarting = () => Date.now() - startedAt < nanos('StartPeriod') / nanosPerMs
  for (;;) {
    const health = context.store.find(id)?.state.health
    const interval = health?.status === 'starting' && isStarting() ? Math.min(nanos('StartInterval'), nanos('Interval')) : nanos('Interval')
    await sleep(interval / nanosPerMs, undefined, { signal: ended, ref: false })
    const record = context.store.find(id)
    if (record === undefined || record.state.status !== 'running') return
    if (record.state.paused) continue
    const result = await probe(context, record, { argv, timeoutMs: nanos('Timeout') / nanosPerMs, ended })
    if (ended.aborted) return
    await note(context, id, result, { retries: settings.Retries || defaults.Retries, isStarting: isStarting() })
  }
}

async function probe(
  context: ContainerContext,
  record: ContainerRecord,
  { argv, timeoutMs, ended }: { readonly argv: readonly string[]; readonly timeoutMs: number; readonly ended: AbortSignal }
): Promise<HealthcheckResult> {
  const Start = nanoTime()
  const late = AbortSignal.timeout(timeoutMs)
  try {
    const { exitCode, output } = await execInContainer(
      context,
      record.id,
      { Cmd: argv },
      { signal: AbortSignal.any([late, ended]), outputLimitBytes }
    )
    return { Start, End: nanoTime(), ExitCode: exitCode, Output: output }
  } catch (error) {
    const Output = late.aborted
      ? `Health check exceeded timeout (${timeoutMs / 1000}s)`
      : error instanceof Error
        ? error.message
        : String(error)
    return { Start, End: nanoTime(), ExitCode: noExitCode, Output }
  }
}

/** Docker's transitions: one good check makes it healthy, so many bad ones in a row unhealthy; before the first good one the start period forgives. */
async function note(
  context: ContainerContext,
  id: string,
  result: HealthcheckResult,
  { retries, isStarting }: { readonly retries: number; readonly isStarting: boolean }
): Promise<void> {
  let changed = false
  const record = await context.store.update(id, current => {
    const before = current.state.health ?? { status: 'starting', failingStreak: 0, log: [] }
    const isGood = result.ExitCode === 0
    const isForgiven = before.status === 'starting' && isStarting
    const failingStreak = isGood ? 0 : before.failingStreak + (isForgiven ? 0 : 1)
    const status = isGood ? 'healthy' : failingStreak >= retries ? 'unhealthy' : before.status
    changed = status !== before.status
    const health: HealthState = { status, failingStreak, log: [...before.log, result].slice(-keptResults) }
    return { ...current, state: { ...current.state, health } }
  })
  const status = record?.state.health?.status
  if (record === undefined || !changed || status === undefined) return
  context.events.publish({ Type: 'container', Action: `health_status: ${status}`, id, attributes: containerAttributes(record) })
}
