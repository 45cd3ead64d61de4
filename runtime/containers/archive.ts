import { closeSync, constants, openSync, readFileSync } from 'node:fs'
import type { ArchiveHeaders, Done, TarStream } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { pathStat } from '../archive/path-stat.js'
import { findExtractionPoint, findPlace, type Place } from '../archive/place.js'
import { readArchive } from '../archive/read-archive.js'
import { writeArchive } from '../archive/write-archive.js'
import { resolveUser } from '../oci/user.js'
import { type ArchiveView, openArchiveView } from './archive-view.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import { containerAttributes } from './event-attributes.js'

/** User databases larger than this are refused rather than read into memory. */
const userFileLimitBytes = 4 * 1024 ** 2

/** What a path in a container is. @throws EngineError `not_found`, `invalid_argument` */
export async function containerPathInfo(context: ContainerContext, idOrName: string, path: string): Promise<ArchiveHeaders> {
  const record = context.store.get(idOrName)
  const view = await openArchiveView(context, record.id)
  try {
    const place = found(findPlace(view.root, path), idOrName, path)
    try {
      return statHeaders(view, place)
    } finally {
      place.close()
    }
  } finally {
    await view.close()
  }
}

/**
 * A file or folder out of a container, as an archive. Whoever takes it leaves the loop or reads to its end: until then a container that does
 * not run can neither be started nor removed.
 *
 * @throws EngineError `not_found`, `invalid_argument`; while iterated the signal's reason
 */
export async function copyFromContainer(
  context: ContainerContext,
  idOrName: string,
  path: string,
  signal: AbortSignal
): Promise<TarStream> {
  const record = context.store.get(idOrName)
  const view = await openArchiveView(context, record.id)
  let place: Place
  try {
    place = found(findPlace(view.root, path), idOrName, path)
  } catch (error) {
    await view.close()
    throw error
  }
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= (async () => {
      place.close()
      await view.close()
    })()
    return closing
  }
  const stream = archiveOf(place, signal, async isWhole => {
    if (isWhole)
      context.events.publish({ Type: 'container', Action: 'archive-path', id: record.id, attributes: containerAttributes(record) })
    await close()
  })
  // A generator that was never begun does not run its last lines either.
  signal.addEventListener('abort', () => void stream.return().then(close, close), { once: true })
  return { headers: statHeaders(view, place), [Symbol.asyncIterator]: () => stream }
}

async function* archiveOf(
  place: Place,
  signal: AbortSignal,
  onEnd: (isWhole: boolean) => Promise<void>
): AsyncGenerator<Uint8Array, void, undefined> {
  let isWhole = false
  try {
    yield* readArchive(place, signal)
    isWhole = true
  } finally {
    await onEnd(isWhole)
  }
}

export interface CopyToOptions {
  readonly path: string
  readonly archive: AsyncIterable<Uint8Array>
  /** Refuse to put something else in the place of a directory, and the other way round. */
  readonly keepKinds: boolean
  /** Everything becomes the container's user's. */
  readonly asUser: boolean
  readonly signal: AbortSignal
}

/**
 * Unpack an archive in a folder of a container.
 *
 * @throws EngineError `not_found`; `invalid_argument` for what is no folder and for the archive; `permission_denied` where the container may not write
 */
export async function copyToContainer(context: ContainerContext, idOrName: string, options: CopyToOptions): Promise<Done> {
  const record = context.store.get(idOrName)
  const { path, archive, keepKinds, signal } = options
  const view = await openArchiveView(context, record.id)
  try {
    const place = found(findExtractionPoint(view.root, path), idOrName, path)
    try {
      checkWritable(record, place.path, view.isLive)
      const owner = options.asUser && record.config.User ? await userOf(view, record.config.User) : undefined
      await writeArchive(view.root, place.path, archive, { keepKinds, owner, signal })
    } finally {
      place.close()
    }
  } finally {
    await view.close()
  }
  context.events.publish({ Type: 'container', Action: 'extract-to-dir', id: record.id, attributes: containerAttributes(record) })
  return { modified: true }
}

/** Docker repeats the name that the caller used. */
function found(place: Place | undefined, container: string, path: string): Place {
  if (place !== undefined) return place
  throw new EngineError('not_found', `Could not find the file ${path} in container ${container}`, { details: { container, path } })
}

function statHeaders({ root }: ArchiveView, place: Place): ArchiveHeaders {
  return { 'x-docker-container-path-stat': Buffer.from(JSON.stringify(pathStat(root, place))).toString('base64') }
}

/** In Docker's words; what a running container's own mounts refuse the kernel tells. */
function checkWritable(record: ContainerRecord, folder: string, isLive: boolean): void {
  const holds = (destination: string) => folder === destination || folder.startsWith(destination === '/' ? '/' : `${destination}/`)
  const mounts = (record.mounts ?? []).filter(({ destination }) => holds(destination))
  const innermost = mounts.sort((a, b) => b.destination.length - a.destination.length)[0]
  if (innermost !== undefined && innermost.type !== 'tmpfs') {
    if (innermost.readOnly) throw new EngineError('permission_denied', 'mounted volume is marked read-only', { details: { id: record.id } })
    return
  }
  // A running container's memory file systems are its own to write to.
  if (record.hostConfig.ReadonlyRootfs && !isLive) throw readOnlyRoot(record)
  if (record.hostConfig.ReadonlyRootfs && innermost === undefined && !isLiveMount(record, folder)) throw readOnlyRoot(record)
}

function isLiveMount({ hostConfig }: ContainerRecord, folder: string): boolean {
  const places = ['/dev', ...Object.keys(hostConfig.Tmpfs ?? {})]
  return places.some(place => folder === place || folder.startsWith(`${place}/`))
}

function readOnlyRoot({ id }: ContainerRecord): EngineError {
  return new EngineError('permission_denied', 'container rootfs is marked read-only', { details: { id } })
}

async function userOf({ root }: ArchiveView, user: string): Promise<{ readonly uid: number; readonly gid: number }> {
  return resolveUser(user, { passwd: textAt(root, '/etc/passwd'), group: textAt(root, '/etc/group') })
}

function textAt(root: ArchiveView['root'], path: string): string {
  const place = findPlace(root, path)
  if (place === undefined) return ''
  try {
    if (!place.stats.isFile() || place.stats.size > userFileLimitBytes) return ''
    const fd = openSync(Buffer.from(place.file, 'latin1'), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      return readFileSync(fd, 'utf8')
    } finally {
      closeSync(fd)
    }
  } finally {
    place.close()
  }
}
