import { posix } from 'node:path'
import { PutContainerArchive } from '../../api/index.js'
import { EngineError } from '../../errors/index.js'
import { callWith, type EngineContext } from '../context.js'

/**
 * Unpack an archive so that what it holds becomes `path` in a container.
 *
 * @param pack - Makes the archive, in which the thing is called `name`. Called again where the folder it belongs in has to be made
 */
export async function putArchive(
  context: EngineContext,
  id: string,
  path: string,
  signal: AbortSignal,
  pack: (name: string) => AsyncIterable<Uint8Array>
): Promise<void> {
  const target = posix.normalize(path).replace(/\/+$/, '')
  if (target === '') throw new EngineError('invalid_argument', 'The root folder itself cannot be written over: name something in it')
  const put = (folder: string, name: string): Promise<unknown> =>
    callWith(context, PutContainerArchive, { path: { id }, query: { path: folder }, body: pack(name) }, { signal })
  try {
    await put(posix.dirname(target), posix.basename(target))
  } catch (error) {
    if (!EngineError.is(error) || error.code !== 'not_found' || posix.dirname(target) === '/' || signal.aborted) throw error
    // The folder is missing, or the container: unpacked from the root, folders on the way are made.
    await put('/', target.slice(1))
  }
}
