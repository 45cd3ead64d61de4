import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive } from '../host/process-identity.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import type { RunResult } from './live-containers.js'

/** What to wait for, as the Engine API names it. */
export type WaitCondition = 'not-running' | 'next-exit' | 'removed'

/** How often the record of a container that another process watches is looked at. */
const foreignPollMs = 50

/**
 * Wait for a container; of one that has just removed itself, by its whole id, it is told how it ended. The wait is registered when this returns, before the promise is awaited: what happens from then on counts.
 *
 * @throws EngineError `not_found`
 */
export function waitForContainer(
  context: ContainerContext,
  idOrName: string,
  condition: WaitCondition,
  signal: AbortSignal
): Promise<RunResult> {
  const late = context.store.find(idOrName) === undefined ? context.live.lateExit(idOrName) : undefined
  if (late !== undefined) return abortable(late, signal)
  const record = context.store.get(idOrName)
  switch (condition) {
    case 'next-exit':
      return exitOf(context, record, signal)
    case 'not-running':
      return record.state.status === 'running'
        ? exitOf(context, record, signal)
        : Promise.resolve({ exitCode: record.state.exitCode, ...(record.state.error !== '' && { error: record.state.error }) })
    case 'removed':
      return removalOf(context, record, signal)
  }
}

/** The next exit of a container: of the run it is in, or of the next one. */
export function exitOf(context: ContainerContext, record: ContainerRecord, signal: AbortSignal): Promise<RunResult> {
  const { monitor } = record.state
  const isForeign = record.state.status === 'running' && context.live.run(record.id) === undefined && monitor !== undefined
  return isForeign ? foreignExit(context, record, signal) : abortable(context.live.nextExit(record.id, record.config), signal)
}

async function removalOf(context: ContainerContext, record: ContainerRecord, signal: AbortSignal): Promise<RunResult> {
  const { id, config } = record
  let exitCode = record.state.exitCode
  // The exit code is that of the last run before the removal, where there is one.
  void context.live.nextExit(id, config).then(result => {
    if (result.error === undefined) exitCode = result.exitCode
  })
  await abortable(context.live.removal(id, config), signal)
  return { exitCode }
}

async function foreignExit(context: ContainerContext, record: ContainerRecord, signal: AbortSignal): Promise<RunResult> {
  for (;;) {
    const now = context.store.find(record.id)
    if (now === undefined) return { exitCode: record.state.exitCode, error: 'the container was removed' }
    if (now.state.status !== 'running') return { exitCode: now.state.exitCode }
    if (now.state.monitor !== undefined && !isAlive(now.state.monitor)) {
      return { exitCode: 137, error: `the process that watched the container (${now.state.monitor.pid}) is gone` }
    }
    await sleep(foreignPollMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
