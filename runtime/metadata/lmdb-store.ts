import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Database, RootDatabase } from 'lmdb'
import { EngineError } from '../../src/errors/index.js'
import type { MetadataStore, Table, Transaction } from './metadata-store.js'
import { ValueCache } from './value-cache.js'

/** Version of the tables and of what is in them. A store of another version is refused, never converted by guess. */
export const metadataVersion = 1

const tables: readonly Table[] = [
  'meta',
  'references',
  'images',
  'layers',
  'containers',
  'names',
  'networks',
  'endpoints',
  'ports',
  'sessions',
  'volumes'
]

/** Room for the memory map. Sparse: it costs address space, not disk. */
const mapSizeBytes = 4 * 1024 ** 3

/**
 * Open (or make) the metadata store at `path`, a file; its lock file stands beside it.
 *
 * lmdb's write lock is a robust mutex in the lock file, so a killed writer neither blocks the others nor leaves half a
 * transaction: a commit is one page write of the root.
 *
 * @throws EngineError `not_supported` for a store of another version
 */
export async function openMetadataStore(options: { readonly path: string }): Promise<MetadataStore> {
  await mkdir(dirname(options.path), { recursive: true, mode: 0o700 })
  const { open, ABORT } = await import('lmdb')
  const root = open<Buffer, string>({
    path: options.path,
    noSubdir: true,
    maxDbs: tables.length + 2,
    // A power failure may undo the last transaction, and does no other harm; a killed process loses nothing.
    noMetaSync: true,
    mapSize: mapSizeBytes,
    encoding: 'binary'
  })
  const databases = new Map<Table, Database<Buffer, string>>()
  try {
    for (const table of tables) databases.set(table, root.openDB<Buffer, string>({ name: table, encoding: 'binary' }))
    const store = new LmdbStore(root, databases, ABORT)
    await store.transaction(transaction => checkVersion(transaction, options.path))
    return store
  } catch (error) {
    await root.close()
    throw error
  }
}

function checkVersion(transaction: Transaction, path: string): void {
  const found = transaction.get<number>('meta', 'version')
  if (found === undefined) {
    transaction.put('meta', 'version', metadataVersion)
    return
  }
  if (found === metadataVersion) return
  throw new EngineError(
    'not_supported',
    `the data root's records (${path}) have format version ${found}, this Gantry reads version ${metadataVersion}: use the Gantry that made it, or another data root`,
    { details: { path, found, supported: metadataVersion } }
  )
}

class LmdbStore implements MetadataStore {
  readonly #root: RootDatabase<Buffer, string>
  readonly #databases: ReadonlyMap<Table, Database<Buffer, string>>
  readonly #view: Transaction
  readonly #abort: object
  readonly #values = new ValueCache()
  #closed: Promise<void> | undefined

  constructor(root: RootDatabase<Buffer, string>, databases: ReadonlyMap<Table, Database<Buffer, string>>, abort: object) {
    this.#root = root
    this.#databases = databases
    this.#abort = abort
    this.#view = {
      get: (table, key) => this.get(table, key),
      list: (table, prefix) => this.list(table, prefix),
      put: (table, key, value) => void this.#database(table).put(key, Buffer.from(JSON.stringify(value))),
      remove: (table, key) => void this.#database(table).remove(key)
    }
  }

  get<T>(table: Table, key: string): T | undefined {
    const bytes = this.#database(table).get(key)
    return bytes === undefined ? undefined : this.#values.read<T>(table, key, bytes)
  }

  list<T>(table: Table, prefix = ''): readonly { readonly key: string; readonly value: T }[] {
    const range = prefix === '' ? {} : { start: prefix, end: `${prefix}\uffff` }
    const rows: { key: string; value: T }[] = []
    for (const { key, value } of this.#database(table).getRange(range)) rows.push({ key, value: this.#values.read<T>(table, key, value) })
    return rows
  }

  async transaction<T>(work: (transaction: Transaction) => T): Promise<T> {
    // A batched lmdb transaction has no abort of its own for one callback: the child transaction gives it one.
    let outcome: { readonly value: T } | { readonly error: unknown } | undefined
    await this.#root.childTransaction(() => {
      try {
        outcome = { value: work(this.#view) }
        return undefined
      } catch (error) {
        outcome = { error }
        return this.#abort
      }
    })
    if (outcome === undefined) throw new EngineError('internal', 'a metadata transaction ended without having run')
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  close(): Promise<void> {
    this.#closed ??= this.#root.close()
    return this.#closed
  }

  #database(table: Table): Database<Buffer, string> {
    const database = this.#databases.get(table)
    if (database === undefined) throw new EngineError('internal', `no such metadata table: ${table}`)
    if (this.#closed !== undefined) throw new EngineError('unavailable', 'the engine is closed')
    return database
  }
}
