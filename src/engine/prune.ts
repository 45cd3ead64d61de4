import { ContainerPrune, ImagePrune, NetworkPrune, VolumePrune } from '../api/index.js'
import { isAtLeast } from '../api/versions.js'
import { EngineError } from '../errors/index.js'
import { checkAbortable } from './call-scope.js'
import { checkBoolean, checkDate, checkKeys, optional } from './checks.js'
import { call, type EngineContext } from './context.js'
import type { PruneOptions } from './engine.js'
import { unixTime } from './unix-time.js'

/** `docker system prune`: containers first, since what they used is free then. */
export async function pruneVerb(context: EngineContext, options: PruneOptions): Promise<{ readonly reclaimedBytes: number }> {
  const given = checkKeys('prune', options, ['volumes', 'all', 'until', 'signal', 'timeout'])
  const volumes = optional(checkBoolean, 'prune.volumes', given.volumes) ?? false
  const all = optional(checkBoolean, 'prune.all', given.all) ?? false
  const until = optional(checkDate, 'prune.until', given.until)
  if (volumes && until !== undefined) {
    throw new EngineError('invalid_argument', 'prune: volumes and until contradict each other: engines cannot tell how old a volume is')
  }
  // It may remove a lot: how long that takes is the caller's to say.
  const limits = { timeoutMs: Number.POSITIVE_INFINITY, ...checkAbortable('prune', given) }
  const filters = until === undefined ? {} : { until: [unixTime(until)] }
  let reclaimedBytes = 0
  const count = ({ SpaceReclaimed = 0 }: { readonly SpaceReclaimed?: number | undefined }): void => {
    reclaimedBytes += SpaceReclaimed
  }
  count(await call(context, ContainerPrune, { query: { filters } }, limits))
  await call(context, NetworkPrune, { query: { filters } }, limits)
  if (volumes) {
    const everyone = all && isAtLeast(context.transport.apiVersion, '1.42') ? { all: ['true'] } : {}
    count(await call(context, VolumePrune, { query: { filters: everyone } }, limits))
  }
  count(await call(context, ImagePrune, { query: { filters: { ...filters, ...(all && { dangling: ['false'] }) } } }, limits))
  return { reclaimedBytes }
}
