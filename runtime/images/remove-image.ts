import { crashPoint } from '../../src/util/crash-point.js'
import type { Transaction } from '../metadata/metadata-store.js'
import { canonical, familiar, type Reference } from '../registry/reference.js'
import { type CollectorParts, collectGarbage } from './collect-garbage.js'
import { findImage, referencesByImage, type StoredImage } from './image-records.js'
import type { RemovedPart, RemoveImageOptions } from './image-service.js'
import { abandonDeadLeases, type DeadLeases, imageHolding, listGarbage, putGarbage } from './leases.js'
import { goesWithItsChild, planRemoval } from './plan-removal.js'

interface Deleted {
  readonly id: string
  /** Key of the record of what it leaves behind. */
  readonly garbage: string
}

/** `docker rmi`. See `ImageService.remove`. Killed at any time, what the records do not name any more is collected later. */
export async function removeImage(nameOrId: string, options: RemoveImageOptions, parts: CollectorParts): Promise<readonly RemovedPart[]> {
  const { untagged, deleted } = await parts.metadata.transaction(transaction => {
    const outcome = unrecord(transaction, nameOrId, options)
    crashPoint('image.removing')
    return outcome
  })
  crashPoint('image.removed')
  const removed: RemovedPart[] = untagged.map(reference => ({ untagged: familiar(reference) }))
  for (const { id, garbage } of deleted) {
    const layers = await collectGarbage(garbage, parts)
    removed.push({ deleted: id }, ...layers.map(chainId => ({ deletedLayer: chainId })))
  }
  if (deleted.length > 0) await collectAll(parts, {})
  return removed
}

/** Everything that was given up and is still here; of leases of dead processes, those that are meant. */
export async function collectAll(parts: CollectorParts, dead: DeadLeases): Promise<void> {
  await abandonDeadLeases(parts.metadata, dead)
  for (const { key } of listGarbage(parts.metadata)) await collectGarbage(key, parts)
}

function unrecord(
  transaction: Transaction,
  nameOrId: string,
  options: RemoveImageOptions
): { readonly untagged: readonly Reference[]; readonly deleted: readonly Deleted[] } {
  const { id, reference } = findImage(transaction, nameOrId)
  const references = referencesByImage(transaction)
  const images = new Map(transaction.list<StoredImage>('images').map(({ key, value }) => [key, value]))
  const factsOf = (imageId: string) => ({
    imageId,
    references: references.get(imageId) ?? [],
    hasChildren: [...images.values()].some(({ parentId }) => parentId === imageId),
    options
  })
  const plan = planRemoval({ ...factsOf(id), named: reference === undefined ? undefined : { reference, text: nameOrId } })
  for (const gone of plan.untag) transaction.remove('references', canonical(gone))
  const going: { readonly id: string; readonly stored: StoredImage }[] = []
  for (let next = plan.deleteImage ? id : undefined; next !== undefined; ) {
    const stored = images.get(next)
    if (stored === undefined) break
    going.push({ id: next, stored })
    images.delete(next)
    const { parentId } = stored
    const takesParent = !options.keepParents && parentId !== undefined && goesWithItsChild(factsOf(parentId))
    next = takesParent ? parentId : undefined
  }
  for (const image of going) transaction.remove('images', image.id)
  return { untagged: plan.untag, deleted: going.map((image, at) => discard(transaction, image, going.slice(at + 1))) }
}

/** What it shares with a parent that goes as well is told with that. */
function discard(
  transaction: Transaction,
  { id, stored }: { readonly id: string; readonly stored: StoredImage },
  parents: readonly { readonly id: string; readonly stored: StoredImage }[]
): Deleted {
  const { digests, chainIds } = imageHolding(id, stored)
  const theirs = new Set(parents.flatMap(parent => imageHolding(parent.id, parent.stored).chainIds))
  return { id, garbage: putGarbage(transaction, { digests, chainIds: chainIds.filter(chainId => !theirs.has(chainId)) }) }
}
