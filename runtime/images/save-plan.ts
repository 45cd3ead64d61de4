import { open } from 'node:fs/promises'
import { EngineError } from '../../src/errors/index.js'
import type { ContentStore } from '../content/content-store.js'
import { chainIdsOf } from '../layers/chain-id.js'
import { compressionOf, signatureBytes } from '../layers/compression.js'
import { type Descriptor, type ImageIndex, parseManifest } from '../registry/manifest.js'
import { isIndexType } from '../registry/media-types.js'
import { choosePlatform, type Platform, parsePlatform } from '../registry/platform.js'
import { canonical, familiar, parseReference, type Reference } from '../registry/reference.js'
import { statementsOf } from './attestations.js'
import { findImage, referencesByImage, type StoredImage, type StoredReference } from './image-records.js'
import type { SaveOptions } from './image-service.js'
import { checkPlatform } from './platform-choice.js'
import type { PullParts } from './pull-image.js'

/** A name in the archive, and what it stands for: a manifest, or the index that it was pulled through. */
export interface SavedName {
  readonly reference: Reference
  readonly target: Descriptor
}

export interface SavedLayer {
  readonly descriptor: Descriptor
  readonly diffId: string
  /** Docker 20.10 reads no zstd: for it the layer is there a second time, as it is unpacked. */
  readonly isZstd: boolean
}

/** An image of the archive. */
export interface SavedImage {
  readonly id: string
  readonly platform: Platform
  readonly manifest: Descriptor
  readonly layers: readonly SavedLayer[]
  readonly names: readonly SavedName[]
  /** Everything that is written for it, byte for byte. */
  readonly blobs: readonly { readonly digest: string; readonly size: number }[]
  readonly chainIds: readonly string[]
}

/**
 * What to write for images: those that a name or an id stands for; a name without a tag stands for all tags of its repository.
 *
 * @throws EngineError `not_found`, `invalid_argument`, `data_loss` where a blob is missing
 */
export async function planSave(namesOrIds: readonly string[], options: SaveOptions, parts: PullParts): Promise<readonly SavedImage[]> {
  const wanted = new Map<string, Map<string, Reference>>()
  for (const nameOrId of namesOrIds) {
    for (const { id, reference } of namedBy(nameOrId, parts)) {
      const names = wanted.get(id) ?? new Map<string, Reference>()
      wanted.set(id, names)
      if (reference !== undefined) names.set(canonical(reference), reference)
    }
  }
  return Promise.all([...wanted].map(([id, names]) => planImage(id, [...names.values()], options, parts)))
}

function namedBy(nameOrId: string, { metadata }: PullParts): readonly { readonly id: string; readonly reference?: Reference }[] {
  const all = repositoryTags(nameOrId, metadata)
  if (all.length > 0) return all
  const { id, reference } = findImage(metadata, nameOrId)
  // A digest is no name that an archive could give back.
  return [{ id, ...(reference !== undefined && reference.digest === undefined && { reference }) }]
}

function repositoryTags(nameOrId: string, metadata: PullParts['metadata']) {
  if (/[@:][^/]*$/.test(nameOrId) || metadata.get('images', `sha256:${nameOrId}`) !== undefined) return []
  let repository: Reference
  try {
    repository = parseReference(nameOrId)
  } catch {
    return []
  }
  const { domain, path } = repository
  return [...referencesByImage(metadata)].flatMap(([id, references]) =>
    references
      .filter(reference => reference.domain === domain && reference.path === path && reference.digest === undefined)
      .map(reference => ({ id, reference }))
  )
}

