import { EngineError } from '../../src/errors/index.js'
import type { MetadataStore, Transaction } from '../metadata/metadata-store.js'

/** What can be read of records: the store itself, or a transaction. */
export type RecordReader = Pick<MetadataStore, 'get' | 'list'>

/** In table `layers` under its chain ID: a layer that never changes. */
export interface CommittedLayer {
  readonly kind: 'committed'
  /** The directory's name (layout.ts). */
  readonly name: string
  readonly parent?: string
  readonly diffId: string
  readonly sizeBytes: number
  /** The boot it was committed in: after another one it counts only if it is known to be on the disk. */
  readonly boot: string
  /** It hides everything below it. Overlayfs knows no opaque root, so mounts end here. */
  readonly opaque?: boolean
}

/** In table `layers` under `writable:<id>`: a container's own layer. */
export interface WritableLayer {
  readonly kind: 'writable'
  readonly name: string
  readonly base: LayerBase
}

/** What a read-write layer stands on; directories topmost first. */
export type LayerBase = { readonly chainId: string } | { readonly directories: readonly string[] }

const writablePrefix = 'writable:'
const nextNumberKey = 'snapshots/next'

export function committedLayer(reader: RecordReader, chainId: string): CommittedLayer | undefined {
  return reader.get<CommittedLayer>('layers', chainId)
}

export function writableLayer(reader: RecordReader, id: string): WritableLayer | undefined {
  return reader.get<WritableLayer>('layers', writableKey(id))
}

/** @throws EngineError `not_found` */
export function existingWritableLayer(reader: RecordReader, id: string): WritableLayer {
  const record = writableLayer(reader, id)
  if (record === undefined) throw new EngineError('not_found', `there is no read-write layer ${id}`, { details: { id } })
  return record
}

export function writableKey(id: string): string {
  return writablePrefix + id
}

export interface LayerRow {
  readonly key: string
  readonly value: CommittedLayer | WritableLayer
}

export function allLayers(reader: RecordReader): readonly LayerRow[] {
  return reader.list<CommittedLayer | WritableLayer>('layers')
}

/** Keys of the layers that stand directly on this one. */
export function standingOn(reader: RecordReader, chainId: string): readonly string[] {
  return allLayers(reader)
    .filter(({ value }) =>
      value.kind === 'committed' ? value.parent === chainId : 'chainId' in value.base && value.base.chainId === chainId
    )
    .map(({ key }) => key)
}

/** A number that no layer of this data root ever had. */
export function takeNumber(transaction: Transaction): number {
  const number = transaction.get<number>('meta', nextNumberKey) ?? 1
  transaction.put('meta', nextNumberKey, number + 1)
  return number
}

/**
 * A layer and all it stands on, topmost first.
 *
 * @throws EngineError `not_found` for one that is missing
 */
export function chainOf(reader: RecordReader, chainId: string): readonly CommittedLayer[] {
  const chain: CommittedLayer[] = []
  for (let next: string | undefined = chainId; next !== undefined; ) {
    const layer = committedLayer(reader, next)
    if (layer === undefined) throw missingLayer(next)
    chain.push(layer)
    if (layer.opaque) break
    next = layer.parent
  }
  return chain
}

export function missingLayer(chainId: string): EngineError {
  return new EngineError('not_found', `layer ${chainId} is not here any more: pull the image it belongs to again`, { details: { chainId } })
}
