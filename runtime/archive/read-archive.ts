import { closeSync, constants, openSync, readdirSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { errnoOf } from '../host/system-call-error.js'
import { archiveEntry } from '../layers/archive-entry.js'
import { archiveEnd } from '../layers/tar-writer.js'
import type { Place } from './place.js'

const blockBytes = 256 * 1024

const openFolder = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** What the engine mounts in containers: empty in an archive, as in Docker. */
const emptied: ReadonlySet<string> = new Set(['/dev', '/proc', '/sys'])

interface Node {
  readonly file: string
  /** In the archive. */
  readonly name: string
  /** In the container. */
  readonly path: string
}

/**
 * A file or a directory with all that is below it as an archive, in blocks. Links are kept as links, nothing is followed; what is mounted
 * below is part of it.
 *
 * @throws the signal's reason
 */
export async function* readArchive(place: Place, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const top = { file: place.file, name: place.name === '/' ? '' : Buffer.from(place.name).toString('latin1'), path: place.path }
  yield* inBlocks(tree(top, place.stats.isDirectory(), { linked: new Map(), signal }))
}

async function* tree(
  node: Node,
  isFolder: boolean,
  walk: { readonly linked: Map<string, string>; readonly signal: AbortSignal }
): AsyncGenerator<Uint8Array, void, undefined> {
  walk.signal.throwIfAborted()
  const { file, name, path } = node
  yield* archiveEntry(file, name, walk.linked)
  if (!isFolder || emptied.has(path)) return
  const fd = tryOpen(file)
  if (fd === undefined) return
  try {
    const here = `/proc/self/fd/${fd}`
    const entries = readdirSync(here, { withFileTypes: true, encoding: 'latin1' })
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const entry of entries) {
      const child = { file: `${here}/${entry.name}`, name: `${name}/${entry.name}`, path: `${path === '/' ? '' : path}/${entry.name}` }
      yield* tree(child, entry.isDirectory(), walk)
    }
  } finally {
    closeSync(fd)
  }
}

function tryOpen(file: string): number | undefined {
  try {
    return openSync(Buffer.from(file, 'latin1'), openFolder)
  } catch (error) {
    // Gone meanwhile, or something else in its place.
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}

/** Joins small pieces, and gives other work a turn between blocks. */
async function* inBlocks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let waiting: Uint8Array[] = []
  let size = 0
  for await (const piece of pieces) {
    waiting.push(piece)
    size += piece.byteLength
    if (size < blockBytes) continue
    yield Buffer.concat(waiting)
    waiting = []
    size = 0
    await setImmediate()
  }
  yield Buffer.concat([...waiting, archiveEnd])
}
