import { closeSync, constants, fchmodSync, fchownSync, fstatSync, mkdirSync, openSync, readlinkSync, readSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import { EngineError } from '../../src/errors/engine-error.js'
import { type Kernel, mountFlags, openPath, resolveFlags } from './kernel.js'
import { errnoOf } from './system-call-error.js'

/** As many links as the kernel itself follows in one path. */
const linkLimit = 40

/** openat2 gives up with EAGAIN when something was renamed on the way at the same time. */
const raceRetries = 100

/**
 * Read a regular file below `root`; every link on the way is resolved as if `root` were `/`.
 *
 * @returns undefined when there is no such file
 * @throws EngineError `resource_exhausted` when it is longer than `limitBytes`, `invalid_argument` when it is no regular file
 */
export function readFileIn(kernel: Kernel, root: string, path: string, limitBytes: number): Uint8Array | undefined {
  return withDirectory(root, rootFd => {
    // Only looked up at first: opening a device or a pipe that an image put there could block or do things.
    const handle = openBelow(kernel, rootFd, path, openPath)
    if (handle === undefined) return undefined
    try {
      if (!fstatSync(handle).isFile()) throw new EngineError('invalid_argument', `${path} in the container is not a regular file`)
      return readAll(handle, path, limitBytes)
    } finally {
      closeSync(handle)
    }
  })
}

/**
 * Where a path below `root` leads, every link on the way resolved as if `root` were `/`.
 *
 * @returns undefined when there is nothing
 */
export function realPathIn(
  kernel: Kernel,
  root: string,
  path: string
): { readonly path: string; readonly isDirectory: boolean } | undefined {
  return withDirectory(root, rootFd => {
    const handle = openBelow(kernel, rootFd, path, openPath)
    if (handle === undefined) return undefined
    try {
      return { path: readlinkSync(`/proc/thread-self/fd/${handle}`), isDirectory: fstatSync(handle).isDirectory() }
    } finally {
      closeSync(handle)
    }
  })
}

/**
 * Bind what is below `root` to `target`, which is made: a file or a folder, as the source is. Every link on the way is resolved as if
 * `root` were `/`, and what was found is what is bound, whatever is renamed meanwhile.
 *
 * @throws EngineError `not_found`
 */
export function bindIn(kernel: Kernel, root: string, path: string, target: string): void {
  withDirectory(root, rootFd => {
    const handle = openBelow(kernel, rootFd, path, openPath)
    if (handle === undefined) throw new EngineError('not_found', `cannot access path ${path} in ${root}: no such file or directory`)
    try {
      if (fstatSync(handle).isDirectory()) mkdirSync(target, 0o700)
      else closeSync(openSync(target, constants.O_CREAT | constants.O_EXCL, 0o600))
      const flags = mountFlags.bind | mountFlags.recursive
      kernel.mount({ source: `/proc/thread-self/fd/${handle}`, target, type: '', flags, options: '' })
    } finally {
      closeSync(handle)
    }
  })
}

/**
 * Make a directory and its missing parents below `root`, all with the same mode and owner. Links are resolved inside
 * `root`; one that points nowhere gets its target made.
 *
 * @throws EngineError `conflict` when something that is no directory is in the way
 */
export function makeDirectoryIn(
  kernel: Kernel,
  root: string,
  path: string,
  options: { readonly mode: number; readonly uid: number; readonly gid: number }
): void {
  withDirectory(root, rootFd => makeDirectoryBelow(kernel, rootFd, path, options))
}

/** {@link makeDirectoryIn} with a descriptor of the root. */
export function makeDirectoryBelow(
  kernel: Kernel,
  rootFd: number,
  path: string,
  options: { readonly mode: number; readonly uid: number; readonly gid: number }
): void {
  let parts = components(path)
  let links = 0
  for (;;) {
    const there = existingParts(kernel, rootFd, parts)
    if (there === parts.length) return
    const dangling = makeParts(kernel, rootFd, { parts, there, path }, options)
    if (dangling === undefined) continue
    // A link that points nowhere: go on with its target, made like the rest.
    links += 1
    if (links > linkLimit) throw new EngineError('conflict', `cannot make ${path} in the container: too many links on the way`)
    const { at, link } = dangling
    const before = posix.isAbsolute(link) ? [] : parts.slice(0, at)
    parts = [...before, ...components(link), ...parts.slice(at + 1)]
  }
}

/**
 * Mount a file or folder over what is below `root`, which is made where it is missing. Links on the way are resolved as if `root` were `/`.
 */
export function bindOver(kernel: Kernel, source: string, root: string, path: string, options: { readonly readOnly: boolean }): void {
  withDirectory(root, rootFd => {
    const isFolder = statSync(source).isDirectory()
    let handle = openBelow(kernel, rootFd, path, openPath)
    if (handle === undefined) {
      makeDirectoryBelow(kernel, rootFd, isFolder ? path : posix.dirname(path), { mode: 0o755, uid: 0, gid: 0 })
      if (!isFolder) makeFile(kernel, rootFd, path)
      handle = openBelow(kernel, rootFd, path, openPath)
    }
    if (handle === undefined) throw new EngineError('conflict', `${path} in the container is a link that leads nowhere`)
    const mount = (at: number, flags: number, from = '') =>
      kernel.mount({ source: from, target: `/proc/thread-self/fd/${at}`, type: '', flags, options: '' })
    try {
      mount(handle, mountFlags.bind | mountFlags.recursive, source)
    } finally {
      closeSync(handle)
    }
    if (!options.readOnly) return
    const mounted = openBelow(kernel, rootFd, path, openPath)
    if (mounted === undefined) return
    try {
      mount(mounted, mountFlags.bind | mountFlags.remount | mountFlags.readOnly)
    } finally {
      closeSync(mounted)
    }
  })
}

function makeFile(kernel: Kernel, rootFd: number, path: string): void {
  const parent = openBelow(kernel, rootFd, posix.dirname(path), openPath | constants.O_DIRECTORY)
  if (parent === undefined) return
  try {
    closeSync(
      openSync(`/proc/thread-self/fd/${parent}/${posix.basename(path)}`, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o644)
    )
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  } finally {
    closeSync(parent)
  }
}

/** How many of the components lead to a directory. By halves, because a path may have thousands and each look takes the whole way. */
function existingParts(kernel: Kernel, rootFd: number, parts: readonly string[]): number {
  let low = 0
  let high = parts.length
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const fd = tryOpenDirectory(kernel, rootFd, parts.slice(0, middle))
    if (fd === undefined) high = middle - 1
    else {
      closeSync(fd)
      low = middle
    }
  }
  return low
}

