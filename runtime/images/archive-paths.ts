import { posix } from 'node:path'
import { EngineError } from '../../src/errors/index.js'
import type { TarEntry } from '../layers/tar-entry.js'

/** No archive of images comes near: one with 100 images of 127 layers has some 40,000. */
const maximumEntries = 200_000
const maximumHops = 16

/**
 * The names in an archive of images. They only ever stand for each other: nothing is looked up on this machine, so a link that is swapped
 * between two entries leads nowhere else.
 */
export class ArchivePaths {
  readonly #links = new Map<string, string>()
  #count = 0

  /** @returns the entry's name, normalised @throws EngineError `data_loss` for a name that leaves the archive, or too many */
  add(entry: TarEntry): string {
    if (++this.#count > maximumEntries) {
      throw new EngineError(
        'data_loss',
        `cannot load the archive: it has more than ${maximumEntries} entries: this is no archive of images`
      )
    }
    const path = inside(entry.name, entry.name)
    // Of two entries with one name the last one counts, as for tar.
    this.#links.delete(path)
    if (entry.type === 'symbolic-link') this.#links.set(path, inside(posix.join(posix.dirname(path), entry.linkName), entry.linkName))
    if (entry.type === 'hard-link') this.#links.set(path, inside(entry.linkName, entry.linkName))
    return path
  }

  /** @throws EngineError `data_loss` for a name that leaves the archive, and for links in a circle */
  resolve(name: string): string {
    let path = inside(name, name)
    for (let hop = 0; hop < maximumHops; hop++) {
      const target = this.#links.get(path)
      if (target === undefined) return path
      path = target
    }
    throw new EngineError('data_loss', `cannot load the archive: ${JSON.stringify(name)} is a link that leads to no file`, {
      details: { entry: name }
    })
  }
}

function inside(path: string, spelled: string): string {
  const normal = posix.normalize(path).replace(/^(\.?\/)+|\/+$/g, '')
  if (normal !== '..' && !normal.startsWith('../') && !path.startsWith('/')) return normal
  throw new EngineError('data_loss', `cannot load the archive: the name ${JSON.stringify(spelled)} leaves it`, {
    details: { entry: spelled }
  })
}
