import { EngineError } from '../../src/errors/index.js'
import type { ContentStore } from '../content/content-store.js'
import { type Digest, parseDigest } from '../registry/digest.js'
import { type Descriptor, type ImageIndex, type ImageManifest, parseManifest } from '../registry/manifest.js'
import { choosePlatform, formatPlatform, type Platform, parsePlatform } from '../registry/platform.js'
import { familiar, type Reference } from '../registry/reference.js'
import type { StoredImage, StoredReference } from './image-records.js'

/** A document as it goes to a registry. */
export interface PlannedDocument {
  readonly digest: Digest
  readonly bytes: Uint8Array
  readonly mediaType: string
}

/** A manifest and what has to be there before it. */
export interface PlannedManifest extends PlannedDocument {
  readonly manifest: ImageManifest
  /** Digests of the unpacked layers, where it is an image's own. */
  readonly diffIds: readonly string[]
}

/** What a push sends. */
export interface PushPlan {
  readonly manifests: readonly PlannedManifest[]
  /** Names all of the manifests; absent where there is one, which gets the tag itself. */
  readonly index?: PlannedDocument
}

export interface PlannedImage {
  readonly reference: Reference
  readonly named: StoredReference
  readonly image: StoredImage
  /** The only platform that is wanted. */
  readonly platform: string | undefined
}

/**
 * What to send of an image: the index that its name stands for, where everything that it names is here; else the manifest of the platform that
 * was pulled.
 *
 * @throws EngineError `not_found` for a platform that is not here
 */
export async function planPush(planned: PlannedImage, content: ContentStore): Promise<PushPlan> {
  const { reference, named, image } = planned
  if (planned.platform !== undefined) checkPlatform(planned, parsePlatform(planned.platform))
  const source = `cannot push ${familiar(reference)}`
  if (planned.platform === undefined && named.target !== image.manifestDigest && (await content.has(named.target))) {
    const target = await readDocument(named.target, content, source)
    const manifests = target.document.kind === 'index' ? await completeManifests(target.document, planned, content) : undefined
    if (manifests !== undefined) return { manifests, index: target }
  }
  const own = await readDocument(image.manifestDigest, content, source)
  if (own.document.kind === 'manifest') return { manifests: [{ ...own, manifest: own.document, diffIds: image.diffIds }] }
  throw new EngineError('data_loss', `${source}: what is stored as its manifest is an index; pull or build it again`)
}

/** Undefined where something of it is not here. */
async function completeManifests(
  index: ImageIndex,
  { reference, image }: PlannedImage,
  content: ContentStore
): Promise<readonly PlannedManifest[] | undefined> {
  const manifests: PlannedManifest[] = []
  for (const { digest } of index.manifests) {
    if (!(await content.has(digest))) return undefined
    const { document, ...planned } = await readDocument(digest, content, `cannot push ${familiar(reference)}`)
    if (document.kind !== 'manifest') return undefined
    for (const blob of [document.config, ...document.layers]) if (!(await content.has(blob.digest))) return undefined
    manifests.push({ ...planned, manifest: document, diffIds: digest === image.manifestDigest ? image.diffIds : [] })
  }
  return manifests
}

async function readDocument(digest: string, content: ContentStore, source: string) {
  const bytes = await content.read(digest)
  const document = parseManifest(bytes, { mediaType: undefined, source })
  return { digest: parseDigest(digest), bytes, mediaType: document.mediaType, document }
}

function checkPlatform({ reference, image }: PlannedImage, wanted: Platform): void {
  const { os, architecture, variant } = image
  const actual = { os, architecture, ...(variant !== undefined && { variant }) }
  if (choosePlatform([{ platform: actual }], wanted) !== undefined) return
  throw new EngineError(
    'not_found',
    `image with reference ${familiar(reference)} was found but does not provide the specified platform (${formatPlatform(wanted)}): it is for ${formatPlatform(actual)}`,
    { details: { reference: familiar(reference), platform: formatPlatform(wanted), available: [formatPlatform(actual)] } }
  )
}

/** Whether a registry is not given it: layers that only their maker may hand out. */
export function isForeign({ mediaType }: Descriptor): boolean {
  return mediaType.includes('.foreign.') || mediaType.includes('.nondistributable.')
}

/** Whether a layer is kept as the archive that `docker load` brought: it is compressed on its way. */
export function isPlain({ mediaType }: Descriptor): boolean {
  return mediaType === plainLayerType
}

const plainLayerType = 'application/vnd.docker.image.rootfs.diff.tar'
export const compressedLayerType = 'application/vnd.docker.image.rootfs.diff.tar.gzip'
