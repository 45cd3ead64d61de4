import { EngineError } from '../../src/errors/index.js'
import { isAlive } from '../host/process-identity.js'
import type { MetadataStore, Transaction } from '../metadata/metadata-store.js'
import type { VolumeFolders } from './volume-folders.js'
import type { VolumeRecord, VolumeUser } from './volume-record.js'

/**
 * Records of volumes, their folders, and every decision about them: each in one transaction, so that processes agree. A record's folder
 * is made, and put aside, inside the transaction, because both are one quick call: a record that is seen has its folder.
 */
export class VolumeStore {
  readonly #metadata: MetadataStore
  readonly #folders: VolumeFolders

  constructor(metadata: MetadataStore, folders: VolumeFolders) {
    this.#metadata = metadata
    this.#folders = folders
  }

  find(name: string): VolumeRecord | undefined {
    return this.#metadata.get<VolumeRecord>('volumes', name)
  }

  list(): readonly VolumeRecord[] {
    return this.#metadata.list<VolumeRecord>('volumes').map(({ value }) => value)
  }

  /** Ids of the containers that use each volume. */
  users(): ReadonlyMap<string, readonly string[]> {
    return usersOf(this.#metadata)
  }

  /** Those of the names that are not there are made. @returns all of them in this order, and which are new */
  ensure(wanted: readonly VolumeRecord[]): Promise<readonly { readonly record: VolumeRecord; readonly isNew: boolean }[]> {
    return this.#metadata.transaction(transaction =>
      wanted.map(record => {
        const found = transaction.get<VolumeRecord>('volumes', record.name)
        if (found !== undefined) return { record: found, isNew: false }
        this.#folders.make(record.name)
        transaction.put('volumes', record.name, record)
        return { record, isNew: true }
      })
    )
  }

  /**
   * Remove the record of a volume that no container uses.
   *
   * @param except a container that does not count, because it is going itself
   * @returns the folder that was put aside, where there was one; undefined when there is no such volume
   * @throws EngineError `conflict` while a container uses it
   */
  remove(name: string, except?: string): Promise<{ readonly aside: string | undefined; readonly mayBeMounted: boolean } | undefined> {
    return this.#metadata.transaction(transaction => {
      const record = transaction.get<VolumeRecord>('volumes', name)
      if (record === undefined) return undefined
      const users = (usersOf(transaction).get(name) ?? []).filter(id => id !== except)
      if (users.length > 0) {
        throw new EngineError('conflict', `remove ${name}: volume is in use - [${users.join(', ')}]`, { details: { volume: name, users } })
      }
      transaction.remove('volumes', name)
      // Whoever was the last to have it mounted may have written so, and not have unmounted it yet: it will not find it under its name any more.
      return { aside: this.#folders.putAside(name), mayBeMounted: record.mountedBy !== undefined }
    })
  }

  /** Change who has a volume's file system mounted. @returns those who have now; undefined when there is no such volume */
  setMounters(name: string, change: (users: readonly string[]) => readonly string[]): Promise<readonly string[] | undefined> {
    return this.#metadata.transaction(transaction => {
      const record = transaction.get<VolumeRecord>('volumes', name)
      if (record === undefined) return undefined
      const mountedBy = change(record.mountedBy ?? [])
      transaction.put('volumes', name, { ...record, mountedBy })
      return mountedBy
    })
  }

  /** Whether a container may have something mounted: it runs, or its engine may be about to start it. */
  isInUse(containerId: string): boolean {
    const user = this.#metadata.get<VolumeUser>('containers', containerId)
    return user !== undefined && (!['created', 'exited', 'dead'].includes(user.state.status) || isAlive(user.owner))
  }

  /** Folders without a record, put aside: a process was killed between the two. */
  async putOrphansAside(): Promise<void> {
    const isOrphan = (reader: Pick<Transaction, 'get'>) => (name: string) => reader.get('volumes', name) === undefined
    if (!this.#folders.list().names.some(isOrphan(this.#metadata))) return
    await this.#metadata.transaction(transaction => {
      for (const name of this.#folders.list().names.filter(isOrphan(transaction))) this.#folders.putAside(name)
    })
  }

  /** Volumes of sessions whose process is gone. */
  orphans(): readonly VolumeRecord[] {
    return this.list().filter(({ session }) => session !== undefined && !isAlive(session.owner))
  }
}

function usersOf(reader: Pick<Transaction, 'list'>): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>()
  for (const { value } of reader.list<VolumeUser>('containers')) {
    const names = new Set((value.mounts ?? []).flatMap(mount => (mount.type === 'volume' ? [mount.name] : [])))
    for (const name of names) users.set(name, [...(users.get(name) ?? []), value.id])
  }
  return users
}