/** Undefined where there is none: nothing, or something else. */
function tryOpenDirectory(kernel: Kernel, rootFd: number, parts: readonly string[]): number | undefined {
  try {
    return openBelow(kernel, rootFd, parts.join('/') || '.', openPath | constants.O_DIRECTORY)
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}

/**
 * Make the components from `there` on, each from a descriptor of the one before.
 *
 * @returns a dangling link that is in the way, or undefined when it is worth looking again
 */
function makeParts(
  kernel: Kernel,
  rootFd: number,
  { parts, there, path }: { readonly parts: readonly string[]; readonly there: number; readonly path: string },
  options: { readonly mode: number; readonly uid: number; readonly gid: number }
): { readonly at: number; readonly link: string } | undefined {
  let parent = tryOpenDirectory(kernel, rootFd, parts.slice(0, there))
  if (parent === undefined) throw new EngineError('conflict', `cannot make ${path} in the container: a folder went away meanwhile`)
  try {
    for (const [index, name] of parts.entries()) {
      if (index < there) continue
      // Of a link's target: what is above is looked up from the root.
      if (name === '..') return undefined
      const made = makeOne(`/proc/thread-self/fd/${parent}/${name}`, options)
      if (typeof made === 'string') return { at: index, link: made }
      if (made === undefined)
        throw new EngineError('conflict', `cannot make ${path} in the container: ${parts.slice(0, index + 1).join('/')} is not a directory`)
      closeSync(parent)
      parent = made
    }
    return undefined
  } finally {
    closeSync(parent)
  }
}

/** @returns a descriptor of it, the target of a link that is there, or undefined where something else is */
function makeOne(
  path: string,
  { mode, uid, gid }: { readonly mode: number; readonly uid: number; readonly gid: number }
): number | string | undefined {
  try {
    mkdirSync(path, 0o700)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
    return linkTarget(path) ?? openDirectory(path)
  }
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    fchownSync(fd, uid, gid)
    fchmodSync(fd, mode)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    // No link.
    return undefined
  }
}

/** Made by somebody else since we looked; undefined where it is no directory. */
function openDirectory(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch (error) {
    if (['ENOTDIR', 'ELOOP', 'ENOENT'].includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}

function withDirectory<T>(root: string, use: (fd: number) => T): T {
  const fd = openSync(root, openPath | constants.O_DIRECTORY)
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}

/** Undefined when there is nothing of that name. */
export function openBelow(kernel: Kernel, rootFd: number, path: string, flags: number): number | undefined {
  const how = { flags, resolve: resolveFlags.inRoot | resolveFlags.noMagicLinks }
  for (let attempt = 1; ; attempt += 1) {
    try {
      return kernel.openAt(rootFd, path, how)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOENT') return undefined
      // A file where a directory should be: for a reader that is "no such file", for a maker an obstacle.
      if (errno === 'ENOTDIR' && (flags & constants.O_DIRECTORY) === 0) return undefined
      if (errno !== 'EAGAIN' || attempt > raceRetries) throw error
    }
  }
}

function readAll(handle: number, path: string, limitBytes: number): Uint8Array {
  const fd = openSync(`/proc/thread-self/fd/${handle}`, constants.O_RDONLY)
  try {
    const buffer = Buffer.allocUnsafe(Math.min(fstatSync(fd).size, limitBytes) + 1)
    let chunk = buffer
    const chunks: Uint8Array[] = []
    let total = 0
    for (;;) {
      const bytes = readSync(fd, chunk, 0, chunk.byteLength, null)
      if (bytes === 0) return Buffer.concat(chunks, total)
      chunks.push(chunk.subarray(0, bytes))
      total += bytes
      if (total > limitBytes) {
        throw new EngineError('resource_exhausted', `${path} in the container is longer than the ${limitBytes} bytes that are read of it`)
      }
      chunk = bytes < chunk.byteLength ? chunk.subarray(bytes) : Buffer.allocUnsafe(4096)
    }
  } finally {
    closeSync(fd)
  }
}

function components(path: string): string[] {
  return path.split('/').filter(part => part !== '' && part !== '.')
}
