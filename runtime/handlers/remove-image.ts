import type { ImageDeleteResponseItem } from '../../src/api/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import type { RemovedPart } from '../images/image-service.js'
import { tellOfImage } from './image-events.js'

/**
 * Remove an image or one of its names, and tell of it.
 *
 * @throws EngineError `not_found`; `conflict` where a container, another image or another name needs it
 */
export async function removeImage(
  context: ContainerContext,
  nameOrId: string,
  options: { readonly force: boolean; readonly keepParents?: boolean }
): Promise<readonly ImageDeleteResponseItem[]> {
  const { images, events } = context
  const image = await images.get(nameOrId)
  const removed = await images.remove(nameOrId, { ...options, usedBy: imageUsers(context) })
  // By name a repository's digests go with it, and that is no event of its own.
  const isById = [image.id, image.id.replace(/^sha256:/, '')].some(id => id.startsWith(nameOrId))
  const untagged = removed.filter(item => 'untagged' in item).length
  for (let told = 0; told < (isById ? untagged : Math.min(untagged, 1)); told++) {
    tellOfImage(events, 'untag', { ...image, name: image.id })
  }
  for (const item of removed) {
    // Its labels went with it.
    if ('deleted' in item) tellOfImage(events, 'delete', { id: item.deleted, config: {} })
  }
  return removed.map(itemView)
}

function itemView(item: RemovedPart): ImageDeleteResponseItem {
  if ('untagged' in item) return { Untagged: item.untagged }
  return { Deleted: 'deleted' in item ? item.deleted : item.deletedLayer }
}

/** By image, a container that uses it: one that runs, if there is one, because that weighs more. */
export function imageUsers(context: Pick<ContainerContext, 'store'>) {
  const users = new Map<string, { readonly containerId: string; readonly running: boolean }>()
  for (const { id, imageId, state } of context.store.list()) {
    const running = state.status === 'running'
    if (running || !users.has(imageId)) users.set(imageId, { containerId: id, running })
  }
  return users
}
