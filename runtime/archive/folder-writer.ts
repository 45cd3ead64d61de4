import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  type Stats,
  symlinkSync,
  unlinkSync
} from 'node:fs'
import { posix } from 'node:path'
import { EngineError } from '../../src/errors/index.js'
import type { RootedFolder } from '../host/host.js'
import { openPath } from '../host/kernel.js'
import { type FileTime, libcFiles, nodeTypes } from '../host/libc-files.js'
import { errnoOf } from '../host/system-call-error.js'
import { DirectoryTimes, fileTime } from '../layers/directory-times.js'
import { setAttributes, writePiece } from '../layers/entry-file.js'
import { bytesOf, entryPath, splitPath } from '../layers/entry-path.js'
import type { TarEntry, TarSink } from '../layers/tar-entry.js'

const createFile = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW
const openFolder = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** What folders on the way are made with, as in Docker. */
const madeFolder = { mode: 0o755, uid: 0, gid: 0 }

export interface FolderWriterOptions {
  /** Refuse to put something else in the place of a directory, and a directory in the place of something else. */
  readonly keepKinds: boolean
  /** Whose everything becomes. @default as the archive says */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined
}

/**
 * Writes the entries of an archive below a folder of a container, which may run and rename things meanwhile: every name is looked up below the
 * container's root from a descriptor of its directory, and the last component is never followed. As in Docker, links to directories on the
 * way are followed, what stands in the place of an entry is removed, and two directories merge.
 */
export class FolderWriter implements TarSink {
  readonly #root: RootedFolder
  readonly #folder: string
  readonly #options: FolderWriterOptions
  /** Of the directory that was written to last: entries come in their order. */
  #parent: { readonly name: string; readonly fd: number } | undefined
  /** By name below the folder. */
  readonly #times = new DirectoryTimes({ set: (path, time) => this.#setTime(path, time), get: path => this.#timeOf(path) })
  #file: { readonly fd: number; readonly at: Buffer; readonly entry: TarEntry } | undefined

  /** @param folder absolute path in the container, without links */
  constructor(root: RootedFolder, folder: string, options: FolderWriterOptions) {
    this.#root = root
    this.#folder = folder
    this.#options = options
  }

  entry(entry: TarEntry): void {
    const path = entryPath(entry.name)
    // The folder itself is there, and stays as it is.
    if (path === '') return
    const [directory, base] = splitPath(path)
    const at = this.#at(directory, base)
    if (directory !== '') this.#times.changing(directory)
    const existing = lstatSync(at, { throwIfNoEntry: false })
    const merges = existing?.isDirectory() === true && entry.type === 'directory'
    if (existing !== undefined && !merges) {
      if (this.#options.keepKinds) checkKind(existing, entry, `${this.#folder === '/' ? '' : this.#folder}/${text(path)}`)
      removeAt(at, existing)
    }
    this.#make(entry, at, merges, path)
  }

  data(bytes: Uint8Array, position: number): void {
    const file = this.#file
    if (file === undefined) return
    writePiece(file.fd, file.entry, bytes, position)
  }

  end(): void {
    const file = this.#file
    if (file === undefined) return
    const { fd, at, entry } = file
    if (entry.sparse) ftruncateSync(fd, entry.sizeBytes)
    // Writing and changing the owner both clear setuid and file capabilities: mode and attributes come after them.
    this.#metadata(fd, at, entry)
    libcFiles().setTimesOf(fd, entry.modified)
    this.#file = undefined
    closeSync(fd)
  }

  /** Set what could not be set before everything was written. */
  finish(): void {
    this.#times.finish()
  }

  /** Hold nothing open. Idempotent. */
  close(): void {
    for (const open of [this.#file, this.#parent]) if (open !== undefined) closeSync(open.fd)
    this.#file = undefined
    this.#parent = undefined
  }

  #make(entry: TarEntry, at: Buffer, merges: boolean, path: string): void {
    switch (entry.type) {
      case 'directory': {
        if (!merges) mkdirSync(at, 0o700)
        const fd = openSync(at, openFolder)
        try {
          this.#metadata(fd, at, entry)
        } finally {
          closeSync(fd)
        }
        this.#times.add(path, entry.modified)
        return
      }
      case 'file':
        this.#file = { fd: openSync(at, createFile, 0o600), at, entry }
        return
      case 'symbolic-link':
        if (entry.linkName === '') throw new EngineError('invalid_argument', `the symbolic link ${text(entry.name)} has no target`)
        symlinkSync(bytesOf(entry.linkName), at)
        this.#chown(at, entry)
        libcFiles().setTimes(at, entry.modified)
        return
      case 'hard-link':
        this.#link(entry, at)
        return
      case 'character-device':
        this.#node(entry, at, nodeTypes.character)
        return
      case 'block-device':
        this.#node(entry, at, nodeTypes.block)
        return
      case 'fifo':
        this.#node(entry, at, nodeTypes.fifo)
    }
  }

  #link(entry: TarEntry, at: Buffer): void {
    const target = entryPath(entry.linkName)
    const [directory, base] = splitPath(target)
    // A descriptor of its own: the one kept is that of `at`.
    const fd = this.#open(directory, false)
    try {
      linkSync(inFolder(fd, base), at)
    } catch (error) {
      const message = `the hard link ${text(entry.name)} leads to ${text(entry.linkName)}, which is no file in the archive's folder`
      throw new EngineError('invalid_argument', message, { details: { name: entry.name }, cause: error })
    } finally {
      closeSync(fd)
    }
  }

  #node(entry: TarEntry, at: Buffer, type: number): void {
    libcFiles().makeNode(at, type | 0o600, entry.device)
    this.#chown(at, entry)
    // By a descriptor: chmod(2) would follow a link that was put here meanwhile.
    const fd = openSync(at, openPath | constants.O_NOFOLLOW)
    try {
      chmodSync(`/proc/self/fd/${fd}`, entry.mode)
    } finally {
      closeSync(fd)
    }
    libcFiles().setTimes(at, entry.modified)
  }

