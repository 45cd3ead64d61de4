import { EngineError } from '../../src/errors/index.js'
import { type Digest, isDigest } from './digest.js'
import { isIndexType, isManifestType, isSchema1Type } from './media-types.js'
import type { Platform } from './platform.js'

/** A pointer to content: OCI image-spec, descriptor.md. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly platform?: Platform
  readonly annotations?: Readonly<Record<string, string>>
}

/** One image for one platform. */
export interface ImageManifest {
  readonly kind: 'manifest'
  readonly mediaType: string
  readonly config: Descriptor
  /** Bottom layer first. */
  readonly layers: readonly Descriptor[]
}

/** One image for several platforms. */
export interface ImageIndex {
  readonly kind: 'index'
  readonly mediaType: string
  readonly manifests: readonly Descriptor[]
}

/** Longest manifest taken: what the distribution spec asks registries to accept. */
export const manifestLimitBytes = 4 * 1024 * 1024

/**
 * Read a manifest or an index, and check its shape.
 *
 * @param options.mediaType what the registry called it; where that says nothing, the document's own word counts
 * @param options.source for messages: `registry host: image`
 * @throws EngineError `data_loss` for what is no manifest, `not_supported` for schema 1 and other formats
 */
export function parseManifest(
  bytes: Uint8Array,
  options: { readonly mediaType: string | undefined; readonly source: string }
): ImageManifest | ImageIndex {
  const document = parseObject(bytes, options.source)
  const own = typeof document.mediaType === 'string' ? document.mediaType : undefined
  const claimed = options.mediaType === undefined || isGeneric(options.mediaType) ? own : options.mediaType
  const mediaType = claimed ?? typeByShape(document)
  if (isSchema1Type(mediaType) || document.schemaVersion === 1) {
    throw new EngineError(
      'not_supported',
      `${options.source}: the image is in Docker schema 1 format, which is no longer supported; push it again with a current docker, skopeo or buildx`,
      { details: { mediaType } }
    )
  }
  const context = { source: options.source, mediaType }
  if (isIndexType(mediaType)) return { kind: 'index', mediaType, manifests: descriptors(document.manifests, 'manifests', context) }
  if (isManifestType(mediaType)) {
    const [config] = descriptors([document.config], 'config', context)
    if (config === undefined) throw malformed('config', context)
    return { kind: 'manifest', mediaType, config, layers: descriptors(document.layers, 'layers', context) }
  }
  throw new EngineError('not_supported', `${options.source}: it is not a container image but ${JSON.stringify(mediaType)}`, {
    details: { mediaType }
  })
}

interface Context {
  readonly source: string
  readonly mediaType: string
}

function isGeneric(mediaType: string): boolean {
  return ['', 'application/json', 'application/octet-stream', 'text/plain'].includes(mediaType)
}

function typeByShape(document: Readonly<Record<string, unknown>>): string {
  if (Array.isArray(document.manifests)) return 'application/vnd.oci.image.index.v1+json'
  if (Array.isArray(document.layers)) return 'application/vnd.oci.image.manifest.v1+json'
  return 'a document without a media type'
}

function descriptors(value: unknown, field: string, context: Context): readonly Descriptor[] {
  if (!Array.isArray(value)) throw malformed(field, context)
  return value.map((item: unknown, position) => descriptor(item, `${field}[${position}]`, context))
}

function descriptor(value: unknown, field: string, context: Context): Descriptor {
  if (!isObject(value)) throw malformed(field, context)
  const { mediaType, digest, size, platform, annotations } = value
  if (typeof digest !== 'string' || !isDigest(digest)) throw malformed(`${field}.digest`, context)
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw malformed(`${field}.size`, context)
  if (typeof mediaType !== 'string') throw malformed(`${field}.mediaType`, context)
  return {
    mediaType,
    digest,
    size,
    ...(platform === undefined ? {} : { platform: readPlatform(platform, `${field}.platform`, context) }),
    ...(isObject(annotations) && { annotations: texts(annotations) })
  }
}

/** What is no text is no annotation. */
function texts(annotations: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(annotations).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

function readPlatform(value: unknown, field: string, context: Context): Platform {
  if (!isObject(value)) throw malformed(field, context)
  const { os, architecture, variant } = value
  if (typeof os !== 'string' || typeof architecture !== 'string') throw malformed(field, context)
  return { os, architecture, ...(typeof variant === 'string' && variant !== '' ? { variant } : {}) }
}

/** @throws EngineError `data_loss` */
export function parseObject(bytes: Uint8Array, source: string): Readonly<Record<string, unknown>> {
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  } catch (error) {
    throw new EngineError('data_loss', `${source}: it is not valid JSON; push the image again`, { cause: error })
  }
  if (isObject(parsed)) return parsed
  throw new EngineError('data_loss', `${source}: it is no JSON object; push the image again`)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(field: string, { source, mediaType }: Context): EngineError {
  return new EngineError('data_loss', `${source}: its manifest is malformed at ${field}; push the image again`, {
    details: { field, mediaType }
  })
}
