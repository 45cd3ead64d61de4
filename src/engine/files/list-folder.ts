import { posix } from 'node:path'
import { EngineError } from '../../errors/index.js'
import type { TarEntry } from '../../util/tar/tar-entry.js'
import type { EngineContext } from '../context.js'
import type { FolderEntry } from './files.js'
import { getArchive } from './get-archive.js'

const mostLinks = 40

/** What is in a folder of a container, by name. A link to a folder is followed. */
export async function listFolder(context: EngineContext, id: string, path: string, signal: AbortSignal): Promise<readonly FolderEntry[]> {
  let at = path
  for (let links = 0; links <= mostLinks; links++) {
    const found = await listOnce(context, id, at, signal)
    if (typeof found !== 'string') return found
    at = posix.resolve(posix.dirname(at), found)
  }
  throw new EngineError('invalid_argument', `${path}: too many links`, { details: { path } })
}

async function listOnce(context: EngineContext, id: string, path: string, signal: AbortSignal): Promise<readonly FolderEntry[] | string> {
  const children: FolderEntry[] = []
  const sizes = new Map<string, number>()
  let depth: number | undefined
  for await (const { entry } of getArchive(context, id, path, signal)) {
    const parts = partsOf(entry.name)
    if (depth === undefined) {
      if (entry.type === 'symlink') return entry.linkName ?? ''
      if (entry.type !== 'directory') throw new EngineError('invalid_argument', `${path} is no folder`, { details: { path } })
      depth = parts.length
      continue
    }
    const sizeBytes = entry.type === 'hardlink' ? (sizes.get(partsOf(entry.linkName ?? '').join('/')) ?? 0) : entry.sizeBytes
    sizes.set(parts.join('/'), sizeBytes)
    const name = parts[depth]
    if (name !== undefined && parts.length === depth + 1) children.push({ name, type: typeOf(entry), sizeBytes })
  }
  return children.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function partsOf(name: string): readonly string[] {
  return name.split('/').filter(part => part !== '' && part !== '.')
}

function typeOf({ type }: TarEntry): FolderEntry['type'] {
  if (type === 'symlink') return 'link'
  return type === 'hardlink' ? 'file' : type
}
