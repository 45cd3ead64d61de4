import { EngineError } from '../../src/errors/index.js'
import type { ContentStore } from '../content/content-store.js'
import type { MetadataStore } from '../metadata/metadata-store.js'
import { type Descriptor, type ImageManifest, parseManifest } from '../registry/manifest.js'
import { isManifestType } from '../registry/media-types.js'
import type { Platform } from '../registry/platform.js'
import { canonical } from '../registry/reference.js'
import { referencesByImage, type StoredImage, type StoredReference } from './image-records.js'
import type { ImageManifests, ManifestFacts } from './manifest-facts.js'

interface Parts {
  readonly content: ContentStore
  readonly metadata: MetadataStore
}

/** See `ImageService.manifests`. An index that lies in another one is told as `unknown`. */
export async function listManifests(imageId: string, { content, metadata }: Parts): Promise<ImageManifests> {
  const stored = metadata.get<StoredImage>('images', imageId)
  if (stored === undefined) throw new EngineError('not_found', `No such image: ${imageId}`, { details: { image: imageId } })
  const [name] = referencesByImage(metadata).get(imageId) ?? []
  const named = name === undefined ? undefined : metadata.get<StoredReference>('references', canonical(name))?.target
  const digest = named !== undefined && (await content.has(named)) ? named : stored.manifestDigest
  const bytes = await content.read(digest)
  const document = parseManifest(bytes, { mediaType: undefined, source: `image ${imageId}` })
  // The reason for the cast: it is a key of the store, which takes nothing but digests.
  const target: Descriptor = { mediaType: document.mediaType, digest: digest as Descriptor['digest'], size: bytes.length }
  const images = new Map(metadata.list<StoredImage>('images').map(({ key, value }) => [value.manifestDigest, { id: key, stored: value }]))
  if (document.kind === 'manifest') images.set(digest, { id: imageId, stored })
  const listed = document.kind === 'index' ? document.manifests : [target]
  return { target, manifests: await Promise.all(listed.map(descriptor => factsOf(descriptor, images, content))) }
}

async function factsOf(
  descriptor: Descriptor,
  images: ReadonlyMap<string, { readonly id: string; readonly stored: StoredImage }>,
  content: ContentStore
): Promise<ManifestFacts> {
  const subject = subjectOf(descriptor)
  const kind = !isManifestType(descriptor.mediaType) ? 'unknown' : subject === undefined ? 'image' : 'attestation'
  const { contentBytes, isAvailable } = await held(descriptor, content)
  const image = kind === 'image' ? images.get(descriptor.digest) : undefined
  const platform = descriptor.platform ?? (image && platformOf(image.stored))
  return {
    descriptor,
    kind,
    isAvailable,
    contentBytes,
    unpackedBytes: image?.stored.sizeBytes ?? 0,
    ...(kind === 'image' && platform !== undefined && { platform }),
    ...(image !== undefined && { imageId: image.id }),
    ...(subject !== undefined && { subject })
  }
}

function subjectOf({ annotations = {} }: Descriptor): string | undefined {
  return annotations['vnd.docker.reference.type'] === 'attestation-manifest' ? annotations['vnd.docker.reference.digest'] : undefined
}

function platformOf({ os, architecture, variant }: StoredImage): Platform {
  return { os, architecture, ...(variant !== undefined && { variant }) }
}

/** The manifest and what it lists. */
async function held(
  descriptor: Descriptor,
  content: ContentStore
): Promise<{ readonly contentBytes: number; readonly isAvailable: boolean }> {
  if (!(await content.has(descriptor.digest))) return { contentBytes: 0, isAvailable: false }
  const document = parseManifest(await content.read(descriptor.digest), { mediaType: descriptor.mediaType, source: descriptor.digest })
  const blobs = document.kind === 'manifest' ? blobsOf(document) : []
  const sizes = await Promise.all([descriptor.digest, ...blobs].map(digest => content.sizeOf(digest)))
  return { contentBytes: sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0), isAvailable: !sizes.includes(undefined) }
}

function blobsOf({ config, layers }: ImageManifest): readonly string[] {
  return [...new Set([config, ...layers].map(({ digest }) => digest))]
}
