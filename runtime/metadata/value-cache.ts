import type { Table } from './metadata-store.js'

/** Values that are kept: some kilobytes each. */
const limit = 1024

interface Entry {
  readonly bytes: Buffer
  readonly value: unknown
}

/**
 * Values by the bytes they were read from. Other processes write too, so the bytes are read each time; what costs is making objects of them, and
 * a record that is asked for a thousand times a second has seldom changed in between. The same bytes give the same object: nobody changes
 * what the store gives.
 */
export class ValueCache {
  readonly #entries = new Map<string, Entry>()

  read<T>(table: Table, key: string, bytes: Buffer): T {
    const name = `${table}/${key}`
    const known = this.#entries.get(name)
    if (known?.bytes.equals(bytes)) return known.value as T
    // The store only holds what `put` was given for the same table.
    const value = JSON.parse(bytes.toString('utf8')) as T
    if (known === undefined && this.#entries.size >= limit) this.#forgetOldest()
    // A copy: the store may use its memory again.
    this.#entries.set(name, { bytes: Buffer.from(bytes), value })
    return value
  }

  #forgetOldest(): void {
    const oldest = this.#entries.keys().next()
    if (!oldest.done) this.#entries.delete(oldest.value)
  }
}
