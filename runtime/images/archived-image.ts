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

/** By their bytes: many images of an archive may name one document, and every one asks what it is. */
const digests = new WeakMap<Uint8Array, string>()

export function documentOf(bytes: Uint8Array): ArchivedDocument {
  const digest = digests.get(bytes) ?? digestOf(bytes)
  digests.set(bytes, digest)
  return { bytes, digest }
}

/** What an index or a `manifest.json` of an archive may list. All are looked at in one go. */
const mostListed = 1000

/** @throws EngineError `data_loss` for a list that no archive of images has */
export function checkListed(count: number, source: string): void {
  if (count > mostListed) throw new EngineError('data_loss', `${source} lists ${count} images; up to ${mostListed} are read`)
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

/** What a manifest says of a blob's size is what it is pushed with. @throws EngineError `data_loss` where it is wrong */
export function checkSize(name: string, actual: number, said: number | undefined): void {
  if (said === undefined || said === actual) return
  throw new EngineError('data_loss', `cannot load ${name}: it has ${actual} bytes, the manifest says ${said}`, {
    details: { entry: name, expected: said, actual }
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
 * @param layer.size bytes of the blob, where the manifest says so
 * @throws EngineError `data_loss` where it is missing, no layer, or another one
 */
export function layerOf(
  found: ArchivePiece | undefined,
  layer: { readonly name: string; readonly diffId: string; readonly mediaType?: string; readonly size?: number }
): ArchivedLayer {
  const { name, diffId } = layer
  if (found?.kind === 'unusable') throw found.error
  if (found === undefined || found.kind === 'document') {
    const problem = found === undefined ? 'the archive lacks it: it is incomplete' : 'it is no archive'
    throw new EngineError('data_loss', `cannot load the layer ${name}: ${problem}`, { details: { entry: name } })
  }
  if (found.kind === 'stored') {
    const { digest, sizeBytes } = found
    checkSize(name, sizeBytes, layer.size)
    return { digest, sizeBytes, mediaType: layer.mediaType ?? layerTypes.none }
  }
  const { layer: taken } = found
  if (taken.diffId !== diffId) {
    throw new EngineError('data_loss', `invalid diffID for layer ${name}: expected "${diffId}", got "${taken.diffId}"`, {
      details: { entry: name, expected: diffId, actual: taken.diffId }
    })
  }
  const { blob, compression } = taken
  checkSize(name, blob.sizeBytes, layer.size)
  return { digest: blob.digest, sizeBytes: blob.sizeBytes, mediaType: layer.mediaType ?? layerTypes[compression], taken }
}
