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

/**
 * Pages that the file of a new store has before it needs them: lmdb writes every change to pages that are free, so that what makes room on a full
 * disk can be recorded without any.
 */
const reserveBytes = 512 * 1024
const reserveKey = 'reserve'

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
    // Everything is a transaction already. With it, lmdb makes a promise for each batch that rejects where nobody can see it: on a full disk the
    // process would end.
    eventTurnBatching: false,
    encoding: 'binary'
  })
  const databases = new Map<Table, Database<Buffer, string>>()
  try {
    for (const table of tables) databases.set(table, root.openDB<Buffer, string>({ name: table, encoding: 'binary' }))
    const store = new LmdbStore(root, databases, ABORT)
    const isNew = await store.transaction(transaction => checkVersion(transaction, options.path))
    if (isNew) await store.transaction(transaction => transaction.put('meta', reserveKey, '-'.repeat(reserveBytes)))
    // Also what a process that was killed in between left.
    if (store.get('meta', reserveKey) !== undefined) await store.transaction(transaction => transaction.remove('meta', reserveKey))
    // What was freed by one transaction is for those after the next.
    if (isNew) await store.transaction(transaction => transaction.put('meta', 'version', metadataVersion))
    return store
  } catch (error) {
    await root.close()
    throw error
  }
}

/** @returns whether the store is new */
function checkVersion(transaction: Transaction, path: string): boolean {
  const found = transaction.get<number>('meta', 'version')
  if (found === undefined) {
    transaction.put('meta', 'version', metadataVersion)
    return true
  }
  if (found === metadataVersion) return false
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
  /** The last commit failed: lmdb waits for the next one when it is closed. */
  #isStuck = false

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
    const ending = this.#root.childTransaction(() => {
      try {
        outcome = { value: work(this.#view) }
        return undefined
      } catch (error) {
        outcome = { error }
        return this.#abort
      }
    })
    try {
      await ending
      this.#isStuck = false
    } catch (error) {
      this.#isStuck = true
      throw await commitFailure(error)
    }
    if (outcome === undefined) throw new EngineError('internal', 'a metadata transaction ended without having run')
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    // One without changes needs no disk.
    if (this.#isStuck) await this.#root.childTransaction(() => undefined).catch(() => undefined)
    await this.#root.close()
  }

  #database(table: Table): Database<Buffer, string> {
    const database = this.#databases.get(table)
    if (database === undefined) throw new EngineError('internal', `no such metadata table: ${table}`)
    if (this.#closed !== undefined) throw new EngineError('unavailable', 'the engine is closed')
    return database
  }
}

/** Numbers of errno that mean that there is no room. */
const fullErrnos: ReadonlyMap<unknown, string> = new Map([
  [28, 'ENOSPC'],
  [122, 'EDQUOT']
])

/** lmdb rejects with an error that has the reason, in a promise of its own. */
async function commitFailure(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  const reason = await Promise.resolve(error.commitError).catch((cause: unknown) => cause)
  const errno = reason instanceof Error && 'code' in reason ? fullErrnos.get(reason.code) : undefined
  if (errno === undefined)
    return new EngineError('failed', `the engine's records could not be written: ${String(reason)}`, { cause: reason })
  return new EngineError(
    'resource_exhausted',
    `no room on disk for the engine's records (${errno}): remove what is not needed, or choose a data root on a larger disk`,
    { details: { errno }, cause: reason }
  )
}
