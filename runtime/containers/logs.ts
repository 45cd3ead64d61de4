import { setTimeout as sleep } from 'node:timers/promises'
import type { Frame } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from './container-context.js'
import { type LogSelection, readLog } from './log-reader.js'
import { logPlace } from './log-settings.js'

/** How often a growing log is looked at. */
const followPollMs = 25

/** A container's log; with `follow` until the container ends or the caller leaves. */
export function containerLogs(
  context: ContainerContext,
  idOrName: string,
  selection: LogSelection & { readonly follow: boolean },
  signal: AbortSignal
): AsyncIterable<Frame> {
  const record = context.store.get(idOrName)
  const place = logPlace(context.paths, record)
  if (place === undefined) {
    throw new EngineError('not_supported', 'configured logging driver does not support reading', { details: { driver: 'none' } })
  }
  if (!selection.follow) return readLog(place, selection)
  const isRunning = () => context.store.find(record.id)?.state.status === 'running'
  return readLog(place, selection, async () => {
    // Asked before the pause: what was written until the exit is still read after it.
    const more = isRunning()
    if (more) await sleep(followPollMs, undefined, { signal }).catch(() => signal.throwIfAborted())
    return more
  })
}
