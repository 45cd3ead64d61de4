/**
 * Durable records, safe for several processes at once. Values are JSON-shaped.
 *
 * Reads see the last committed state. `transaction` serialises writers of every process that uses the data root, so keep
 * the callback short and synchronous: compute and do I/O before, decide and write inside.
 */
export interface MetadataStore {
  get<T>(table: Table, key: string): T | undefined
  /** In key order; `prefix` limits it to keys that begin with it. */
  list<T>(table: Table, prefix?: string): readonly { readonly key: string; readonly value: T }[]
  /** Resolves when committed. A throw in `work` aborts everything it wrote and rejects with that error. */
  transaction<T>(work: (transaction: Transaction) => T): Promise<T>
  close(): Promise<void>
}

/** Reads and writes inside a transaction. */
export interface Transaction {
  get<T>(table: Table, key: string): T | undefined
  list<T>(table: Table, prefix?: string): readonly { readonly key: string; readonly value: T }[]
  put<T>(table: Table, key: string, value: T): void
  remove(table: Table, key: string): void
}

/**
 * The tables of the store, format version 1.
 *
 * - `meta`: `version` -> number; `snapshots/next` -> number of the next layer; `lease/<uuid>` and `garbage/<uuid>` of pulls and removals;
 *   `compressed/<digest>` of pushes
 * - `references`: canonical reference -> `{ target: Digest (manifest or index), imageId }`
 * - `images`: image id (config digest) -> image record
 * - `layers`: chain ID -> committed layer record; `writable:<id>` -> read-write layer record
 * - `containers`: container id -> container record
 * - `names`: container name (no slash) -> container id
 * - `networks`: network id -> network record
 * - `endpoints`: `<network id>/<address>` -> container id and endpoint
 * - `ports`: `<protocol>/<host port>/<host address>` -> published port
 * - `sessions`: session id -> owner process
 * - `volumes`: volume name -> volume record
 */
export type Table =
  | 'meta'
  | 'references'
  | 'images'
  | 'layers'
  | 'containers'
  | 'names'
  | 'networks'
  | 'endpoints'
  | 'ports'
  | 'sessions'
  | 'volumes'
