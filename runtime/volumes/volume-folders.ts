import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../host/system-call-error.js'

/**
 * Where volumes are on disk, format version 1:
 *
 * ```
 * <data root>/volumes/
 *   <name>/          a volume
 *     _data/         its files, as Docker names it
 *     filling-<random>/  what an image has for it, on its way: thrown away when its maker is gone. A name of its own each time: what a
 *                    killed process had started goes on copying
 *     filled/        the same, complete: what is left in it is moved to _data, whoever gets to it
 *   .gone-<random>/  being removed
 * ```
 */
export interface VolumeFolders {
  readonly folder: string
  data(name: string): string
  /** A new place for a copy. */
  newFilling(name: string): string
  /** Those that are there. */
  fillings(name: string): readonly string[]
  filled(name: string): string
  /** Make a volume's folders. An existing one is left alone. */
  make(name: string): void
  /** Put a volume's folder out of sight, to be removed. Undefined when there is none. */
  putAside(name: string): string | undefined
  /** Names of the folders, and paths of those that were put aside. */
  list(): { readonly names: readonly string[]; readonly aside: readonly string[] }
}

const asidePrefix = '.gone-'
const fillingPrefix = 'filling-'

export function volumeFolders(root: string): VolumeFolders {
  const folder = join(root, 'volumes')
  return {
    folder,
    data: name => join(folder, name, '_data'),
    newFilling: name => join(folder, name, `${fillingPrefix}${randomBytes(8).toString('hex')}`),
    fillings: name =>
      readFolder(join(folder, name))
        .filter(entry => entry.startsWith(fillingPrefix))
        .map(entry => join(folder, name, entry)),
    filled: name => join(folder, name, 'filled'),
    make(name) {
      mkdirSync(join(folder, name), { recursive: true, mode: 0o701 })
      mkdirSync(join(folder, name, '_data'), { recursive: true, mode: 0o755 })
    },
    putAside(name) {
      const aside = join(folder, `${asidePrefix}${randomBytes(8).toString('hex')}`)
      try {
        renameSync(join(folder, name), aside)
        return aside
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return undefined
        throw error
      }
    },
    list() {
      const entries = readFolder(folder)
      return {
        names: entries.filter(entry => !entry.startsWith('.')),
        aside: entries.filter(entry => entry.startsWith(asidePrefix)).map(entry => join(folder, entry))
      }
    }
  }
}

function readFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
