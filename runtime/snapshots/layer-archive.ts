import { archiveEntry } from '../layers/archive-entry.js'
import { archiveEnd, headerBlocks, type WrittenEntry } from '../layers/tar-writer.js'
import type { LayerChange } from './layer-changes.js'

/**
 * The changes of a read-write layer as a layer archive: what is gone is an empty file `.wh.<name>`. Sockets are left out, because
 * archives have none.
 *
 * @param upper the layer's directory
 * @throws EngineError `not_supported` for a file whose content is not in the layer
 */
export async function* layerArchive(upper: string, changes: readonly LayerChange[]): AsyncGenerator<Uint8Array, void, undefined> {
  const linked = new Map<string, string>()
  const root = Buffer.from(upper).toString('latin1')
  for (const { path, kind } of changes) {
    if (kind === 'deleted') yield headerBlocks(whiteout(path))
    else yield* archiveEntry(`${root}${path}`, path.slice(1), linked)
  }
  yield archiveEnd
}

function whiteout(path: string): WrittenEntry {
  const slash = path.lastIndexOf('/')
  const name = `${path.slice(1, slash + 1)}.wh.${path.slice(slash + 1)}`
  return { path: name, type: 'file', mode: 0, uid: 0, gid: 0, modified: { seconds: 0, nanoseconds: 0 }, size: 0 }
}
