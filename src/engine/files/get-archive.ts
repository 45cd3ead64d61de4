import { ContainerArchive } from '../../api/index.js'
import { decodeTar, type TarItem } from '../../util/tar/decode-tar.js'
import { callWith, type EngineContext } from '../context.js'

/** What a path in a container holds, as the entries of an archive; the first is the path itself. */
export async function* getArchive(
  context: EngineContext,
  id: string,
  path: string,
  signal: AbortSignal
): AsyncGenerator<TarItem, void, undefined> {
  yield* decodeTar(await callWith(context, ContainerArchive, { path: { id }, query: { path } }, { signal }))
}
