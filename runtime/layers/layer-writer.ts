import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync
} from 'node:fs'
import { type FileTime, libcFiles, nodeTypes } from '../host/libc-files.js'
import { errnoOf } from '../host/system-call-error.js'
import { archiveError } from './archive-error.js'
import { DirectoryTimes, fileTime } from './directory-times.js'
import { setAttributes, writePiece } from './entry-file.js'
import { bytesOf, entryPath, fromText, onDisk, splitPath } from './entry-path.js'
import { childPath, findFile, hideLower, isWhiteout, type LayerDirectory, LayerTree } from './layer-tree.js'
import type { TarEntry, TarSink } from './tar-entry.js'
import { makeWhiteout, whiteoutOf } from './whiteout.js'

const createFile = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW

/**
 * Writes the entries of an archive below a directory. Synchronous, for a thread of its own. As in Docker, a later
 * entry replaces an earlier one of the same name, except that two directories merge.
 */
export class LayerWriter implements TarSink {
  readonly #tree: LayerTree
  readonly #self = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
  /** By path. */
  readonly #times = new DirectoryTimes({ set: setDirectoryTime, get: timeOf })
  #file: { readonly fd: number; readonly path: string; readonly parent: LayerDirectory; readonly entry: TarEntry } | undefined
  #sizeBytes = 0
  #entryName = ''

  constructor(directory: string) {
    this.#tree = new LayerTree(fromText(directory), { onChange: path => this.#times.changing(path) })
  }

  /** Bytes of the regular files written. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** The entry that came last, for messages. */
  get entryName(): string {
    return bytesOf(this.#entryName).toString()
  }

  entry(entry: TarEntry): void {
    this.#entryName = entry.name
    const path = entryPath(entry.name)
    if (path === '') {
      this.#root(entry)
      return
    }
    const whiteout = whiteoutOf(path)
    if (whiteout === 'ignored') return
    const [directoryName, base] = splitPath(path)
    const parent = directoryName === '' ? this.#tree.root : this.#tree.directory(directoryName)
    this.#times.changing(parent.path)
    if (whiteout !== undefined) makeWhiteout(parent, whiteout)
    else this.#make(entry, parent, base)
  }

  data(bytes: Uint8Array, position: number): void {
    const file = this.#file
    if (file === undefined) return
    writePiece(file.fd, file.entry, bytes, position)
  }

  end(): void {
    const file = this.#file
    if (file === undefined) return
    const { fd, entry, parent } = file
    if (entry.sparse) ftruncateSync(fd, entry.sizeBytes)
    // Writing and changing the owner both clear setuid and file capabilities: mode and attributes come after them.
    if (this.#mustChown(entry, parent)) fchownSync(fd, entry.uid, entry.gid)
    fchmodSync(fd, entry.mode)
    setAttributes(bytesOf(file.path), entry)
    if (isWhole(entry.modified)) futimesSync(fd, entry.modified.seconds, entry.modified.seconds)
    else libcFiles().setTimesOf(fd, entry.modified)
    this.#file = undefined
    closeSync(fd)
  }

  /** Set what could not be set before everything was written. */
  finish(): void {
    this.#times.finish()
  }

  /** Give up: hold nothing open. Idempotent. */
  close(): void {
    const file = this.#file
    this.#file = undefined
    if (file !== undefined) closeSync(file.fd)
  }

  #root(entry: TarEntry): void {
    if (entry.type !== 'directory') throw archiveError(`the layer's root is a ${entry.type}`)
    this.#directoryMetadata(entry, this.#tree.root.path, true)
  }

  #make(entry: TarEntry, parent: LayerDirectory, base: string): void {
    const path = childPath(parent, base)
    switch (entry.type) {
      case 'directory':
        this.#makeDirectory(entry, parent, base)
        return
      case 'file': {
        const fd = this.#replacing(parent, base, () => openSync(onDisk(path), createFile, 0o600))
        this.#file = { fd, path, parent, entry }
        this.#sizeBytes += entry.sizeBytes
        return
      }
      case 'symbolic-link':
        if (entry.linkName === '') throw archiveError(`the symbolic link ${entry.name} has no target`)
        this.#replacing(parent, base, () => symlinkSync(onDisk(entry.linkName), onDisk(path)))
        if (this.#mustChown(entry, parent)) lchownSync(onDisk(path), entry.uid, entry.gid)
        setAttributes(bytesOf(path), entry)
        setLinkTime(path, entry.modified)
        return
      case 'hard-link':
        this.#makeHardLink(entry, parent, base)
        return
      case 'character-device':
        this.#makeNode(entry, parent, base, nodeTypes.character)
        return
      case 'block-device':
        this.#makeNode(entry, parent, base, nodeTypes.block)
        return
      case 'fifo':
        this.#makeNode(entry, parent, base, nodeTypes.fifo)
    }
  }

  #makeDirectory(entry: TarEntry, parent: LayerDirectory, base: string): void {
    const path = childPath(parent, base)
    let isNew = true
    try {
      mkdirSync(onDisk(path), 0o700)
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
      isNew = this.#makeRoomForDirectory(parent, base)
    }
    this.#tree.remember(parent, base, entry.mode)
    this.#directoryMetadata(entry, path, !isNew || this.#mustChown(entry, parent))
  }

