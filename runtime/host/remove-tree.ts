import { randomUUID } from 'node:crypto'
import { type Dirent, lstatSync, renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { folderEntries } from './folder-entries.js'
import { errnoOf } from './system-call-error.js'

/** System calls between two pauses: a few milliseconds. */
const callsPerStep = 200

/** Entries of one directory that are looked at before those below them are removed: what is remembered is bounded by this and the depth. */
const entriesPerVisit = 1000

/**
 * Directories below are moved to the top first. The kernel takes paths of 4096 bytes, but walks the whole way at every call: of a tree that is thousands of
 * directories deep that would be most of the work.
 */
const longestPath = 800

/**
 * Remove a file or a whole tree, whatever is in it: devices, odd modes, names that are not UTF-8, paths longer than the
 * kernel takes. Links are removed, not followed. What is gone already is fine.
 *
 * The calls are synchronous, because most trees are small and a promise for each would cost more than the call;
 * between some of them other work gets its turn.
 */
export async function removeTree(path: string): Promise<void> {
  for (const _ of removal(Buffer.from(path).toString('latin1'))) await setImmediate()
}

/** The same without pauses, for worker threads. The path is bytes, as a latin1 string. */
export function removeTreeSync(path: string): void {
  for (const _ of removal(path));
}

interface Pending {
  readonly path: string
  /** Every entry was looked at: its files are gone, its directories are on the stack above it. */
  emptied: boolean
}

function* removal(top: string): Generator<void, void, undefined> {
  const stats = lstatSync(bytes(top), { throwIfNoEntry: false })
  if (stats === undefined) return
  if (!stats.isDirectory()) {
    unlessGone(() => unlinkSync(bytes(top)))
    return
  }
  const stack: Pending[] = [{ path: top, emptied: false }]
  let calls = 0
  for (let current = stack.at(-1); current !== undefined; current = stack.at(-1)) {
    const { path } = current
    if (current.emptied) {
      // Somebody may have made a file since its names were read: they are read again.
      if (removeDirectory(path)) stack.pop()
      else current.emptied = false
      calls++
    } else {
      const entries = entriesOf(path)
      current.emptied = entries.length < entriesPerVisit
      for (const entry of entries) {
        const child = `${path}/${entry.name}`
        if (entry.isDirectory()) stack.push({ path: child.length > longestPath ? raised(child, top) : child, emptied: false })
        else unlessGone(() => unlinkSync(bytes(child)))
        if (++calls % callsPerStep === 0) yield
      }
    }
    if (calls >= callsPerStep) {
      calls = 0
      yield
    }
  }
}

function entriesOf(path: string): readonly Dirent[] {
  const entries: Dirent[] = []
  try {
    for (const entry of folderEntries(path)) if (entries.push(entry) === entriesPerVisit) break
    return entries
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return entries
    throw error
  }
}

/** Move a directory that is too deep to the top, where its path is short. */
function raised(path: string, top: string): string {
  const short = `${top}/${randomUUID()}`
  renameSync(bytes(path), bytes(short))
  return short
}

function removeDirectory(path: string): boolean {
  try {
    unlessGone(() => rmdirSync(bytes(path)))
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOTEMPTY') return false
    throw error
  }
}

function unlessGone(call: () => void): void {
  try {
    call()
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}

function bytes(path: string): Buffer {
  return Buffer.from(path, 'latin1')
}
