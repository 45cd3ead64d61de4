import { join } from 'node:path'
import { currentProcess } from '../host/process-identity.js'
import { temporaryName } from '../host/temporary-name.js'

/**
 * Where layers are on disk, format version 1:
 *
 * ```
 * <data root>/snapshots/
 *   <name>/            a layer; names are numbers in base 36, given in order and never again
 *     fs/              its files, as overlayfs reads or writes them
 *     work/            read-write layers only: overlayfs's own
 *     synced           committed layers only: all of it is on the disk (see durability.ts)
 *   tmp/
 *     <pid>.<start time>.<random>/   being made, or being removed, by that process
 * ```
 *
 * What a directory is and what it stands on is in the metadata store (layer-records.ts). A directory without a record is
 * nothing: what a process left behind when it was killed.
 */
export interface SnapshotLayout {
  /** All layers of a mount share this folder; what follows is short, because a mount's options must fit a page. */
  readonly folder: string
  readonly temporaryFolder: string
  directory(name: string): string
  files(name: string): string
  work(name: string): string
  syncedMark(name: string): string
  /** A new name under the temporary folder that tells whose it is. */
  temporaryDirectory(): string
}

/** The layout below a data root. */
export function snapshotLayout(root: string): SnapshotLayout {
  const folder = join(root, 'snapshots')
  const temporaryFolder = join(folder, 'tmp')
  return {
    folder,
    temporaryFolder,
    directory: name => join(folder, name),
    files: name => join(folder, name, 'fs'),
    work: name => join(folder, name, 'work'),
    syncedMark: name => join(folder, name, 'synced'),
    temporaryDirectory: () => join(temporaryFolder, temporaryName(currentProcess()))
  }
}

/** Whether a directory of the folder is a layer's: the names that {@link layerName} gives. */
export function isLayerName(name: string): boolean {
  return name !== 'tmp' && /^[0-9a-z]{1,10}$/.test(name)
}

/** The name of the layer with this number. */
export function layerName(number: number): string {
  const name = number.toString(36)
  // 38,325 is the one number that reads as the temporary folder.
  return name === 'tmp' ? `0${name}` : name
}
