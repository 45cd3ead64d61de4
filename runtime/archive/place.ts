import { type BigIntStats, closeSync, lstatSync, readlinkSync } from 'node:fs'
import { posix } from 'node:path'
import { EngineError } from '../../src/errors/index.js'
import type { RootedFolder } from '../host/host.js'
import { errnoOf } from '../host/system-call-error.js'

/** As many links as the kernel follows in one path. */
const linkLimit = 40

/** What the kernel shows in a container is no part of its files, as in Docker. */
const kernelFolders: readonly string[] = ['/proc', '/sys']

/** A path in a container that was looked up. Close it. */
export interface Place {
  /** As Docker calls it in an archive: the last component asked for, `.` for `dir/.`, `/` for the root. */
  readonly name: string
  /** Where it is in the container: absolute, without links on the way. */
  readonly path: string
  /** For system calls, bytes as a latin1 string. A last component that is a link is not followed, where it need not be. */
  readonly file: string
  readonly stats: BigIntStats
  close(): void
}

/**
 * Look up a path as Docker's archive calls read it: relative ones begin at the root, `..` is resolved in the text, a last component that is a
 * link stands for itself, and with `/` or `/.` behind it for the directory that it leads to.
 *
 * @returns undefined when there is nothing
 * @throws EngineError `invalid_argument` for an empty path, for `file/` and `file/x`, and for links that lead in a circle or out of the container
 */
export function findPlace(root: RootedFolder, path: string): Place | undefined {
  const { clean, name, isFolder } = asked(path)
  if (isOfKernel(root, clean, isFolder)) return undefined
  return isFolder ? findFolder(root, clean, name) : findEntry(root, clean, name)
}

/** The directory that a path leads to, all links followed. @returns undefined when there is nothing @throws EngineError `invalid_argument` */
export function findExtractionPoint(root: RootedFolder, path: string): Place | undefined {
  const { clean, name } = asked(path)
  if (isOfKernel(root, clean, true)) return undefined
  return findFolder(root, clean, name, 'extraction point is not a directory')
}

/**
 * Where a path in a container leads, links resolved in the text; what is not there is taken as it is written.
 *
 * @param followLast also where the last component is a link
 * @throws EngineError `invalid_argument` for links that lead in a circle
 */
export function realPath(root: RootedFolder, path: string, followLast: boolean): string {
  let rest = components(path)
  let done: string[] = []
  let links = 0
  for (;;) {
    const [name, ...others] = rest
    if (name === undefined) return `/${done.join('/')}`
    rest = others
    if (name === '..') {
      done.pop()
      continue
    }
    // Links there are the kernel's: their text is not where they lead.
    if (kernelFolders.includes(`/${done.join('/')}`)) return `/${[...done, name, ...rest].join('/')}`
    const link = rest.length > 0 || followLast ? linkAt(root, `/${done.join('/')}`, name) : undefined
    if (link === undefined) {
      done.push(name)
      continue
    }
    if (++links > linkLimit) throw tooManyLinks(path)
    rest = [...components(link), ...rest]
    if (posix.isAbsolute(link)) done = []
  }
}

function asked(path: string): { readonly clean: string; readonly name: string; readonly isFolder: boolean } {
  if (path === '') throw new EngineError('invalid_argument', 'bad parameter: path cannot be empty')
  if (path.includes('\0')) throw new EngineError('invalid_argument', 'bad parameter: path cannot hold a NUL byte')
  const clean = posix.join('/', path).replace(/(?<=.)\/$/, '')
  const isDot = posix.basename(path) === '.'
  return { clean, name: isDot ? '.' : posix.basename(clean) || '/', isFolder: isDot || path.endsWith('/') || clean === '/' }
}

function isOfKernel(root: RootedFolder, path: string, followLast: boolean): boolean {
  const real = realPath(root, path, followLast)
  return kernelFolders.some(folder => real.startsWith(`${folder}/`))
}

function findFolder(root: RootedFolder, clean: string, name: string, otherwise = `${clean} is not a directory`): Place | undefined {
  const fd = open(root, clean, 'directory')
  if (fd === undefined) {
    if (exists(root, clean)) throw new EngineError('invalid_argument', otherwise)
    checkWay(root, clean)
    return undefined
  }
  return placeAt({ fd, entry: '.', name, path: realPath(root, clean, true) })
}

function findEntry(root: RootedFolder, clean: string, name: string): Place | undefined {
  const fd = open(root, posix.dirname(clean), 'directory')
  if (fd === undefined) {
    checkWay(root, clean)
    return undefined
  }
  return placeAt({ fd, entry: name, name, path: realPath(root, clean, false) })
}

function placeAt(found: { readonly fd: number; readonly entry: string; readonly name: string; readonly path: string }) {
  const { fd, entry, name, path } = found
  const file = Buffer.from(`/proc/self/fd/${fd}/${entry}`).toString('latin1')
  const stats = lstatSync(Buffer.from(file, 'latin1'), { bigint: true, throwIfNoEntry: false })
  if (stats !== undefined) return { name, path, file, stats, close: () => closeSync(fd) }
  closeSync(fd)
  return undefined
}

function open(root: RootedFolder, path: string, kind: 'directory' | 'any'): number | undefined {
  try {
    return root.open(path, kind)
  } catch (error) {
    throw errnoOf(error) === 'ELOOP' ? tooManyLinks(path) : error
  }
}

function exists(root: RootedFolder, path: string): boolean {
  const fd = open(root, path, 'any')
  if (fd !== undefined) closeSync(fd)
  return fd !== undefined
}

/** @throws EngineError where a file stands in the way */
function checkWay(root: RootedFolder, clean: string): void {
  for (let above = posix.dirname(clean); above !== '/'; above = posix.dirname(above)) {
    if (!exists(root, above)) continue
    const folder = open(root, above, 'directory')
    if (folder === undefined) throw new EngineError('invalid_argument', `${above} is not a directory`)
    closeSync(folder)
    return
  }
}

function linkAt(root: RootedFolder, folder: string, name: string): string | undefined {
  const fd = open(root, folder, 'directory')
  if (fd === undefined) return undefined
  try {
    return readlinkSync(`/proc/self/fd/${fd}/${name}`)
  } catch {
    // No link, or nothing there.
    return undefined
  } finally {
    closeSync(fd)
  }
}

function tooManyLinks(path: string): EngineError {
  return new EngineError('invalid_argument', `${path}: too many links, or one that leads to something of the kernel`, { details: { path } })
}

function components(path: string): string[] {
  return path.split('/').filter(part => part !== '' && part !== '.')
}
