import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { runtimePaths } from '../../../runtime/containers/runtime-paths.js'
import type { StoredImage, StoredReference } from '../../../runtime/images/image-records.js'
import { imageHolding } from '../../../runtime/images/leases.js'
import { openMetadataStore } from '../../../runtime/metadata/lmdb-store.js'
import { type CommittedLayer, committedLayer } from '../../../runtime/snapshots/layer-records.js'
import { snapshotLayout } from '../../../runtime/snapshots/layout.js'

/** A data root without an engine on it: what its records name, and what is on its disk. */
export interface StoreView {
  /** Canonical references, sorted. */
  readonly references: readonly string[]
  /** What records of images need and is not there, or not as its digest says. */
  readonly broken: readonly string[]
  /** On disk, and named by no image and no container. */
  readonly unreferenced: readonly string[]
  /** Work that is not over: leases, and what was given up and not removed yet. */
  readonly unfinished: readonly string[]
}

export async function viewStore(root: string): Promise<StoreView> {
  const paths = runtimePaths(root)
  const metadata = await openMetadataStore({ path: paths.metadata })
  try {
    const images = metadata.list<StoredImage>('images')
    const holdings = images.map(({ key, value }) => imageHolding(key, value))
    const digests = new Set(holdings.flatMap(holding => holding.digests))
    const layers = new Map(
      holdings.flatMap(holding => holding.chainIds).map(chainId => [chainId, committedLayer(metadata, chainId)] as const)
    )
    const references = metadata.list<StoredReference>('references')
    const recorded = new Set(metadata.list<{ readonly name: string }>('layers').map(({ value }) => value.name))
    const dangling = references.filter(({ value }) => !images.some(({ key }) => key === value.imageId))
    return {
      references: references.map(({ key }) => key).sort(),
      broken: [
        ...dangling.map(({ key }) => `reference ${key}`),
        ...(await brokenBlobs(paths.content, digests)),
        ...(await brokenLayers(root, layers))
      ],
      unreferenced: [
        ...(await filesIn(join(paths.content, 'blobs', 'sha256'))).filter(hex => !digests.has(`sha256:${hex}`)),
        ...metadata
          .list<CommittedLayer>('layers')
          .map(({ key }) => key)
          .filter(key => !layers.has(key)),
        ...(await filesIn(join(root, 'snapshots'))).filter(name => name !== 'tmp' && !recorded.has(name)),
        ...(await filesIn(join(root, 'snapshots', 'tmp'))),
        ...(await filesIn(join(paths.content, 'ingest'))),
        ...(await filesIn(paths.trash)),
        ...(await filesIn(join(root, 'containers')))
      ],
      unfinished: metadata
        .list('meta')
        .map(({ key }) => key)
        .filter(key => /^(?:lease|garbage)\//.test(key))
    }
  } finally {
    await metadata.close()
  }
}

async function brokenBlobs(content: string, digests: ReadonlySet<string>): Promise<readonly string[]> {
  const broken: string[] = []
  for (const digest of digests) {
    const bytes = await readFile(join(content, 'blobs', ...digest.split(':'))).catch(() => undefined)
    const actual = bytes && `sha256:${createHash('sha256').update(bytes).digest('hex')}`
    if (actual !== digest) broken.push(`blob ${digest}: ${actual ?? 'missing'}`)
  }
  return broken
}

async function brokenLayers(root: string, layers: ReadonlyMap<string, CommittedLayer | undefined>): Promise<readonly string[]> {
  const broken: string[] = []
  for (const [chainId, layer] of layers) {
    const files = layer && (await stat(snapshotLayout(root).files(layer.name)).catch(() => undefined))
    if (files === undefined) broken.push(`layer ${chainId}`)
  }
  return broken
}

async function filesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => [])
}
