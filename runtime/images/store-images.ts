import { EngineError } from '../../src/errors/index.js'
import { crashPoint } from '../../src/util/crash-point.js'
import { chainIdsOf } from '../layers/chain-id.js'
import type { Transaction } from '../metadata/metadata-store.js'
import type { ArchivedImage, ArchivedLayer } from './archived-image.js'
import { collectGarbage } from './collect-garbage.js'
import { keptFacts, type StoredImage, type StoredReference } from './image-records.js'
import { abandonLease, endLease, takeLease } from './leases.js'
import type { PullParts } from './pull-image.js'
import type { TakenLayer } from './take-layer.js'

const maximumRounds = 3

/**
 * Make images visible, all or none: their blobs, their layers, then records and names in one transaction. A lease holds everything
 * meanwhile, so that a process that dies here leaves only what the next one collects.
 *
 * @returns names that meant another image before, with its id
 * @throws EngineError `unavailable` where somebody removed a part meanwhile; as the parts do; the signal's reason on abort
 */
export async function storeImages(
  images: readonly ArchivedImage[],
  signal: AbortSignal,
  parts: PullParts
): Promise<ReadonlyMap<string, string>> {
  const lease = await takeLease(parts.metadata, {
    reference: 'load',
    digests: [...new Set(images.flatMap(blobsOf))],
    chainIds: [...new Set(images.flatMap(({ config }) => chainIdsOf(config.diffIds)))]
  })
  try {
    for (const image of images) await storeBlobs(image, signal, parts)
    crashPoint('load.blobs-stored')
    for (let round = 1; ; round++) {
      for (const image of images) await storeLayers(image, signal, parts)
      crashPoint('load.layers-stored')
      const renamed = await parts.metadata.transaction(transaction => record(transaction, { images, lease, parts }))
      if (renamed !== undefined) {
        crashPoint('image.recorded')
        return renamed
      }
      if (round === maximumRounds) throw removedMeanwhile('layers')
    }
  } catch (error) {
    const garbage = await abandonLease(parts.metadata, lease)
    if (garbage !== undefined) await collectGarbage(garbage, parts)
    throw error
  }
}

function blobsOf({ documents, layers, extraLayers = [] }: ArchivedImage): readonly string[] {
  return [...documents, ...layers, ...extraLayers].map(({ digest }) => digest)
}

async function storeBlobs({ documents, layers, extraLayers = [] }: ArchivedImage, signal: AbortSignal, parts: PullParts): Promise<void> {
  const { content, locks } = parts
  for (const { digest, bytes } of documents) {
    const lock = await locks.blob(digest, { signal })
    try {
      if (!(await content.has(digest))) await content.ingest({ digest }, once(bytes), { signal })
    } finally {
      lock.release()
    }
  }
  for (const { digest, taken } of [...layers, ...extraLayers]) {
    const lock = await locks.blob(digest, { signal })
    try {
      if (await content.has(digest)) await taken?.blob.abort()
      else if (taken === undefined) throw removedMeanwhile(digest)
      else await taken.blob.commit()
    } finally {
      lock.release()
    }
  }
}

async function storeLayers({ config, layers }: ArchivedImage, signal: AbortSignal, parts: PullParts): Promise<void> {
  const chainIds = chainIdsOf(config.diffIds)
  for (const [position, layer] of layers.entries()) {
    const chainId = chainIds[position] ?? ''
    if (parts.snapshotter.has(chainId)) continue
    const lock = await parts.locks.layer(chainId, { signal })
    try {
      signal.throwIfAborted()
      const parent = chainIds[position - 1]
      const place = { chainId, diffId: config.diffIds[position] ?? '', ...(parent !== undefined && { parent }) }
      if (!parts.snapshotter.has(chainId)) await storeLayer(place, { layer, signal, parts })
    } finally {
      lock.release()
    }
  }
}

const placed = new WeakSet<TakenLayer>()

