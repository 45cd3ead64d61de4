import type { ImageDeleteResponseItem, ImagePruneResponse } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import { danglingFlag } from './image-filters.js'
import type { Filters } from './list-filters.js'
import { pruneFilter } from './prune-filters.js'
import { imageUsers, removeImage } from './remove-image.js'

/**
 * Remove images that no container uses: those without a tag, or with `dangling=false` the others too.
 *
 * @throws EngineError `invalid_argument` for an unknown filter; the signal's reason on abort, what is gone by then stays gone
 */
export async function pruneImages(context: ContainerContext, filters: Filters, signal: AbortSignal): Promise<ImagePruneResponse> {
  const { dangling = [], ...others } = filters
  const takesTagged = dangling.length > 0 && !danglingFlag(dangling)
  const isWanted = pruneFilter(others)
  const deleted: ImageDeleteResponseItem[] = []
  let reclaimed = 0
  const images = await context.images.list()
  const parents = new Set(images.map(({ parentId }) => parentId))
  for (const image of images) {
    const isNamed = image.tags.length > 0 || image.repoDigests.length > 0
    // What others were made of goes with the last of them.
    if (parents.has(image.id) && (!isNamed || !takesTagged)) continue
    if (!isWanted({ labels: image.config.Labels ?? {}, createdAt: image.createdAt })) continue
    if ((image.tags.length > 0 && !takesTagged) || imageUsers(context).has(image.id)) continue
    signal.throwIfAborted()
    const before = context.snapshotter.layerSizes()
    const names = [...image.tags, ...image.repoDigests]
    deleted.push(...(await removeWhole(context, names.length > 0 ? names : [image.id])))
    const after = context.snapshotter.layerSizes()
    for (const [chainId, { sizeBytes }] of before) if (!after.has(chainId)) reclaimed += sizeBytes
  }
  context.events.publish({ Type: 'image', Action: 'prune', id: '', attributes: { reclaimed: String(reclaimed) } })
  return { ImagesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimed }
}

/** Name by name, so that what is in use by now keeps its last one. */
async function removeWhole(context: ContainerContext, names: readonly string[]): Promise<readonly ImageDeleteResponseItem[]> {
  const removed: ImageDeleteResponseItem[] = []
  for (const name of names) {
    try {
      removed.push(...(await removeImage(context, name, { force: false })))
    } catch (error) {
      // A repository's digests went with its last tag; somebody took or removed the image a moment ago.
      if (!EngineError.is(error) || (error.code !== 'conflict' && error.code !== 'not_found')) throw error
    }
  }
  return removed
}
