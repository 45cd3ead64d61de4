import type { ContainerPruneResponse } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import type { ContainerRecord } from '../containers/container-record.js'
import { removeContainer } from '../containers/remove.js'
import type { Filters } from './list-filters.js'
import { pruneFilter } from './prune-filters.js'

/**
 * Remove the containers that do not run and are not about to be started again. Volumes stay.
 *
 * @throws EngineError `invalid_argument` for an unknown filter; the signal's reason on abort, what is gone by then stays gone
 */
export async function pruneContainers(context: ContainerContext, filters: Filters, signal: AbortSignal): Promise<ContainerPruneResponse> {
  const isWanted = pruneFilter(filters)
  const deleted: string[] = []
  let reclaimed = 0
  for (const record of context.store.list()) {
    if (!isIdle(record) || !isWanted({ labels: record.config.Labels ?? {}, createdAt: record.createdAt })) continue
    signal.throwIfAborted()
    try {
      const size = await context.snapshotter.usage(record.id)
      await removeContainer(context, record.id, { force: false })
      deleted.push(record.id)
      reclaimed += size
    } catch (error) {
      // Somebody started it or removed it a moment ago.
      if (!EngineError.is(error) || (error.code !== 'conflict' && error.code !== 'not_found')) throw error
    }
  }
  context.events.publish({ Type: 'container', Action: 'prune', id: '', attributes: { reclaimed: String(reclaimed) } })
  return { ContainersDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimed }
}

function isIdle({ state }: ContainerRecord): boolean {
  return state.status !== 'running' && !state.restarting
}
