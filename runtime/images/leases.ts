import { randomUUID } from 'node:crypto'
import { crashPoint } from '../../src/util/crash-point.js'
import { currentProcess, isAlive, type ProcessIdentity } from '../host/process-identity.js'
import { chainIdsOf } from '../layers/chain-id.js'
import type { MetadataStore, Transaction } from '../metadata/metadata-store.js'
import type { StoredImage } from './image-records.js'

/** Content that is in use, or no longer: blobs by digest, layers by chain ID, the bottom one first. */
export interface Holding {
  readonly digests: readonly string[]
  readonly chainIds: readonly string[]
}

/**
 * Work in progress on content that no image record names yet. Stored in table `meta` under `lease/<uuid>`; it holds as long
 * as its owner lives and has not ended it.
 */
export interface Lease extends Holding {
  readonly owner: ProcessIdentity
  /** Canonical reference of what is being pulled. */
  readonly reference: string
  /** Milliseconds since 1970. */
  readonly takenAt: number
}

/** Content that somebody gave up and nobody has removed yet. In table `meta` under `garbage/<uuid>`, so that it outlives a crash. */
export type Garbage = Holding

const leasePrefix = 'lease/'
const garbagePrefix = 'garbage/'

/** Hold content until {@link endLease} or {@link abandonLease}. @returns the lease's key */
export async function takeLease(metadata: MetadataStore, holding: Holding & { readonly reference: string }): Promise<string> {
  const key = leasePrefix + randomUUID()
  const lease: Lease = { owner: currentProcess(), takenAt: Date.now(), ...holding }
  await metadata.transaction(transaction => transaction.put('meta', key, lease))
  crashPoint('lease.taken')
  return key
}

/** In the transaction that stores the image: from here on its record holds the content. */
export function endLease(transaction: Transaction, key: string): void {
  transaction.remove('meta', key)
}

/** Give up: what only this lease held is garbage. @returns the garbage's key */
export async function abandonLease(metadata: MetadataStore, key: string): Promise<string | undefined> {
  const garbage = await metadata.transaction(transaction => {
    const lease = transaction.get<Lease>('meta', key)
    if (lease === undefined) return undefined
    transaction.remove('meta', key)
    return putGarbage(transaction, lease)
  })
  crashPoint('lease.abandoned')
  return garbage
}

/** Which leases of dead processes are meant. */
export interface DeadLeases {
  /** Only those that pulled this. */
  readonly reference?: string
  /** Only those taken before: what a younger one brought in is for whoever pulls again. */
  readonly before?: number
}

/** Turn the leases of dead processes into garbage. @returns the garbage's keys */
export async function abandonDeadLeases(metadata: MetadataStore, { reference, before }: DeadLeases = {}): Promise<readonly string[]> {
  const isMeant = (lease: Lease) =>
    (reference === undefined || lease.reference === reference) && (before === undefined || lease.takenAt < before) && !isAlive(lease.owner)
  const dead = metadata.list<Lease>('meta', leasePrefix).filter(({ value }) => isMeant(value))
  const keys = await Promise.all(dead.map(({ key }) => abandonLease(metadata, key)))
  return keys.filter(key => key !== undefined)
}

/** @returns its key */
export function putGarbage(transaction: Transaction, { digests, chainIds }: Holding): string {
  const key = garbagePrefix + randomUUID()
  const garbage: Garbage = { digests, chainIds }
  transaction.put('meta', key, garbage)
  return key
}

export function listGarbage(metadata: MetadataStore): readonly { readonly key: string; readonly value: Garbage }[] {
  return metadata.list<Garbage>('meta', garbagePrefix)
}

/** What is in use now: by images, and by leases whose owners live. */
export function liveContent(metadata: MetadataStore): { readonly digests: ReadonlySet<string>; readonly chainIds: ReadonlySet<string> } {
  const digests = new Set<string>()
  const chainIds = new Set<string>()
  const hold = (holding: Holding) => {
    for (const digest of holding.digests) digests.add(digest)
    for (const chainId of holding.chainIds) chainIds.add(chainId)
  }
  for (const { key, value } of metadata.list<StoredImage>('images')) hold(imageHolding(key, value))
  for (const { value } of metadata.list<Lease>('meta', leasePrefix)) {
    if (isAlive(value.owner)) hold(value)
  }
  return { digests, chainIds }
}

/** What an image record holds. */
export function imageHolding(id: string, { blobs, diffIds }: StoredImage): Holding {
  return { digests: [...new Set([id, ...blobs])], chainIds: chainIdsOf(diffIds) }
}
