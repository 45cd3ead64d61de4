import type { EngineContext } from '../context.js'
import { getArchive } from './get-archive.js'
import { writeFiles } from './write-files.js'

/**
 * Copy what a path in a container holds to a path of this machine.
 *
 * The container's word is not trusted: nothing is written outside `to`, nor through a link that the archive made.
 */
export async function fetchFiles(
  context: EngineContext,
  id: string,
  { from, to }: { readonly from: string; readonly to: string },
  signal: AbortSignal
): Promise<void> {
  await writeFiles(getArchive(context, id, from, signal), { from, to }, signal)
}
