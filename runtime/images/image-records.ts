import { EngineError } from '../../src/errors/index.js'
import { chainIdsOf } from '../layers/chain-id.js'
import type { MetadataStore, Transaction } from '../metadata/metadata-store.js'
import { canonical, familiar, familiarName, parseReference, type Reference, withDigest } from '../registry/reference.js'
import type { ImageRecord } from './image-service.js'

/** An image as it is stored in table `images` under its id. What depends on references is derived when it is read. */
export interface StoredImage extends Omit<ImageRecord, 'id' | 'tags' | 'repoDigests' | 'chainId'> {
  /** Everything in the content store that is kept for it: indexes, manifest, configuration, layers. */
  readonly blobs: readonly string[]
  /** Digests of the manifests of what a builder attached to it. */
  readonly attestations?: readonly string[]
}

/** Table `references`, by canonical reference: `docker.io/library/alpine:latest`, `docker.io/library/alpine@sha256:...`. */
export interface StoredReference {
  /** The manifest or index that it names. */
  readonly target: string
  readonly imageId: string
}

/** What a caller's word stands for. */
export interface FoundImage {
  readonly id: string
  /** The reference by which it was found; undefined when by id. */
  readonly reference?: Reference
}

/** The part of a store or a transaction that reads. */
type Reader = Pick<Transaction, 'get' | 'list'>

/**
 * Find an image by reference in any spelling, by id, or by an unambiguous prefix of one; a name wins over a prefix, as in Docker.
 *
 * @throws EngineError `not_found`, `invalid_argument` (ambiguous, or neither a name nor an id)
 */
export function findImage(reader: Reader, nameOrId: string): FoundImage {
  const hex = /^(?:sha256:)?([0-9a-f]{1,64})$/.exec(nameOrId)?.[1]
  if (hex?.length === 64 && reader.get('images', `sha256:${hex}`) !== undefined) return { id: `sha256:${hex}` }
  // An id looks like a name (`sha256:ab12` even like one with a tag), so a bad name is only an error when it is no id either.
  const reference = hex?.length === 64 || (hex !== undefined && nameOrId.startsWith('sha256:')) ? undefined : readReference(nameOrId, hex)
  if (reference !== undefined) {
    const key = canonical(reference)
    const stored = reader.get<StoredReference>('references', key)
    if (stored !== undefined) return { id: stored.imageId, reference }
  }
  const matches = hex === undefined ? [] : reader.list<StoredImage>('images', `sha256:${hex}`)
  if (matches.length > 1) {
    throw new EngineError(
      'invalid_argument',
      `the image id prefix ${nameOrId} is ambiguous: ${matches.length} images begin with it; give more digits`,
      {
        details: { image: nameOrId, matches: matches.map(({ key }) => key) }
      }
    )
  }
  const [only] = matches
  if (only !== undefined) return { id: only.key }
  const name = reference === undefined ? nameOrId : familiar(reference)
  throw new EngineError('not_found', `No such image: ${name}`, { details: { image: name } })
}

function readReference(text: string, hex: string | undefined): Reference | undefined {
  try {
    const reference = parseReference(text)
    // With both, the tag says nothing that the digest does not.
    return reference.digest === undefined ? reference : withDigest(reference, reference.digest)
  } catch (error) {
    if (hex !== undefined) return undefined
    throw error
  }
}

/** References by the image they name, each list sorted: tags before digests of the same repository. */
export function referencesByImage(reader: Reader): ReadonlyMap<string, readonly Reference[]> {
  const byImage = new Map<string, Reference[]>()
  for (const { key, value } of reader.list<StoredReference>('references')) {
    const known = byImage.get(value.imageId)
    const reference = parseReference(key)
    if (known === undefined) byImage.set(value.imageId, [reference])
    else known.push(reference)
  }
  return byImage
}

/** @throws EngineError `invalid_argument` for a name that could not be told from an id */
export function checkNewName(reference: Reference): void {
  if (familiarName(reference) !== 'sha256') return
  throw new EngineError('invalid_argument', 'refusing to create an ambiguous tag using digest algorithm as name', {
    details: { reference: familiar(reference) }
  })
}

/** What is known of an image only here, and stays when it comes in again. */
export function keptFacts(known: StoredImage | undefined): Pick<StoredImage, 'parentId' | 'lastTaggedAt'> {
  const { parentId, lastTaggedAt } = known ?? {}
  return { ...(parentId !== undefined && { parentId }), ...(lastTaggedAt !== undefined && { lastTaggedAt }) }
}

/** A stored image with what its references add. */
export function toRecord(id: string, stored: StoredImage, references: readonly Reference[]): ImageRecord {
  const { blobs: _blobs, attestations: _attestations, ...fields } = stored
  const chainId = chainIdsOf(stored.diffIds).at(-1)
  return {
    ...fields,
    id,
    tags: references.filter(({ digest }) => digest === undefined).map(familiar),
    repoDigests: references.filter(({ digest }) => digest !== undefined).map(familiar),
    ...(chainId === undefined ? {} : { chainId })
  }
}

/** @throws EngineError `not_found` */
export function readRecord(store: MetadataStore, id: string): ImageRecord {
  const stored = store.get<StoredImage>('images', id)
  if (stored === undefined) throw new EngineError('not_found', `No such image: ${id}`, { details: { image: id } })
  return toRecord(id, stored, referencesByImage(store).get(id) ?? [])
}
