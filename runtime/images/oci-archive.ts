import { EngineError } from '../../src/errors/index.js'
import { type Descriptor, type ImageIndex, type ImageManifest, parseManifest, parseObject } from '../registry/manifest.js'
import { isIndexType, isLayerType, isManifestType, mediaTypes } from '../registry/media-types.js'
import { choosePlatform } from '../registry/platform.js'
import { canonical, parseReference } from '../registry/reference.js'
import type { ArchiveIntake } from './archive-intake.js'
import {
  type ArchivedDocument,
  type ArchivedImage,
  type ArchivedLayer,
  blobDocument,
  checkListed,
  checkSize,
  layerOf
} from './archived-image.js'
import { attestationsOf, statementsOf } from './attestations.js'
import { parseImageConfig } from './image-config.js'
import { checkPlatform, type PlatformChoice, wrongPlatform } from './platform-choice.js'

const deepestIndex = 8
const source = 'cannot load the archive: index.json'
const nameAnnotations = ['io.containerd.image.name', 'org.opencontainers.image.ref.name']

/** A descriptor of `index.json`: OCI image-spec, image-layout.md. */
interface Top {
  readonly mediaType: string
  readonly digest: string
  readonly name: string | undefined
}

/**
 * The images of an OCI layout, with their manifests as they are. What is no image (a signature, an attestation) is left out.
 *
 * @throws EngineError `data_loss`, `not_supported`, `not_found` where the platform that was asked for is missing
 */
export function ociImages(intake: ArchiveIntake, choice: PlatformChoice): readonly ArchivedImage[] {
  const images = new Map<string, ArchivedImage>()
  for (const top of readTops(intake)) {
    const image = readImage(intake, top, choice)
    if (image === undefined) continue
    const known = images.get(image.id)
    images.set(image.id, known === undefined ? image : merged(known, image))
  }
  return [...images.values()]
}

/** One image that several descriptors lead to: all names, all documents. */
function merged(known: ArchivedImage, other: ArchivedImage): ArchivedImage {
  const documents = new Map([...known.documents, ...other.documents].map(document => [document.digest, document]))
  const layers = new Map([...known.layers, ...other.layers].map(layer => [layer.digest, layer]))
  return {
    ...known,
    documents: [...documents.values()],
    names: new Map([...known.names, ...other.names]),
    extraLayers: [...layers.values()].filter(({ digest }) => !known.layers.some(layer => layer.digest === digest))
  }
}

function readTops(intake: ArchiveIntake): readonly Top[] {
  const bytes = intake.document('index.json')
  // The shape of its descriptors is that of any index.
  const index = parseManifest(bytes, { mediaType: mediaTypes.ociIndex, source })
  const annotated = parseObject(bytes, source).manifests
  const items: readonly unknown[] = Array.isArray(annotated) ? annotated : []
  const manifests = index.kind === 'index' ? index.manifests : []
  checkListed(manifests.length, source)
  return manifests.map(({ mediaType, digest }, position) => ({ mediaType, digest, name: nameOf(items[position]) }))
}

/** A name in full. A bare tag, as skopeo and buildx leave one beside it, names no repository. */
function nameOf(descriptor: unknown): string | undefined {
  const annotations = field(descriptor, 'annotations')
  for (const annotation of nameAnnotations) {
    const name = field(annotations, annotation)
    if (typeof name === 'string' && (annotation === nameAnnotations[0] || /[:/]/.test(name))) return canonical(parseReference(name))
  }
  return undefined
}

function field(value: unknown, name: string): unknown {
  // The reason for the cast: any object may be asked for any member.
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined
}

function readImage(intake: ArchiveIntake, top: Top, choice: PlatformChoice): ArchivedImage | undefined {
  const documents: ArchivedDocument[] = []
  const found = findManifest(intake, top, { choice, documents, depth: 0 })
  if (found === undefined) return undefined
  const { manifest, document } = found
  const configDocument = blobDocument(intake, manifest.config.digest)
  checkSize(manifest.config.digest, configDocument.bytes.length, manifest.config.size)
  const config = parseImageConfig(configDocument.bytes, `cannot load ${top.name ?? top.digest}`)
  if (config.diffIds.length !== manifest.layers.length) {
    throw new EngineError(
      'data_loss',
      `cannot load ${top.name ?? top.digest}: its manifest has ${manifest.layers.length} layers, its configuration ${config.diffIds.length}`
    )
  }
  checkPlatform(top.name ?? top.digest, config, choice)
  const layers = manifest.layers.map(({ digest, mediaType, size }, position): ArchivedLayer => {
    return layerOf(intake.blob(digest), { name: digest, diffId: config.diffIds[position] ?? '', mediaType, size })
  })
  const attached = attestationsIn(intake, documents, document.digest)
  return {
    id: configDocument.digest,
    config,
    manifestDigest: document.digest,
    layers,
    documents: [...documents, configDocument, ...attached.documents],
    ...(attached.manifests.length > 0 && { attestations: attached.manifests }),
    names: new Map(top.name === undefined ? [] : [[top.name, top.digest]])
  }
}

