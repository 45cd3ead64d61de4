import { join } from 'node:path'
import { EngineError } from '../../src/errors/index.js'
import type { ContentStore } from '../content/content-store.js'
import { diskFailure } from '../content/disk-failure.js'
import type { Host } from '../host/host.js'
import type { ApplyLayer } from '../layers/apply-layer.js'
import type { MetadataStore } from '../metadata/metadata-store.js'
import { formatPlatform, hostPlatform, parsePlatform } from '../registry/platform.js'
import { canonical, familiar, parseReference } from '../registry/reference.js'
import type { RegistryClient } from '../registry/registry-client.js'
import type { Snapshotter } from '../snapshots/snapshotter.js'
import { createTrustGate, type TrustGate } from '../trust/trust-gate.js'
import { readAttestations } from './attestations.js'
import { commitImage } from './commit-image.js'
import { createDigestLocks } from './digest-locks.js'
import { listManifests } from './image-manifests.js'
import {
  checkNewName,
  findImage,
  readRecord,
  referencesByImage,
  type StoredImage,
  type StoredReference,
  toRecord
} from './image-records.js'
import type { ImageService } from './image-service.js'
import { importImage } from './import-image.js'
import { loadImages } from './load-images.js'
import { type PullParts, pullImage } from './pull-image.js'
import { pushImage } from './push-image.js'
import type { PushParts } from './push-layer.js'
import { collectAll, removeImage } from './remove-image.js'
import { saveImages } from './save-images.js'
import { Semaphore } from './semaphore.js'
import { signImage, signingSubject } from './sign-image.js'
import { verifyImage } from './verify-image.js'

export interface ImageServiceOptions {
  readonly content: ContentStore
  readonly metadata: MetadataStore
  readonly snapshotter: Snapshotter
  readonly unpack: ApplyLayer
  readonly registry: RegistryClient
  readonly lock: Host['lock']
  /** Lock files go into `<runRoot>/locks`. The same for all processes that share the data root. */
  readonly runRoot: string
  /** What is pulled where the caller asks for no platform. @default this machine's */
  readonly platform?: string
  /** How many layers come at a time: Docker's `max-concurrent-downloads`. @default 3 */
  readonly downloads?: Semaphore
  /** @default one that asks for signatures only where a caller does */
  readonly trust?: TrustGate
  /** How many layers go at a time: Docker's `max-concurrent-uploads`. @default 5 */
  readonly uploads?: Semaphore
}

/** The image service, and what only the composition root calls. */
export interface CollectingImageService extends ImageService {
  /**
   * Remove what images left behind that could not go with them (a container stood on it), and what pulls left that were killed and
   * that nobody has taken up again for a day. Worth calling at the start and after a container was removed; cheap when there is nothing.
   */
  collectGarbage(): Promise<void>
}

const defaultDownloads = 3
const defaultUploads = 5

/** How long what a killed pull has brought in waits for the next one; a removal of any image takes it earlier. */
const resumableMs = 24 * 60 * 60 * 1000

/** Wire the parts to an image service. Does no I/O. @throws EngineError `invalid_argument` for a bad platform */
export function createImageService(options: ImageServiceOptions): CollectingImageService {
  const { metadata } = options
  const parts: PullParts & PushParts = {
    ...options,
    locks: createDigestLocks({ directory: join(options.runRoot, 'locks'), lock: options.lock }),
    trust: options.trust ?? createTrustGate({ registry: options.registry }),
    uploads: options.uploads ?? new Semaphore(defaultUploads),
    places: options.downloads ?? new Semaphore(defaultDownloads),
    platform: parsePlatform(options.platform ?? formatPlatform(hostPlatform()))
  }
  return {
    pull: (reference, pullOptions) => withRoom(reference, pullImage(reference, pullOptions, parts)),
    push: (reference, pushOptions) => pushImage(reference, pushOptions, parts),
    get: async nameOrId => readRecord(metadata, findImage(metadata, nameOrId).id),
    list: async () => listImages(metadata),
    tag: (source, target) => tagImage(source, target, metadata),
    attestations: async (nameOrId, options) =>
      readAttestations(metadata.get<StoredImage>('images', findImage(metadata, nameOrId).id)?.attestations ?? [], parts.content, options),
    verify: (name, verifyOptions) => verifyImage(name, verifyOptions, parts),
    signingSubject: (name, signOptions) => signingSubject(name, signOptions, parts.registry),
    sign: (name, signature, signOptions) => signImage(name, signature, signOptions, parts),
    commit: commitOptions => withRoom('the commit', commitImage(commitOptions, parts)),
    load: (archive, loadOptions) => withRoom('the archive', loadImages(archive, loadOptions, parts)),
    manifests: async nameOrId => listManifests(findImage(metadata, nameOrId).id, parts),
    save: (namesOrIds, saveOptions) => saveImages(namesOrIds, saveOptions, parts),
    import: (archive, importOptions) => withRoom('the archive', importImage(archive, importOptions, parts)),
    remove: (nameOrId, removeOptions) => removeImage(nameOrId, removeOptions, parts),
    collectGarbage: () => collectAll(parts, { before: Date.now() - resumableMs })
  }
}

/** A full disk is one, wherever it shows: at a folder, at a record, at the file of a commit. */
async function withRoom<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw diskFailure(error, what)
  }
}

function listImages(metadata: MetadataStore) {
  const references = referencesByImage(metadata)
  const records = metadata.list<StoredImage>('images').map(({ key, value }) => toRecord(key, value, references.get(key) ?? []))
  // Newest first, as Docker lists them; ISO times compare as text, up to their sub-second digits.
  return records.sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt) || (a.id < b.id ? -1 : 1))
}

async function tagImage(source: string, target: string, metadata: MetadataStore): Promise<void> {
  const reference = parseReference(target)
  if (reference.digest !== undefined) {
    throw new EngineError(
      'invalid_argument',
      `refusing to create a tag with a digest reference: ${familiar(reference)}; leave out the @ and what follows`,
      {
        details: { reference: target }
      }
    )
  }
  checkNewName(reference)
  await metadata.transaction(transaction => {
    const found = findImage(transaction, source)
    const stored = transaction.get<StoredImage>('images', found.id)
    const named = found.reference === undefined ? undefined : transaction.get<StoredReference>('references', canonical(found.reference))
    const digest = named?.target ?? stored?.manifestDigest ?? found.id
    transaction.put<StoredReference>('references', canonical(reference), { target: digest, imageId: found.id })
    if (stored !== undefined) {
      transaction.put<StoredImage>('images', found.id, { ...stored, lastTaggedAt: new Date().toISOString() })
    }
  })
}
