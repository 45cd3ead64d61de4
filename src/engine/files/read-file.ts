import { posix } from 'node:path'
import { EngineError } from '../../errors/index.js'
import type { EngineContext } from '../context.js'
import { getArchive } from './get-archive.js'

/** As many as the kernel follows. */
const mostLinks = 40

/** A whole file of a container. Engines give a link as a link: it is followed here. */
export async function readFile(context: EngineContext, id: string, path: string, signal: AbortSignal): Promise<Buffer> {
  let at = path
  for (let links = 0; links <= mostLinks; links++) {
    const found = await readOnce(context, id, at, signal)
    if (typeof found !== 'string') return found
    at = posix.resolve(posix.dirname(at), found)
  }
  throw new EngineError('invalid_argument', `${path}: too many links`, { details: { path } })
}

/** @returns the content, or where a link leads */
async function readOnce(context: EngineContext, id: string, path: string, signal: AbortSignal): Promise<Buffer | string> {
  for await (const { entry, content } of getArchive(context, id, path, signal)) {
    if (entry.type === 'symlink') return entry.linkName ?? ''
    if (entry.type !== 'file') {
      throw new EngineError('invalid_argument', `${path} is ${entry.type === 'directory' ? 'a folder' : 'no file'}`, { details: { path } })
    }
    const pieces: Uint8Array[] = []
    for await (const piece of content) pieces.push(piece)
    return Buffer.concat(pieces)
  }
  throw new EngineError('data_loss', `The engine sent an empty archive for ${path}`)
}
