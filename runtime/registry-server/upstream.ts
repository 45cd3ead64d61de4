import { EngineError, type ErrorCode } from '../../src/errors/index.js'
import type { Digest } from '../registry/digest.js'
import { defaultDomain, type Reference } from '../registry/reference.js'
import type { Referrer } from '../registry/referrers.js'
import type { RegistryClient } from '../registry/registry-client.js'
import { BlobFetch } from './blob-fetch.js'
import { type Part, readManifest } from './manifest-content.js'
import type { ManifestTarget } from './route.js'
import { type FileSource, wholeFile } from './send-file.js'
import type { Storage, StoredManifest } from './storage.js'
import type { Upload } from './upload.js'

/** A blob that can be sent: it is here, or on its way. */
export interface OpenBlob {
  readonly sizeBytes: number
  readonly source: FileSource
}

interface UpstreamOptions {
  readonly storage: Storage
  readonly client: RegistryClient
  /** The registry that is asked, as in references. */
  readonly domain: string
}

/** Failures that say nothing about what is there: then what was kept is served. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['unavailable', 'deadline_exceeded', 'resource_exhausted'])

/**
 * Another registry, of which this one is a cache. What was fetched by digest is fetched once. What a tag names is asked each time, and told from
 * memory while nobody answers. However many ask for one thing at once, it is fetched once; a blob goes to them while it comes.
 */
export class Upstream {
  readonly #options: UpstreamOptions
  readonly #closing = new AbortController()
  readonly #manifests = new Map<string, Promise<StoredManifest | undefined>>()
  readonly #blobs = new Map<Digest, Promise<BlobFetch>>()
  readonly #work = new Set<Promise<unknown>>()
  /** Sizes of blobs by digest, of manifests that went through here. */
  readonly #parts = new Map<Digest, Part>()

  constructor(options: UpstreamOptions) {
    this.#options = options
  }

