import { type Dirent, lstatSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { folderEntries } from '../host/folder-entries.js'

/** Calls between two pauses: a few milliseconds. */
const callsPerStep = 500

/**
 * Bytes of the files below a directory, as Docker counts a container's: sizes, not blocks; a file with several names once.
 * Files that come and go meanwhile are counted or not.
 */
export async function treeUsage(directory: string): Promise<number> {
  const linked = new Set<string>()
  const pending = [Buffer.from(directory).toString('latin1')]
  let bytes = 0
  let calls = 0
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    for (const entry of entriesOf(path)) {
      const child = `${path}/${entry.name}`
      if (entry.isDirectory()) pending.push(child)
      else if (entry.isFile()) bytes += sizeOnce(child, linked)
      if (++calls % callsPerStep === 0) await setImmediate()
    }
  }
  return bytes
}

function sizeOnce(path: string, linked: Set<string>): number {
  const stats = lstatSync(Buffer.from(path, 'latin1'), { throwIfNoEntry: false })
  if (stats === undefined) return 0
  if (stats.nlink > 1) {
    const inode = `${stats.dev}:${stats.ino}`
    if (linked.has(inode)) return 0
    linked.add(inode)
  }
  return stats.size
}

function* entriesOf(path: string): Generator<Dirent, void, undefined> {
  try {
    yield* folderEntries(path)
  } catch {
    // Gone meanwhile, or deeper than a path can say.
  }
}
