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
 *     filling/       what an image has for it, on its way: thrown away when its maker is gone
 *     filled/        the same, complete: what is left in it is moved to _data, whoever gets to it
 *   .gone-<random>/  being removed
 * ```
 */
export interface VolumeFolders {
  readonly folder: string
  data(name: string): string
  filling(name: string): string
  filled(name: string): string
  /** Make a volume's folders. An existing one is left alone. */
  make(name: string): void
  /** Put a volume's folder out of sight, to be removed. Undefined when there is none. */
  putAside(name: string): string | undefined
  /** Names of the folders, and paths of those that were put aside. */
  list(): { readonly names: readonly string[]; readonly aside: readonly string[] }
}

const asidePrefix = '.gone-'

export function volumeFolders(root: string): VolumeFolders {
  const folder = join(root, 'volumes')
  return {
    folder,
    data: name => join(folder, name, '_data'),
    filling: name => join(folder, name, 'filling'),
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
