import { mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { currentProcess } from './process-identity.js'
import { removeTree } from './remove-tree.js'
import { errnoOf } from './system-call-error.js'
import { isOwnedTemporary, temporaryName } from './temporary-name.js'

/** A caller who removes something is seldom done: what it does next comes first. */
const delayMs = 20

/**
 * Takes trees away in constant time for the caller: moved aside at once, deleted a little later. What a killed process moved aside, the next
 * one deletes.
 */
export class Trash {
  readonly #folder: string
  readonly #removals = new Set<Promise<void>>()
  readonly #waiting = new Map<NodeJS.Timeout, string>()
  #failure: unknown

  /** @param folder - Made when missing; on the file system of what is to be thrown away. */
  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  /** Delete what dead processes left. */
  async sweep(): Promise<void> {
    for (const name of readdirSync(this.#folder)) if (!isOwnedTemporary(name)) await removeTree(join(this.#folder, name))
  }

  /** Nothing is at `path` when this returns. What is gone already is fine. */
  take(path: string): void {
    const aside = join(this.#folder, temporaryName(currentProcess()))
    try {
      renameSync(path, aside)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return
      throw error
    }
    const timer = setTimeout(() => this.#remove(timer, aside), delayMs)
    timer.unref()
    this.#waiting.set(timer, aside)
  }

  /** Everything is deleted when this resolves. @throws what made a deletion fail */
  async close(): Promise<void> {
    for (const [timer, aside] of this.#waiting) this.#remove(timer, aside)
    await Promise.all(this.#removals)
    if (this.#failure !== undefined) throw this.#failure
  }

  #remove(timer: NodeJS.Timeout, aside: string): void {
    clearTimeout(timer)
    this.#waiting.delete(timer)
    const removal = removeTree(aside)
      .catch(error => {
        this.#failure = error
      })
      .finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
  }
}
