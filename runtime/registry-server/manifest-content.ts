import { EngineError } from '../../src/errors/index.js'
import { type Digest, isDigest } from '../registry/digest.js'
import { parseObject } from '../registry/manifest.js'
import { isIndexType, isManifestType, isSchema1Type, mediaTypes } from '../registry/media-types.js'
import { Refusal } from './refusal.js'
import type { ManifestRecord } from './repositories.js'

/** What a manifest says, as far as a registry cares: image-spec manifest.md and image-index.md, and Docker's schema 2. */
export interface ManifestContent extends Omit<ManifestRecord, 'sizeBytes'> {
  /** Blobs it consists of, with their sizes: configuration and layers. Layers that are to be had elsewhere are left out. */
  readonly blobs: readonly Part[]
  /** Manifests that an index names. */
  readonly manifests: readonly Part[]
}

/** A thing that a manifest consists of. */
export interface Part {
  readonly digest: Digest
  readonly sizeBytes: number
  readonly mediaType: string
}

/** Layers with these types need not be in the registry: their licence may forbid it. */
const foreign = /^application\/vnd\.(oci\.image\.layer\.nondistributable\.|docker\.image\.rootfs\.foreign\.)/

/**
 * Read a manifest.
 *
 * @param contentType - as the client sent it; where there is none the document says what it is
 * @throws Refusal `MANIFEST_INVALID` that says what is wrong
 */
export function readManifest(bytes: Uint8Array, contentType: string | undefined): ManifestContent {
  const document = objectOf(bytes)
  const given = contentType?.split(';')[0]?.trim().toLowerCase()
  const own = typeof document.mediaType === 'string' ? document.mediaType : undefined
  const mediaType = given === undefined || given === '' || given === 'application/json' ? (own ?? typeByShape(document)) : given
  if (own !== undefined && own !== mediaType) throw invalid(`it was sent as ${mediaType} and says that it is ${own}`)
  if (isSchema1Type(mediaType) || document.schemaVersion === 1) throw invalid('Docker schema 1 is not taken: push with a current client')
  if (document.schemaVersion !== 2) throw invalid('schemaVersion must be 2')
  const about = { mediaType, ...subjectOf(document), ...annotationsOf(document) }
  if (isIndexType(mediaType)) {
    return { ...about, ...artifactTypeOf(document, undefined), blobs: [], manifests: parts(document.manifests, 'manifests') }
  }
  if (!isManifestType(mediaType)) throw invalid(`${mediaType} is no type of manifest that this registry knows`)
  const [config] = parts([document.config], 'config')
  const layers = parts(document.layers, 'layers').filter(layer => !foreign.test(layer.mediaType))
  const blobs = config === undefined ? layers : [config, ...layers]
  return { ...about, ...artifactTypeOf(document, config), blobs, manifests: [] }
}

/** @throws Refusal `MANIFEST_INVALID` */
function objectOf(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    return parseObject(bytes, 'the manifest')
  } catch (error) {
    if (EngineError.is(error)) throw invalid('it is no JSON object')
    throw error
  }
}

function typeByShape(document: Readonly<Record<string, unknown>>): string {
  return Array.isArray(document.manifests) ? mediaTypes.ociIndex : mediaTypes.ociManifest
}

function parts(value: unknown, field: string): readonly Part[] {
  if (!Array.isArray(value)) throw invalid(`${field} is missing`)
  return value.map((item: unknown, position) => part(item, field === 'config' ? field : `${field}[${position}]`))
}

function part(value: unknown, field: string): Part {
  if (!isObject(value)) throw invalid(`${field} is no descriptor`)
  const { digest, size, mediaType } = value
  if (typeof digest !== 'string' || !isDigest(digest)) throw invalid(`${field}.digest is no digest`)
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw invalid(`${field}.size is no size`)
  if (typeof mediaType !== 'string') throw invalid(`${field}.mediaType is missing`)
  return { digest, sizeBytes: size, mediaType }
}

function subjectOf({ subject }: Readonly<Record<string, unknown>>): { readonly subject?: Digest } {
  return subject === undefined || subject === null ? {} : { subject: part(subject, 'subject').digest }
}

function annotationsOf({ annotations }: Readonly<Record<string, unknown>>): { readonly annotations?: Readonly<Record<string, string>> } {
  if (annotations === undefined || annotations === null) return {}
  if (!isObject(annotations)) throw invalid('annotations is no object')
  const texts = Object.entries(annotations).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return texts.length === 0 ? {} : { annotations: Object.fromEntries(texts) }
}

/** Listing referrers: an image manifest without a type of artifact is known by its configuration's. */
function artifactTypeOf({ artifactType }: Readonly<Record<string, unknown>>, config: Part | undefined): { readonly artifactType?: string } {
  if (typeof artifactType === 'string' && artifactType !== '') return { artifactType }
  return config === undefined ? {} : { artifactType: config.mediaType }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(problem: string): Refusal {
  return new Refusal('MANIFEST_INVALID', `the manifest is not taken: ${problem}`)
}