/** What is attached to an image and whole in the archive; archives are often made without. */
function attestationsIn(intake: ArchiveIntake, passed: readonly ArchivedDocument[], manifestDigest: string) {
  const indexes = passed.map(({ bytes }) => parseManifest(bytes, { mediaType: undefined, source }))
  const entries = indexes.flatMap(index => (index.kind === 'index' ? attestationsOf(index, manifestDigest) : []))
  const isHere = ({ digest }: Descriptor) => intake.blob(digest)?.kind === 'document'
  const attached = entries.filter(isHere).map(({ digest }) => {
    const manifest = blobDocument(intake, digest)
    return { manifest, statements: statementsOf(manifest.bytes, digest) }
  })
  const whole = attached.filter(({ statements }) => statements.every(isHere))
  return {
    manifests: whole.map(({ manifest }) => manifest.digest),
    documents: whole.flatMap(({ manifest, statements }) => [manifest, ...statements.map(({ digest }) => blobDocument(intake, digest))])
  }
}

interface Search {
  readonly choice: PlatformChoice
  /** Filled with what was passed on the way. */
  readonly documents: ArchivedDocument[]
  readonly depth: number
}

interface FoundManifest {
  readonly manifest: ImageManifest
  readonly document: ArchivedDocument
}

/** Down through the indexes to one image. */
function findManifest(intake: ArchiveIntake, from: Pick<Top, 'mediaType' | 'digest'>, search: Search): FoundManifest | undefined {
  if (search.depth > deepestIndex) throw new EngineError('data_loss', `${source}: indexes lie more than ${deepestIndex} deep in each other`)
  if (!isIndexType(from.mediaType) && !isManifestType(from.mediaType)) return undefined
  const document = blobDocument(intake, from.digest)
  const parsed = parsedDocument(document.bytes, from)
  search.documents.push(document)
  if (parsed.kind === 'manifest') return isImage(parsed) ? { manifest: parsed, document } : undefined
  checkListed(parsed.manifests.length, `cannot load the archive: ${from.digest}`)
  const next = chooseManifest(intake, parsed.manifests, search.choice, from.digest)
  return next === undefined ? undefined : findManifest(intake, next, { ...search, depth: search.depth + 1 })
}

const parsedDocuments = new WeakMap<Uint8Array, Map<string, ImageManifest | ImageIndex>>()

/** Many images of an archive may lead to one manifest of some megabytes. */
function parsedDocument(bytes: Uint8Array, { mediaType, digest }: Pick<Top, 'mediaType' | 'digest'>): ImageManifest | ImageIndex {
  const byType = parsedDocuments.get(bytes) ?? new Map<string, ImageManifest | ImageIndex>()
  parsedDocuments.set(bytes, byType)
  const parsed = byType.get(mediaType) ?? parseManifest(bytes, { mediaType, source: `cannot load ${digest}` })
  byType.set(mediaType, parsed)
  return parsed
}

function isImage({ config, layers }: ImageManifest): boolean {
  const isConfig = config.mediaType === mediaTypes.ociConfig || config.mediaType === mediaTypes.dockerConfig
  return isConfig && layers.every(({ mediaType }) => isLayerType(mediaType))
}

/** Of what the archive has: archives of one platform often keep the index of all. */
function chooseManifest(
  intake: ArchiveIntake,
  manifests: readonly Descriptor[],
  { asked, preferred }: PlatformChoice,
  digest: string
): Descriptor | undefined {
  const present = manifests.filter(candidate => intake.blob(candidate.digest) !== undefined)
  const candidates = present.filter(({ platform }) => platform?.os !== 'unknown')
  const chosen = choosePlatform(candidates, asked ?? preferred)
  if (chosen !== undefined) return chosen
  const unmarked = candidates.find(({ platform }) => platform === undefined)
  if (unmarked !== undefined || asked === undefined) return unmarked ?? candidates[0]
  throw wrongPlatform(
    digest,
    asked,
    candidates.flatMap(({ platform }) => platform ?? [])
  )
}