  /** False where a directory stands already: the two merge. */
  #makeRoomForDirectory(parent: LayerDirectory, base: string): boolean {
    const path = childPath(parent, base)
    if (this.#tree.isDirectory(parent, base)) return false
    const was = this.#tree.remove(parent, base)
    mkdirSync(onDisk(path), 0o700)
    // The layer removes what was there before, and puts a new directory in its place: they must not merge.
    if (was === 'whiteout') hideLower(path)
    return true
  }

  #directoryMetadata(entry: TarEntry, path: string, chown: boolean): void {
    if (chown) lchownSync(onDisk(path), entry.uid, entry.gid)
    chmodSync(onDisk(path), entry.mode)
    setAttributes(bytesOf(path), entry)
    this.#times.add(path, entry.modified)
  }

  #makeHardLink(entry: TarEntry, parent: LayerDirectory, base: string): void {
    const target = findFile(this.#tree, entryPath(entry.linkName))
    if (target === undefined || target.stats.isDirectory() || isWhiteout(target.stats)) {
      const why = target?.stats.isDirectory() ? 'a directory' : 'not in this layer'
      throw archiveError(`the hard link ${entry.name} leads to ${entry.linkName}, which is ${why}`)
    }
    const path = childPath(parent, base)
    if (target.path === path) return
    if (target.path.startsWith(`${path}/`))
      throw archiveError(`the hard link ${entry.name} takes the place of the directory that it leads into`)
    this.#replacing(parent, base, () => linkSync(onDisk(target.path), onDisk(path)))
  }

  #makeNode(entry: TarEntry, parent: LayerDirectory, base: string, type: number): void {
    const path = childPath(parent, base)
    this.#replacing(parent, base, () => libcFiles().makeNode(bytesOf(path), type | 0o600, entry.device))
    if (this.#mustChown(entry, parent)) lchownSync(onDisk(path), entry.uid, entry.gid)
    chmodSync(onDisk(path), entry.mode)
    setAttributes(bytesOf(path), entry)
    setLinkTime(path, entry.modified)
  }

  /** Make something, in place of what stands there. */
  #replacing<T>(parent: LayerDirectory, base: string, make: () => T): T {
    try {
      return make()
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
    }
    if (this.#tree.remove(parent, base) === 'directory') this.#times.forget(childPath(parent, base))
    return make()
  }

  /** What this process makes is its own, unless the directory passes its group on. */
  #mustChown(entry: TarEntry, parent: LayerDirectory): boolean {
    return parent.inheritsGroup || entry.uid !== this.#self.uid || entry.gid !== this.#self.gid
  }
}

function isWhole(time: FileTime): boolean {
  return time.nanoseconds === 0 && time.seconds >= 0
}

function setDirectoryTime(path: string, time: FileTime): void {
  if (isWhole(time)) utimesSync(onDisk(path), time.seconds, time.seconds)
  else libcFiles().setTimes(bytesOf(path), time)
}

function timeOf(path: string): FileTime | undefined {
  const stats = lstatSync(onDisk(path), { bigint: true, throwIfNoEntry: false })
  return stats?.isDirectory() ? fileTime(stats.mtimeNs) : undefined
}

function setLinkTime(path: string, time: FileTime): void {
  if (isWhole(time)) lutimesSync(onDisk(path), time.seconds, time.seconds)
  else libcFiles().setTimes(bytesOf(path), time)
}