  /**
   * What a tag or a digest names, here or there.
   *
   * @returns undefined where it is not to be had
   * @throws EngineError of the other registry, where nothing was kept
   */
  async manifest({ repository, target }: { readonly repository: string; readonly target: ManifestTarget }, signal: AbortSignal) {
    const { storage } = this.#options
    if ('digest' in target) {
      const stored = await storage.manifest(repository, target.digest)
      if (stored !== undefined) return stored
    }
    const key = `${repository} ${'tag' in target ? target.tag : target.digest}`
    const shared = this.#manifests.get(key) ?? this.#start(this.#fetchManifest(repository, target))
    this.#manifests.set(key, shared)
    const forget = (): void => {
      if (this.#manifests.get(key) === shared) this.#manifests.delete(key)
    }
    shared.then(forget, forget)
    const found = await shared
    signal.throwIfAborted()
    return found
  }

  /** Manifests that are about another one: those the other registry has; what is kept, where it does not answer. */
  async referrers(repository: string, subject: Digest): Promise<readonly Referrer[]> {
    const { storage, client } = this.#options
    try {
      return await this.#start(client.referrers(this.#reference(repository, { digest: subject }), { signal: this.#closing.signal }))
    } catch (error) {
      if (!EngineError.is(error) || !(passing.has(error.code) || error.code === 'not_found')) throw error
      return storage.referrers(repository, subject)
    }
  }

  /**
   * A blob that a manifest of the repository names.
   *
   * @param sizeOnly - nothing is fetched
   * @returns undefined where no manifest that is here names it
   */
  async blob(repository: string, digest: Digest, sizeOnly: boolean): Promise<OpenBlob | undefined> {
    const { storage } = this.#options
    const part = this.#parts.get(digest) ?? (await this.#findPart(repository, digest))
    if (part === undefined) return undefined
    if (sizeOnly) return { sizeBytes: part.sizeBytes, source: wholeFile(storage.content.path(digest), part.sizeBytes) }
    // Another repository's: the same bytes.
    if (await storage.content.has(digest)) {
      await storage.repositories.addBlob(repository, digest)
      return storage.blob(repository, digest).then(stored => stored && { ...stored, source: wholeFile(stored.path, stored.sizeBytes) })
    }
    const fetch = this.#blobs.get(digest) ?? this.#startBlob(repository, part)
    const { sizeBytes } = part
    return { sizeBytes, source: await fetch }
  }

  /** Give up what is on its way. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new EngineError('unavailable', 'the registry is closed'))
    await Promise.allSettled(this.#work)
    await this.#options.client.close()
  }

  async #fetchManifest(repository: string, target: ManifestTarget): Promise<StoredManifest | undefined> {
    const { storage, client } = this.#options
    const { signal } = this.#closing
    const reference = this.#reference(repository, target)
    const digest = 'tag' in target ? await storage.repositories.tag(repository, target.tag) : undefined
    const kept = digest && (await storage.manifest(repository, digest))
    try {
      // Registries count manifests that are fetched, and not those that are asked about.
      if (kept && (await client.headManifest(reference, { signal }))?.digest === digest) return kept
      const remote = await client.manifest(reference, { signal })
      const content = readManifest(remote.bytes, remote.document.mediaType)
      await storage.putManifest(repository, remote.digest, { ...content, bytes: remote.bytes })
      if ('tag' in target && remote.digest !== digest) await storage.repositories.setTag(repository, target.tag, remote.digest)
      for (const part of content.blobs) this.#parts.set(part.digest, part)
      return { ...content, sizeBytes: remote.bytes.byteLength, bytes: remote.bytes, digest: remote.digest }
    } catch (error) {
      if (EngineError.is(error) && error.code === 'not_found') return undefined
      if (kept && EngineError.is(error) && passing.has(error.code)) return kept
      throw error
    }
  }

  #startBlob(repository: string, part: Part): Promise<BlobFetch> {
    const { storage } = this.#options
    const { digest, sizeBytes } = part
    const upload = storage.uploads.begin(repository)
    const fetch = upload.then(({ dataPath }) => {
      return new BlobFetch({ digest, sizeBytes, comingPath: dataPath, storedPath: storage.content.path(digest) })
    })
    this.#blobs.set(digest, fetch)
    const work = Promise.all([upload, fetch]).then(([into, shown]) => this.#fetchBlob(repository, part, { into, shown }))
    // Told to whoever reads it.
    this.#start(work.finally(() => this.#blobs.delete(digest))).catch(() => undefined)
    return fetch
  }

  async #fetchBlob(repository: string, part: Part, { into, shown }: { readonly into: Upload; readonly shown: BlobFetch }): Promise<void> {
    const { storage, client } = this.#options
    const { digest, sizeBytes: size, mediaType } = part
    const { signal } = this.#closing
    try {
      // What the image store next door has need not be fetched.
      if (!(await storage.linkKnown(into, digest))) {
        const reference = this.#reference(repository, { digest })
        const bytes = client.blobStream(reference, { digest, size, mediaType }, { signal })
        await into.append(bytes, { signal, onWritten: written => shown.advance(written) })
        const actual = await into.digest(digest)
        if (actual !== digest) {
          throw new EngineError('data_loss', `registry ${reference.domain} sent content that hashes to ${actual} for ${digest}`, {
            details: { digest, actual }
          })
        }
      }
      await storage.finish(into, repository, digest)
      shown.complete()
    } catch (error) {
      shown.fail(error)
      await storage.uploads.remove(into)
    }
  }

  #start<T>(work: Promise<T>): Promise<T> {
    this.#work.add(work)
    const forget = (): void => void this.#work.delete(work)
    work.then(forget, forget)
    return work
  }

  async #findPart(repository: string, digest: Digest): Promise<Part | undefined> {
    const { storage } = this.#options
    for (const manifest of await storage.repositories.manifests(repository)) {
      const part = (await storage.partsOf(repository, manifest)).find(one => one.digest === digest)
      if (part !== undefined) return part
    }
    return undefined
  }

  #reference(repository: string, target: ManifestTarget): Reference {
    const { domain } = this.#options
    const path = domain === defaultDomain && !repository.includes('/') ? `library/${repository}` : repository
    return { domain, path, ...target }
  }
}
