import type { ImageDeleteResponseItem } from '../../src/api/index.js'
import type { ContainerContext } from '../containers/container-context.js'

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
  const { id } = await images.get(nameOrId)
  const removed = await images.remove(nameOrId, { ...options, usedBy: imageUsers(context) })
  for (const item of removed) {
    // A name by digest goes with its tag and is no event of its own.
    if ('untagged' in item && item.untagged.includes('@')) continue
    if ('untagged' in item) events.publish({ Type: 'image', Action: 'untag', id, attributes: { name: item.untagged } })
    else events.publish({ Type: 'image', Action: 'delete', id: item.deleted, attributes: { name: item.deleted } })
  }
  return removed.map(item => ('untagged' in item ? { Untagged: item.untagged } : { Deleted: item.deleted }))
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