  #metadata(fd: number, at: Buffer, entry: TarEntry): void {
    const { uid, gid } = this.#options.owner ?? entry
    fchownSync(fd, uid, gid)
    fchmodSync(fd, entry.mode)
    setAttributes(at, entry)
  }

  #chown(at: Buffer, entry: TarEntry): void {
    const { uid, gid } = this.#options.owner ?? entry
    lchownSync(at, uid, gid)
  }

  /** Where a name in a directory below the folder is, for system calls; the directory is made where it is missing. */
  #at(directory: string, base: string): Buffer {
    if (this.#parent?.name !== directory) {
      const fd = this.#open(directory, true)
      if (this.#parent !== undefined) closeSync(this.#parent.fd)
      this.#parent = { name: directory, fd }
    }
    return inFolder(this.#parent.fd, base)
  }

  #setTime(path: string, time: FileTime): void {
    this.#withWritten(path, fd => libcFiles().setTimesOf(fd, time))
  }

  #timeOf(path: string): FileTime | undefined {
    return this.#withWritten(path, fd => fileTime(fstatSync(fd, { bigint: true }).mtimeNs))
  }

  #withWritten<T>(path: string, use: (fd: number) => T): T | undefined {
    const fd = this.#openWritten(path)
    if (fd === undefined) return undefined
    try {
      return use(fd)
    } finally {
      closeSync(fd)
    }
  }

  /** A folder that was written; undefined where a later entry, or the container, put something else in its place. */
  #openWritten(path: string): number | undefined {
    const [directory, base] = splitPath(path)
    const parent = this.#root.open(posix.join(this.#folder, text(directory)), 'directory')
    if (parent === undefined) return undefined
    try {
      return openSync(inFolder(parent, base), openFolder)
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined
      throw error
    } finally {
      closeSync(parent)
    }
  }

  #open(directory: string, isMade: boolean): number {
    const path = posix.join(this.#folder, text(directory))
    const fd = this.#root.open(path, 'directory')
    if (fd !== undefined) return fd
    if (isMade) {
      for (let at = directory.lastIndexOf('/'); at > 0; at = directory.lastIndexOf('/', at - 1))
        this.#times.changing(directory.slice(0, at))
      this.#root.makeDirectory(path, madeFolder)
    }
    const made = this.#root.open(path, 'directory')
    if (made === undefined)
      throw new EngineError('invalid_argument', `there is no directory ${path} in the container`, { details: { path } })
    return made
  }
}

function inFolder(fd: number, base: string): Buffer {
  return bytesOf(`/proc/self/fd/${fd}/${base}`)
}

/** @throws EngineError `invalid_argument` for a directory whose name is not UTF-8: it could not be looked up */
function text(name: string): string {
  const bytes = bytesOf(name)
  const decoded = bytes.toString('utf8')
  if (Buffer.from(decoded).equals(bytes)) return decoded
  throw new EngineError('invalid_argument', `a name in the archive is not UTF-8: ${decoded}`)
}

function checkKind(existing: Stats, entry: TarEntry, path: string): void {
  if (existing.isDirectory()) throw new EngineError('invalid_argument', `cannot overwrite directory "${path}" with non-directory`)
  if (entry.type === 'directory') throw new EngineError('invalid_argument', `cannot overwrite non-directory "${path}" with directory`)
}

/** A tree is taken apart from descriptors: no link that is put in it meanwhile is followed. */
function removeAt(at: Buffer, stats: Stats): void {
  if (!stats.isDirectory()) {
    unlinkSync(at)
    return
  }
  const fd = openSync(at, openFolder)
  try {
    for (const name of readdirSync(`/proc/self/fd/${fd}`, 'latin1')) {
      const child = inFolder(fd, name)
      const below = lstatSync(child, { throwIfNoEntry: false })
      if (below !== undefined) removeAt(child, below)
    }
  } finally {
    closeSync(fd)
  }
  rmdirSync(at)
}
