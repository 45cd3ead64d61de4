import { chmodSync, chownSync, lstatSync, mkdirSync, readlinkSync, type Stats, unlinkSync } from 'node:fs'
import { libcFiles } from '../host/libc-files.js'
import { removeTreeSync } from '../host/remove-tree.js'
import { errnoOf } from '../host/system-call-error.js'
import { archiveError } from './archive-error.js'
import { bytesOf, onDisk, splitPath } from './entry-path.js'

/** A directory that is known to be one: reached without a link on the way. */
export interface LayerDirectory {
  /** Below the root, '' for the root. */
  readonly name: string
  /** Absolute. */
  readonly path: string
  /** Undefined for the root. */
  readonly parent: LayerDirectory | undefined
  /** What is made in it takes its group. */
  readonly inheritsGroup: boolean
}

/** As many links as the kernel follows in one path. */
const maximumLinks = 40

/** Directories that are remembered. Of an archive with millions the rest is looked up again. */
const mostKnown = 50_000

const inheritGroup = 0o2000
const overlayOpaque = { name: 'trusted.overlay.opaque', value: Buffer.from('y') }

/**
 * The directory a layer is unpacked into. Finds the real directory behind every name, with links resolved inside the
 * root, so that a write never follows a link out of it. Nobody else writes here meanwhile: what was seen once is
 * remembered until this unpacking itself takes it away.
 */
export class LayerTree {
  readonly root: LayerDirectory
  readonly #known = new Map<string, LayerDirectory>()
  readonly #onChange: (path: string) => void

  /** @param options.onChange told the path of a directory before one that an archive does not list is made in it */
  constructor(path: string, options: { readonly onChange: (path: string) => void }) {
    this.#onChange = options.onChange
    const { mode } = lstatSync(onDisk(path))
    this.root = { name: '', path, parent: undefined, inheritsGroup: (mode & inheritGroup) !== 0 }
  }

  /**
   * The directory with this name. Missing ones are made, mode 0755, owned by root.
   *
   * @throws EngineError `data_loss` when a file stands in the way, or links lead in a circle
   */
  directory(name: string): LayerDirectory {
    return this.#known.get(name) ?? this.#walk(name, 'make')
  }

  /** The directory with this name, if there is one. */
  find(name: string): LayerDirectory | undefined {
    try {
      return this.#known.get(name) ?? this.#walk(name, 'find')
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw error
    }
  }

  /** Whether a directory stands here, itself and not behind a link. */
  isDirectory(parent: LayerDirectory, base: string): boolean {
    return lstatSync(onDisk(childPath(parent, base))).isDirectory()
  }

  /** A directory was just made here. */
  remember(parent: LayerDirectory, base: string, mode: number): LayerDirectory {
    const name = childName(parent, base)
    const directory = { name, path: childPath(parent, base), parent, inheritsGroup: (mode & inheritGroup) !== 0 }
    this.#know(name, directory)
    return directory
  }

  /** Take away whatever is at this place. Says what it was. */
  remove(parent: LayerDirectory, base: string): 'whiteout' | 'directory' | 'other' {
    const path = onDisk(childPath(parent, base))
    const stats = lstatSync(path)
    if (stats.isDirectory()) {
      this.#known.clear()
      removeTreeSync(childPath(parent, base))
      return 'directory'
    }
    if (stats.isSymbolicLink()) this.#known.clear()
    unlinkSync(path)
    return isWhiteout(stats) ? 'whiteout' : 'other'
  }

  #know(name: string, directory: LayerDirectory): void {
    if (this.#known.size >= mostKnown) this.#known.clear()
    this.#known.set(name, directory)
  }

  #walk(name: string, missing: 'make' | 'find'): LayerDirectory {
    return this.#resolve(this.root, name, missing, { left: maximumLinks }, name)
  }

  #resolve(from: LayerDirectory, path: string, missing: 'make' | 'find', links: { left: number }, alias?: string): LayerDirectory {
    let current = from
    for (const part of path.split('/')) {
      if (part === '' || part === '.') continue
      // The root is its own parent, as after chroot(2).
      if (part === '..') current = current.parent ?? this.root
      else current = this.#child(current, part, missing, links)
    }
    if (alias !== undefined) this.#know(alias, current)
    return current
  }

  #child(parent: LayerDirectory, base: string, missing: 'make' | 'find', links: { left: number }): LayerDirectory {
    const known = this.#known.get(childName(parent, base))
    if (known !== undefined) return known
    const path = onDisk(childPath(parent, base))
    if (missing === 'make') this.#onChange(parent.path)
    if (missing === 'make' && tryMake(path)) return this.#made(parent, base)
    const stats = lstatSync(path)
    if (stats.isDirectory()) return this.remember(parent, base, stats.mode)
    if (stats.isSymbolicLink()) {
      if (links.left-- === 0) throw archiveError(`links lead in a circle at ${childName(parent, base)}`)
      return this.#resolve(parent, readlinkSync(path, 'latin1'), missing, links)
    }
    if (missing === 'make' && isWhiteout(stats)) {
      unlinkSync(path)
      mkdirSync(path)
      hideLower(childPath(parent, base))
      return this.#made(parent, base)
    }
    throw archiveError(`${childName(parent, base)} is used as a directory, but it is none`)
  }

  #made(parent: LayerDirectory, base: string): LayerDirectory {
    const path = onDisk(childPath(parent, base))
    if (parent.inheritsGroup) chownSync(path, 0, 0)
    // The umask had its say, and a setgid parent passed its bit on.
    chmodSync(path, 0o755)
    return this.remember(parent, base, 0o755)
  }
}

export function childName(parent: LayerDirectory, base: string): string {
  return parent.name === '' ? base : `${parent.name}/${base}`
}

export function childPath(parent: LayerDirectory, base: string): string {
  return `${parent.path}/${base}`
}

/** Overlayfs: nothing of the layers below shows through this directory. */
export function hideLower(directoryPath: string): void {
  libcFiles().setAttribute(bytesOf(directoryPath), overlayOpaque.name, overlayOpaque.value)
}

/** Overlayfs marks what a layer removes with a character device 0/0. */
export function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0
}

/** Existing file behind a name, for hard links: its directory's links are resolved, its own is not followed. */
export function findFile(tree: LayerTree, name: string): { readonly path: string; readonly stats: Stats } | undefined {
  const [directoryName, base] = splitPath(name)
  const directory = directoryName === '' ? tree.root : tree.find(directoryName)
  if (directory === undefined) return undefined
  const path = childPath(directory, base)
  const stats = lstatSync(onDisk(path), { throwIfNoEntry: false })
  return stats === undefined ? undefined : { path, stats }
}

function tryMake(path: string | Buffer): boolean {
  try {
    mkdirSync(path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}
