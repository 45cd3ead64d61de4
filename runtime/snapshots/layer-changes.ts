import { type BigIntStats, lstatSync, readdirSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import type { OverlayMount } from '../host/host.js'
import { libcFiles } from '../host/libc-files.js'

/** What differs at a path between a read-write layer and what it stands on. */
export interface LayerChange {
  /** Absolute, its bytes as a latin1 string: names need not be UTF-8. */
  readonly path: string
  readonly kind: 'changed' | 'added' | 'deleted'
}

/** Paths that the engine makes in every container: not the container's doing, as if the image had them. */
export interface EnginePaths {
  readonly directories: ReadonlySet<string>
  readonly files: ReadonlySet<string>
}

/** Entries between two pauses: a few milliseconds. */
const entriesPerStep = 300

/**
 * Compare a read-write layer with the layers below, parents before what is in them. A directory counts as changed when something in it is.
 * Of a directory that is gone only the directory is told.
 *
 * @throws the signal's reason on abort
 */
export async function layerChanges(mount: OverlayMount, engine: EnginePaths, signal: AbortSignal): Promise<readonly LayerChange[]> {
  const comparison = new Comparison(engine, signal)
  if (mount.upper !== undefined) {
    const lower = mount.lower.map(directory => Buffer.from(directory).toString('latin1'))
    const upper = Buffer.from(mount.upper).toString('latin1')
    await comparison.directory('', { upper, lower, isOpaque: isOpaque(upper) })
  }
  return comparison.changes
}

interface DirectoryPair {
  readonly upper: string
  /** The directories of the layers below that together are what was there, topmost first. */
  readonly lower: readonly string[]
  /** What is below does not show through: what the upper one does not have is gone. */
  readonly isOpaque: boolean
}

class Comparison {
  readonly changes: LayerChange[] = []
  readonly #engine: EnginePaths
  readonly #signal: AbortSignal
  #entries = 0

  constructor(engine: EnginePaths, signal: AbortSignal) {
    this.#engine = engine
    this.#signal = signal
  }

  async directory(at: string, { upper, lower, isOpaque: cutOff }: DirectoryPair): Promise<void> {
    const names = namesIn(upper)
    const here = new Set(names)
    const gone = cutOff ? [...lowerNames(lower)].filter(name => !here.has(name)) : []
    for (const name of [...names, ...gone].sort()) {
      if (++this.#entries % entriesPerStep === 0) await setImmediate()
      this.#signal.throwIfAborted()
      const path = `${at}/${name}`
      const stats = here.has(name) ? statsOf(`${upper}/${name}`) : undefined
      const below = lookUp(lower, name)
      if (stats === undefined || isWhiteout(stats)) {
        if (below.stats !== undefined && !this.#isEngines(path)) this.changes.push({ path, kind: 'deleted' })
      } else if (stats.isDirectory()) {
        const child = `${upper}/${name}`
        await this.#subdirectory(path, {
          stats,
          below,
          pair: { upper: child, lower: below.directories, isOpaque: cutOff || isOpaque(child) }
        })
      } else if (!this.#engine.files.has(path)) {
        if (below.stats === undefined) this.changes.push({ path, kind: 'added' })
        else if (differs(stats, below.stats, `${upper}/${name}`, below.path)) this.changes.push({ path, kind: 'changed' })
      }
    }
  }

  async #subdirectory(
    path: string,
    { stats, below, pair }: { readonly stats: BigIntStats; readonly below: LowerEntry; readonly pair: DirectoryPair }
  ): Promise<void> {
    const place = this.changes.length
    await this.directory(path, pair)
    const isThere = below.stats !== undefined || this.#engine.directories.has(path)
    const isChanged = this.changes.length > place || (below.stats !== undefined && attributesDiffer(stats, below.stats))
    // The engine's own are left out where the container did nothing in them.
    if (!isThere) this.changes.splice(place, 0, { path, kind: 'added' })
    else if (isChanged && (this.changes.length > place || !this.#engine.directories.has(path))) {
      this.changes.splice(place, 0, { path, kind: 'changed' })
    }
  }

  #isEngines(path: string): boolean {
    return this.#engine.files.has(path) || this.#engine.directories.has(path)
  }
}

interface LowerEntry {
  /** Undefined where there was nothing. */
  readonly stats: BigIntStats | undefined
  readonly path: string
  /** Of a directory: those of the layers that it is made of. */
  readonly directories: readonly string[]
}

/** A name in stacked directories, as overlayfs shows it. */
function lookUp(lower: readonly string[], name: string): LowerEntry {
  let found: { readonly stats: BigIntStats; readonly path: string } | undefined
  const directories: string[] = []
  for (const directory of lower) {
    const path = `${directory}/${name}`
    const stats = statsOf(path)
    if (stats === undefined) continue
    if (isWhiteout(stats)) break
    if (!stats.isDirectory()) {
      found ??= { stats, path }
      break
    }
    found ??= { stats, path }
    directories.push(path)
    if (isOpaque(path)) break
  }
  return { stats: found?.stats, path: found?.path ?? '', directories }
}

function lowerNames(lower: readonly string[]): ReadonlySet<string> {
  return new Set(lower.flatMap(namesIn))
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(Buffer.from(directory, 'latin1'), 'latin1')
  } catch {
    // Gone meanwhile.
    return []
  }
}

function statsOf(path: string): BigIntStats | undefined {
  return lstatSync(Buffer.from(path, 'latin1'), { bigint: true, throwIfNoEntry: false })
}

function isWhiteout(stats: BigIntStats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0n
}

function isOpaque(directory: string): boolean {
  const value = libcFiles().getAttribute(Buffer.from(directory, 'latin1'), 'trusted.overlay.opaque')
  return value !== undefined && Buffer.from(value).toString('latin1') === 'y'
}

function attributesDiffer(one: BigIntStats, other: BigIntStats): boolean {
  return one.mode !== other.mode || one.uid !== other.uid || one.gid !== other.gid
}

/** What was only copied up (opened for writing, say) is as it was. */
function differs(one: BigIntStats, other: BigIntStats, onePath: string, otherPath: string): boolean {
  if (attributesDiffer(one, other) || one.rdev !== other.rdev || one.size !== other.size || one.mtimeNs !== other.mtimeNs) return true
  return one.isFile() && !sameCapabilities(onePath, otherPath)
}

function sameCapabilities(one: string, other: string): boolean {
  const [a, b] = [one, other].map(path => libcFiles().getAttribute(Buffer.from(path, 'latin1'), 'security.capability'))
  return Buffer.compare(a ?? Buffer.alloc(0), b ?? Buffer.alloc(0)) === 0
}
