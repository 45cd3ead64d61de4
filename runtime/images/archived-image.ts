import { EngineError } from '../../src/errors/index.js'
import type { Compression } from '../layers/compression.js'
import { digestOf } from '../registry/digest.js'
import { mediaTypes } from '../registry/media-types.js'
import type { ArchiveIntake, ArchivePiece } from './archive-intake.js'
import type { ParsedImageConfig } from './image-config.js'
import type { TakenLayer } from './take-layer.js'

/** A small blob: index, manifest, configuration. */
export interface ArchivedDocument {
  readonly digest: string
  readonly bytes: Uint8Array
}

/** A layer of an image in an archive. */
export interface ArchivedLayer {
  readonly digest: string
  readonly sizeBytes: number
  readonly mediaType: string
  /** Undefined for one that the store has already. */
  readonly taken?: TakenLayer
}

/** An image of an archive, everything of it found and its shape checked. */
export interface ArchivedImage {
  /** Digest of the configuration. */
  readonly id: string
  readonly config: ParsedImageConfig
  readonly manifestDigest: string
  readonly layers: readonly ArchivedLayer[]
  /** Other forms of its layers, of other manifests of the same image. */
  readonly extraLayers?: readonly ArchivedLayer[]
  /** To be stored with it: indexes, manifest, configuration. */
  readonly documents: readonly ArchivedDocument[]
  /** Digests of manifests of what a builder attached to it. */
  readonly attestations?: readonly string[]
  /** Canonical references, and what each names: the manifest or an index that has it. */
  readonly names: ReadonlyMap<string, string>
  /** When its names were given, where that is not long ago and elsewhere. RFC 3339. */
  readonly lastTaggedAt?: string
  /** The image it was made of, where that is in the same archive. */
  readonly parentId?: string
}

const layerTypes: Readonly<Record<Compression, string>> = {
  none: 'application/vnd.docker.image.rootfs.diff.tar',
  gzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  zstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd'
}

export function documentOf(bytes: Uint8Array): ArchivedDocument {
  return { bytes, digest: digestOf(bytes) }
}

/** A document named by its digest. @throws EngineError `data_loss` where it is missing or another one */
export function blobDocument(intake: ArchiveIntake, digest: string): ArchivedDocument {
  const name = `blobs/${digest.replace(':', '/')}`
  const document = documentOf(intake.document(name))
  if (document.digest === digest) return document
  throw new EngineError('data_loss', `${name} should be ${digest} but hashes to ${document.digest}: the archive is damaged`, {
    details: { entry: name, expected: digest, actual: document.digest }
  })
}

/** The manifest that Docker's own archives do not have: what a registry would hold for these layers as they are. */
export function manifestFor(config: ArchivedDocument, layers: readonly ArchivedLayer[]): ArchivedDocument {
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.dockerManifest,
    config: { mediaType: mediaTypes.dockerConfig, size: config.bytes.length, digest: config.digest },
    layers: layers.map(({ mediaType, sizeBytes, digest }) => ({ mediaType, size: sizeBytes, digest }))
  }
  return documentOf(Buffer.from(JSON.stringify(manifest)))
}

/**
 * A layer that an image names.
 *
 * @param found what is in the archive under its name
 * @param layer.diffId what the configuration says that it unpacks to
 * @throws EngineError `data_loss` where it is missing, no layer, or another one
 */
export function layerOf(
  found: ArchivePiece | undefined,
  layer: { readonly name: string; readonly diffId: string; readonly mediaType?: string }
): ArchivedLayer {
  const { name, diffId } = layer
  if (found?.kind === 'unusable') throw found.error
  if (found === undefined || found.kind === 'document') {
    const problem = found === undefined ? 'the archive lacks it: it is incomplete' : 'it is no archive'
    throw new EngineError('data_loss', `cannot load the layer ${name}: ${problem}`, { details: { entry: name } })
  }
  if (found.kind === 'stored') {
    const { digest, sizeBytes } = found
    return { digest, sizeBytes, mediaType: layer.mediaType ?? layerTypes.none }
  }
  const { layer: taken } = found
  if (taken.diffId !== diffId) {
    throw new EngineError('data_loss', `invalid diffID for layer ${name}: expected "${diffId}", got "${taken.diffId}"`, {
      details: { entry: name, expected: diffId, actual: taken.diffId }
    })
  }
  const { blob, compression } = taken
  return { digest: blob.digest, sizeBytes: blob.sizeBytes, mediaType: layer.mediaType ?? layerTypes[compression], taken }
}
