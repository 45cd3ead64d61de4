import type { Handlers } from '../../src/api/index.js'
import { containerPathInfo, copyFromContainer, copyToContainer } from '../containers/archive.js'
import type { ContainerContext } from '../containers/container-context.js'
import { exportContainer } from '../containers/export.js'

/** A container's files as archives. */
export function archiveHandlers(context: ContainerContext): Handlers {
  return {
    ContainerExport: async ({ path }, { signal }) => exportContainer(context, path.id, signal),
    ContainerArchiveInfo: ({ path, query }) => containerPathInfo(context, path.id, query.path),
    ContainerArchive: ({ path, query }, { signal }) => copyFromContainer(context, path.id, query.path, signal),
    PutContainerArchive: ({ path, query, body }, { signal }) =>
      copyToContainer(context, path.id, {
        path: query.path,
        archive: body,
        keepKinds: query.noOverwriteDirNonDir ?? false,
        asUser: query.copyUIDGID ?? false,
        signal
      })
  }
}
