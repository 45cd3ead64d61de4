import type { Handlers } from '../../src/api/index.js'
import type { ContainerContext } from '../containers/container-context.js'
import { exportContainer } from '../containers/export.js'

/** A container's files as archives. */
export function archiveHandlers(context: ContainerContext): Handlers {
  return {
    ContainerExport: async ({ path }, { signal }) => exportContainer(context, path.id, signal)
  }
}