async function planImage(id: string, names: readonly Reference[], options: SaveOptions, parts: PullParts): Promise<SavedImage> {
  const { metadata, content } = parts
  const stored = metadata.get<StoredImage>('images', id)
  if (stored === undefined) throw new EngineError('not_found', `No such image: ${id}`, { details: { image: id } })
  const { os, architecture, variant, diffIds } = stored
  const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) }
  const name = names[0] === undefined ? id : familiar(names[0])
  checkPlatform(name, platform, options.platform === undefined ? {} : { asked: parsePlatform(options.platform) })
  const { document, descriptor } = await readDocument(content, stored.manifestDigest, name)
  if (document.kind !== 'manifest') throw new EngineError('internal', `${name}: ${stored.manifestDigest} is no manifest`)
  const layers = await Promise.all(
    document.layers.map(async (layer, position) => ({
      descriptor: layer,
      diffId: diffIds[position] ?? '',
      isZstd: await isZstd(content, layer.digest)
    }))
  )
  const targets = await Promise.all(names.map(async reference => ({ reference, ...(await targetOf(reference, descriptor, parts)) })))
  const indexes = targets.flatMap(({ blobs }) => blobs)
  const kept = [...indexes, ...(indexes.length > 0 ? await attestationBlobs(stored, content) : [])]
  return {
    id,
    platform,
    manifest: descriptor,
    layers,
    names: targets.map(({ reference, target }) => ({ reference, target })),
    blobs: await sized(content, [descriptor.digest, ...kept, document.config.digest, ...document.layers.map(({ digest }) => digest)], name),
    chainIds: chainIdsOf(diffIds)
  }
}

/** An index leads to what is attached to its images; without one nobody would find it. */
async function attestationBlobs({ attestations = [] }: StoredImage, content: ContentStore): Promise<readonly string[]> {
  const blobs: string[] = []
  for (const digest of attestations)
    blobs.push(digest, ...statementsOf(await content.read(digest), digest).map(statement => statement.digest))
  return blobs
}

interface Target {
  readonly target: Descriptor
  readonly blobs: readonly string[]
}

/** The index, where this image is what everybody would choose of it here: other readers look for no other one. */
async function targetOf(reference: Reference, manifest: Descriptor, { metadata, content, platform }: PullParts): Promise<Target> {
  const digest = metadata.get<StoredReference>('references', canonical(reference))?.target
  if (digest === undefined || digest === manifest.digest || !(await content.has(digest))) return { target: manifest, blobs: [] }
  const { document, descriptor } = await readDocument(content, digest, familiar(reference))
  if (document.kind !== 'index' || chosenOf(document, platform) !== manifest.digest) return { target: manifest, blobs: [] }
  return { target: descriptor, blobs: [digest] }
}

function chosenOf(index: ImageIndex, platform: Platform): string | undefined {
  // One that lies deeper is not looked for.
  if (index.manifests.some(({ mediaType }) => isIndexType(mediaType))) return undefined
  return choosePlatform(index.manifests, platform)?.digest
}

async function readDocument(content: ContentStore, digest: string, name: string) {
  const bytes = await content.read(digest)
  const document = parseManifest(bytes, { mediaType: undefined, source: `cannot save ${name}` })
  // The reason for the cast: it is a key of the store, which takes nothing but digests.
  const descriptor: Descriptor = { mediaType: document.mediaType, digest: digest as Descriptor['digest'], size: bytes.length }
  return { document, descriptor }
}

async function sized(content: ContentStore, digests: readonly string[], name: string): Promise<SavedImage['blobs']> {
  return Promise.all(
    [...new Set(digests)].map(async digest => {
      const size = await content.sizeOf(digest)
      if (size !== undefined) return { digest, size }
      throw new EngineError('data_loss', `cannot save ${name}: its blob ${digest} is missing in the store; pull it again`, {
        details: { image: name, digest }
      })
    })
  )
}

/** The bytes decide, as everywhere: a media type may lie. */
async function isZstd(content: ContentStore, digest: string): Promise<boolean> {
  const file = await open(content.path(digest), 'r').catch(() => undefined)
  // That it is missing is told with all that are.
  if (file === undefined) return false
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(signatureBytes), 0, signatureBytes, 0)
    return compressionOf(buffer.subarray(0, bytesRead), '') === 'zstd'
  } finally {
    await file.close()
  }
}
