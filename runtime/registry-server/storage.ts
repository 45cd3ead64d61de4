import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { ContentStore } from '../content/content-store.js'
import { createContentStore } from '../content/file-content-store.js'
import { type Digest, digestParts } from '../registry/digest.js'
import type { Referrer } from '../registry/referrers.js'
import { ifThere } from './durable-file.js'
import { readManifest } from './manifest-content.js'
import { type ManifestRecord, openStorage, Repositories } from './repositories.js'
import type { Upload } from './upload.js'
import { Uploads } from './uploads.js'

/** A blob that is there. */
export interface StoredBlob {
  readonly path: string
  readonly sizeBytes: number
}

/** A manifest that is there. */
export interface StoredManifest extends ManifestRecord {
  readonly bytes: Uint8Array
  readonly digest: Digest
}

/** What a registry keeps: blobs, what belongs to which repository, uploads under way. In one folder, which several processes may use. */
export class Storage {
  readonly root: string
  readonly content: ContentStore
  readonly repositories: Repositories
  readonly uploads: Uploads
  readonly #known: ContentStore | undefined

  /** @param known - another content store, whose blobs are linked to instead of stored again */
  constructor(root: string, content: ContentStore, known: ContentStore | undefined) {
    this.root = root
    this.content = content
    this.repositories = new Repositories(root)
    this.uploads = new Uploads(root)
    this.#known = known
  }

  /** A blob of a repository, and keep it for a while from now on. */
  async blob(repository: string, digest: Digest): Promise<StoredBlob | undefined> {
    if (!(await this.repositories.touchBlob(repository, digest))) return undefined
    const path = this.content.path(digest)
    const found = await ifThere(stat(path), undefined)
    return found && { path, sizeBytes: found.size }
  }

  /** Make what was uploaded a blob of a repository. The caller has verified it. */
  async finish(upload: Upload, repository: string, digest: Digest): Promise<void> {
    // The entry first: garbage collection looks for it before it lets a blob go, and one without a blob counts for nothing.
    await this.repositories.addBlob(repository, digest)
    const linked = (await this.linkKnown(upload, digest)) ? upload.linkPath : undefined
    await this.content.adopt(digest, linked ?? upload.dataPath)
    await this.uploads.remove(upload)
  }

  /** Have a blob of the other content store at an upload's {@link Upload.linkPath}, so that its bytes need not be stored again. */
  async linkKnown(upload: Upload, digest: Digest): Promise<boolean> {
    return this.#known !== undefined && upload.link(this.#known.path(digest))
  }

  /** Give a repository a blob that another one has. @returns false where it has not */
  async mount(digest: Digest, { from, to }: { readonly from: string; readonly to: string }): Promise<boolean> {
    if ((await this.blob(from, digest)) === undefined) return false
    await this.repositories.addBlob(to, digest)
    // Removed between the two lines above: then it has to be sent.
    return this.content.has(digest)
  }

  async manifest(repository: string, digest: Digest): Promise<StoredManifest | undefined> {
    const record = await this.repositories.manifest(repository, digest)
    if (record === undefined || !(await this.content.has(digest))) return undefined
    return { ...record, digest, bytes: await this.content.read(digest) }
  }

  /** Manifests of a repository that are about another one, sorted by digest. */
  async referrers(repository: string, subject: Digest): Promise<readonly Referrer[]> {
    return (await this.repositories.referrers(repository, subject)).map(({ digest, record }) => ({
      mediaType: record.mediaType,
      digest,
      size: record.sizeBytes,
      ...(record.artifactType !== undefined && { artifactType: record.artifactType }),
      ...(record.annotations !== undefined && { annotations: record.annotations })
    }))
  }

  /** Store a manifest whose digest was checked. What it names is for the caller to look for. */
  async putManifest(repository: string, digest: Digest, manifest: Omit<ManifestRecord, 'sizeBytes'> & { readonly bytes: Uint8Array }) {
    const { bytes, mediaType, subject, artifactType, annotations } = manifest
    const record: ManifestRecord = {
      mediaType,
      sizeBytes: bytes.byteLength,
      ...(subject !== undefined && { subject }),
      ...(artifactType !== undefined && { artifactType }),
      ...(annotations !== undefined && { annotations })
    }
    await this.content.ingest({ digest, sizeBytes: bytes.byteLength }, once(bytes), { signal: never })
    await this.repositories.addManifest(repository, digest, record)
  }

  /** Blobs and manifests that a stored manifest consists of; none for one that is not there. */
  async partsOf(repository: string, digest: Digest) {
    const stored = await this.manifest(repository, digest)
    if (stored === undefined) return []
    const { blobs, manifests } = readManifest(stored.bytes, stored.mediaType)
    return [...blobs, ...manifests]
  }
}

/** @throws EngineError `not_supported`, `permission_denied`, `failed` for a folder that cannot be used */
export async function createStorage(options: { readonly root: string; readonly known?: ContentStore }): Promise<Storage> {
  await openStorage(options.root)
  return new Storage(options.root, await createContentStore({ root: options.root }), options.known)
}

/** The digest of bytes in memory, with the algorithm of another one. */
export function digestLike(expected: Digest, bytes: Uint8Array): string {
  const { algorithm } = digestParts(expected)
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}

const never = new AbortController().signal

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