async function storeLayer(
  place: { readonly chainId: string; readonly parent?: string; readonly diffId: string },
  { layer, signal, parts }: { readonly layer: ArchivedLayer; readonly signal: AbortSignal; readonly parts: PullParts }
): Promise<void> {
  const { taken } = layer
  // One archive may be several layers: the same changes on top of different ones.
  if (taken !== undefined && !placed.has(taken)) {
    placed.add(taken)
    await taken.place.commit({ ...place, sizeBytes: taken.unpackedBytes })
    return
  }
  const prepared = await parts.snapshotter.prepareUnplaced()
  try {
    const source = parts.content.stream(layer.digest)
    const { diffId, sizeBytes } = await parts.unpack(source, { mediaType: layer.mediaType, directory: prepared.directory, signal })
    if (diffId !== place.diffId) {
      throw new EngineError('data_loss', `invalid diffID for layer ${layer.digest}: expected "${place.diffId}", got "${diffId}"`, {
        details: { layer: layer.digest, expected: place.diffId, actual: diffId }
      })
    }
    await prepared.commit({ ...place, sizeBytes })
  } catch (error) {
    await prepared.abort()
    throw error
  }
}

interface Recording {
  readonly images: readonly ArchivedImage[]
  readonly lease: string
  readonly parts: PullParts
}

/** @returns undefined when a layer that was there has been removed since */
function record(transaction: Transaction, { images, lease, parts }: Recording): ReadonlyMap<string, string> | undefined {
  const renamed = new Map<string, string>()
  for (const image of images) {
    const chainIds = chainIdsOf(image.config.diffIds)
    if (!chainIds.every(chainId => parts.snapshotter.has(chainId))) return undefined
  }
  for (const image of images) {
    const sizes = chainIdsOf(image.config.diffIds).map(chainId => sizeOf(transaction, chainId))
    const known = transaction.get<StoredImage>('images', image.id)
    const parent = images.find(({ id }) => id === image.parentId)
    const isParentHere = parent !== undefined && canBeParent(parent, image)
    transaction.put<StoredImage>('images', image.id, {
      ...image.config,
      ...keptFacts(known),
      ...(isParentHere && { parentId: image.parentId }),
      ...(image.lastTaggedAt !== undefined && { lastTaggedAt: image.lastTaggedAt }),
      // Where the image is here already, what it was pulled under stays.
      manifestDigest: known?.manifestDigest ?? image.manifestDigest,
      sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
      ...withAttestations(known?.attestations ?? [], image.attestations ?? []),
      blobs: [...new Set([...(known?.blobs ?? []), ...blobsOf(image)])]
    })
    for (const [name, target] of image.names) {
      const before = transaction.get<StoredReference>('references', name)
      if (before !== undefined && before.imageId !== image.id) renamed.set(name, before.imageId)
      transaction.put<StoredReference>('references', name, { target, imageId: image.id })
    }
  }
  endLease(transaction, lease)
  crashPoint('image.recording')
  return renamed
}

/**
 * Whether one image can be what another one was made of, whatever the archive says: two that were each other's parents, or one that was its own, could never
 * be removed.
 */
function canBeParent({ config: parent }: ArchivedImage, { config: child }: ArchivedImage): boolean {
  const isBelow = parent.diffIds.every((diffId, position) => child.diffIds[position] === diffId)
  const steps = child.history.length - parent.history.length
  return isBelow && (steps > 0 || (steps === 0 && child.diffIds.length > parent.diffIds.length))
}

function withAttestations(known: readonly string[], added: readonly string[]): Pick<StoredImage, 'attestations'> {
  const attestations = [...new Set([...known, ...added])]
  return attestations.length > 0 ? { attestations } : {}
}

function sizeOf(transaction: Transaction, chainId: string): number {
  return transaction.get<{ readonly sizeBytes?: number }>('layers', chainId)?.sizeBytes ?? 0
}

function removedMeanwhile(what: string): EngineError {
  return new EngineError('unavailable', `cannot load the archive: ${what} that were here have been removed meanwhile; try again`)
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
