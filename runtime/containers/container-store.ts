import { EngineError } from '../../src/errors/index.js'
import type { MetadataStore } from '../metadata/metadata-store.js'
import { generateName } from './container-names.js'
import type { ContainerRecord, ContainerState } from './container-record.js'

/** Container records and their names: a name belongs to one container, whichever process asks. */
export interface ContainerStore {
  /** Record a container. Without a name it gets a generated one. @throws EngineError `already_exists` when the name is taken */
  add(record: Omit<ContainerRecord, 'name'>, name: string | undefined): Promise<ContainerRecord>
  /** By id, by name, or by a prefix of the id. @throws EngineError `not_found`, `invalid_argument` (ambiguous prefix) */
  get(idOrName: string): ContainerRecord
  find(id: string): ContainerRecord | undefined
  list(): readonly ContainerRecord[]
  /** Change the state of a container that is there. Undefined when it is gone. */
  update(id: string, change: (record: ContainerRecord) => ContainerRecord): Promise<ContainerRecord | undefined>
  setState(id: string, change: Partial<ContainerState>): Promise<ContainerRecord | undefined>
  rename(id: string, name: string): Promise<ContainerRecord>
  /** Idempotent. */
  remove(id: string): Promise<void>
}

const nameAttempts = 8

export function createContainerStore(metadata: MetadataStore): ContainerStore {
  const find = (id: string) => metadata.get<ContainerRecord>('containers', id)
  const update: ContainerStore['update'] = (id, change) =>
    metadata.transaction(transaction => {
      const record = transaction.get<ContainerRecord>('containers', id)
      if (record === undefined) return undefined
      const changed = change(record)
      transaction.put('containers', id, changed)
      return changed
    })
  return {
    find,
    update,
    list: () => metadata.list<ContainerRecord>('containers').map(row => row.value),
    setState: (id, change) => update(id, record => ({ ...record, state: { ...record.state, ...change } })),

    add: (record, wanted) =>
      metadata.transaction(transaction => {
        const name = wanted ?? freeName(candidate => transaction.get('names', candidate) === undefined)
        claimName(transaction.get<string>('names', name), name)
        const named: ContainerRecord = { ...record, name }
        transaction.put('names', name, record.id)
        transaction.put('containers', record.id, named)
        return named
      }),

    get(idOrName) {
      const name = idOrName.startsWith('/') ? idOrName.slice(1) : idOrName
      const exact = find(name) ?? find(metadata.get<string>('names', name) ?? '')
      if (exact !== undefined) return exact
      const byPrefix = /^[0-9a-f]+$/.test(name) ? metadata.list<ContainerRecord>('containers', name) : []
      if (byPrefix.length > 1) {
        throw new EngineError('invalid_argument', `multiple IDs found with provided prefix: ${idOrName}`, {
          details: { container: idOrName }
        })
      }
      const [only] = byPrefix
      if (only !== undefined) return only.value
      throw new EngineError('not_found', `No such container: ${idOrName}`, { details: { container: idOrName } })
    },

    rename: (id, name) =>
      metadata.transaction(transaction => {
        const record = transaction.get<ContainerRecord>('containers', id)
        if (record === undefined) throw new EngineError('not_found', `No such container: ${id}`, { details: { container: id } })
        claimName(transaction.get<string>('names', name), name)
        transaction.remove('names', record.name)
        transaction.put('names', name, id)
        const renamed = { ...record, name }
        transaction.put('containers', id, renamed)
        return renamed
      }),

    remove: id =>
      metadata.transaction(transaction => {
        const record = transaction.get<ContainerRecord>('containers', id)
        if (record === undefined) return
        transaction.remove('containers', id)
        if (transaction.get<string>('names', record.name) === id) transaction.remove('names', record.name)
      })
  }
}

function claimName(holder: string | undefined, name: string): void {
  if (holder === undefined) return
  throw new EngineError(
    'already_exists',
    `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
    { details: { name, holder } }
  )
}

function freeName(isFree: (name: string) => boolean): string {
  for (let attempt = 0; attempt < nameAttempts; attempt++) {
    const name = generateName(attempt)
    if (isFree(name)) return name
  }
  throw new EngineError('resource_exhausted', 'no free container name was found: give the container a name')
}
