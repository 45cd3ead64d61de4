import { EngineError } from '../../src/errors/index.js'
import { crashPoint } from '../../src/util/crash-point.js'
import type { ContentStore } from '../content/content-store.js'
import type { MetadataStore } from '../metadata/metadata-store.js'
import type { Snapshotter } from '../snapshots/snapshotter.js'
import { compressedKey } from './compressed-layers.js'
import type { DigestLocks } from './digest-locks.js'
import { type Garbage, liveContent } from './leases.js'

export interface CollectorParts {
  readonly content: ContentStore
  readonly metadata: MetadataStore
  readonly snapshotter: Snapshotter
  readonly locks: DigestLocks
}

/** Removal is never given up half-way for a caller's sake; the locks it waits for are held by downloads, which end. */
const never = new AbortController().signal

/**
 * Remove what a garbage record lists, if nothing holds it: no image, no lease of a living process.
 *
 * Safe beside pulls of other processes. A pull takes a lease before it looks at what is there, and takes the lock of whatever it
 * brings in; here each piece is looked up again and removed under that same lock. A layer that a pull found and that goes before the
 * pull ends is noticed in the pull's last transaction, which then starts over.
 *
 * A layer that something still stands on (a container, another layer) stays, and so does the record, without what is gone.
 *
 * @returns chain IDs of the layers removed, topmost first
 */
export async function collectGarbage(key: string, parts: CollectorParts): Promise<readonly string[]> {
  const garbage = parts.metadata.get<Garbage>('meta', key)
  if (garbage === undefined) return []
  const removed: string[] = []
  const kept: string[] = []
  for (const chainId of [...garbage.chainIds].reverse()) {
    const outcome = await removeLayer(chainId, parts)
    if (outcome === 'removed') removed.push(chainId)
    if (outcome === 'needed') kept.unshift(chainId)
  }
  crashPoint('garbage.layers-gone')
  for (const digest of garbage.digests) await removeBlob(digest, parts)
  crashPoint('garbage.blobs-gone')
  await parts.metadata.transaction(transaction => {
    for (const digest of garbage.digests) transaction.remove('meta', compressedKey(digest))
    if (kept.length === 0) transaction.remove('meta', key)
    else transaction.put<Garbage>('meta', key, { digests: [], chainIds: kept })
  })
  crashPoint('garbage.recorded')
  return removed
}

async function removeLayer(chainId: string, { metadata, snapshotter, locks }: CollectorParts): Promise<'removed' | 'held' | 'needed'> {
  // Most of what an image leaves is shared with others: that needs no lock to see.
  if (liveContent(metadata).chainIds.has(chainId) || !snapshotter.has(chainId)) return 'held'
  const lock = await locks.layer(chainId, { signal: never })
  try {
    if (liveContent(metadata).chainIds.has(chainId) || !snapshotter.has(chainId)) return 'held'
    await snapshotter.removeLayer(chainId)
    return 'removed'
  } catch (error) {
    if (EngineError.is(error) && error.code === 'conflict') return 'needed'
    throw error
  } finally {
    lock.release()
  }
}

async function removeBlob(digest: string, { metadata, content, locks }: CollectorParts): Promise<void> {
  if (liveContent(metadata).digests.has(digest)) return
  const lock = await locks.blob(digest, { signal: never })
  try {
    if (!liveContent(metadata).digests.has(digest)) await content.remove(digest)
  } finally {
    lock.release()
  }
}
