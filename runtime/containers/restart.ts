import type { ContainerContext } from './container-context.js'
import { containerAttributes } from './event-attributes.js'
import { startContainer } from './start.js'
import { type StopOptions, stopContainer } from './stop.js'

/** Stop a container that runs, and start it. */
export async function restartContainer(
  context: ContainerContext,
  idOrName: string,
  options: StopOptions,
  abort: AbortSignal
): Promise<void> {
  const { id } = context.store.get(idOrName)
  await stopContainer(context, id, options, abort)
  await startContainer(context, id, abort)
  context.events.publish({ Type: 'container', Action: 'restart', id, attributes: containerAttributes(context.store.get(id)) })
}
