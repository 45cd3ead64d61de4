import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../src/errors/index.js'
import { type Digest, digestParts, isDigest } from '../registry/digest.js'
import { ifThere, listNames, removeDurably, touch, touchDurably, writeDurably } from './durable-file.js'
import { isRepository } from './route.js'

/** A manifest of a repository. Its bytes are a blob. */
export interface ManifestRecord {
  readonly mediaType: string
  readonly sizeBytes: number
  /** What it is about, where it says so. */
  readonly subject?: Digest
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** Version of the layout below. */
const layoutVersion = 1

/**
 * What belongs to which repository.
 *
 * Layout, version 1; a repository's folder has its name with `+` for `/`, `<digest>` is written `<algorithm>-<hex>`:
 *
 *     <root>/registry.json                                  {"version":1}
 *     <root>/repositories/<name>/blobs/<digest>             empty: the repository has that blob
 *     <root>/repositories/<name>/manifests/<digest>         ManifestRecord, as JSON
 *     <root>/repositories/<name>/tags/<tag>                 {"digest":"sha256:..."}
 *     <root>/repositories/<name>/referrers/<digest>/<digest of the referring manifest>   empty
 *
 * Each is a file that is renamed into place or has no content, so any number of processes may use one folder, and a crash leaves nothing
 * half-written. What is not complete is not there: a record whose blob is missing counts for nothing. A blob's entry is touched whenever
 * somebody was told that it is there; garbage collection leaves alone what is young.
 */
export class Repositories {
  readonly #folder: string

  constructor(root: string) {
    this.#folder = join(root, 'repositories')
  }

  /** All that have a manifest or a blob, sorted. */
  async list(): Promise<string[]> {
    const names = (await listNames(this.#folder)).map(name => name.replaceAll('+', '/'))
    return names.filter(isRepository).sort()
  }

  async has(repository: string): Promise<boolean> {
    return (await ifThere(stat(this.#of(repository)), undefined)) !== undefined
  }

  /** Whether the repository has a blob; it is kept for a while from now on. The blob itself has to be looked for. */
  touchBlob(repository: string, digest: Digest): Promise<boolean> {
    return touch(this.blobPath(repository, digest))
  }

  addBlob(repository: string, digest: Digest): Promise<void> {
    return touchDurably(this.blobPath(repository, digest))
  }

  /** @returns whether it had it */
  removeBlob(repository: string, digest: Digest): Promise<boolean> {
    return removeDurably(this.blobPath(repository, digest))
  }

  blobs(repository: string): Promise<Digest[]> {
    return listDigests(this.blobsPath(repository))
  }

  /** The folder of the blobs' entries. */
  blobsPath(repository: string): string {
    return this.#of(repository, 'blobs')
  }

  /** Where the entry of a blob is, for garbage collection. */
  blobPath(repository: string, digest: Digest): string {
    return join(this.blobsPath(repository), fileName(digest))
  }

  manifest(repository: string, digest: Digest): Promise<ManifestRecord | undefined> {
    return readRecord<ManifestRecord>(this.#of(repository, 'manifests', fileName(digest)))
  }

  manifests(repository: string): Promise<Digest[]> {
    return listDigests(this.#of(repository, 'manifests'))
  }

  /** The entry of what refers to something comes first: one without a manifest counts for nothing. */
  async addManifest(repository: string, digest: Digest, record: ManifestRecord): Promise<void> {
    if (record.subject !== undefined) await touchDurably(this.#of(repository, 'referrers', fileName(record.subject), fileName(digest)))
    await writeDurably(this.#of(repository, 'manifests', fileName(digest)), JSON.stringify(record))
  }

  /** Remove a manifest with the tags that name it. @returns whether it was there */
  async removeManifest(repository: string, digest: Digest): Promise<boolean> {
    const record = await this.manifest(repository, digest)
    if (record === undefined) return false
    for (const tag of await this.tags(repository)) {
      if ((await this.tag(repository, tag)) === digest) await this.removeTag(repository, tag)
    }
    const removed = await removeDurably(this.#of(repository, 'manifests', fileName(digest)))
    if (record.subject !== undefined) await removeDurably(this.#of(repository, 'referrers', fileName(record.subject), fileName(digest)))
    return removed
  }

  /** Manifests that are about another one, sorted. */
  async referrers(repository: string, subject: Digest): Promise<{ readonly digest: Digest; readonly record: ManifestRecord }[]> {
    const found = []
    for (const digest of await listDigests(this.#of(repository, 'referrers', fileName(subject)))) {
      const record = await this.manifest(repository, digest)
      if (record?.subject === subject) found.push({ digest, record })
    }
    return found
  }

  /** Sorted. */
  tags(repository: string): Promise<string[]> {
    return listNames(this.#of(repository, 'tags'))
  }

  async tag(repository: string, tag: string): Promise<Digest | undefined> {
    const { digest = '' } = (await readRecord<{ readonly digest?: string }>(this.#of(repository, 'tags', tag))) ?? {}
    return isDigest(digest) ? digest : undefined
  }

  setTag(repository: string, tag: string, digest: Digest): Promise<void> {
    return writeDurably(this.#of(repository, 'tags', tag), JSON.stringify({ digest }))
  }

  /** @returns whether it was there */
  removeTag(repository: string, tag: string): Promise<boolean> {
    return removeDurably(this.#of(repository, 'tags', tag))
  }

  #of(repository: string, ...rest: readonly string[]): string {
    return join(this.#folder, repository.replaceAll('/', '+'), ...rest)
  }
}

/**
 * Make a storage folder, or see that this Gantry can read it.
 *
 * @throws EngineError `not_supported` for one of another version; `permission_denied`, `failed` where it cannot be made
 */
export async function openStorage(root: string): Promise<void> {
  const path = join(root, 'registry.json')
  try {
    await mkdir(root, { recursive: true, mode: 0o700 })
    const found = await readRecord<{ readonly version?: number }>(path)
    if (found === undefined) return await writeDurably(path, JSON.stringify({ version: layoutVersion }))
    if (found.version === layoutVersion) return
    throw new EngineError(
      'not_supported',
      `the registry's storage ${root} has format version ${found.version}, this Gantry reads version ${layoutVersion}: use another folder`,
      { details: { storage: root, found: found.version } }
    )
  } catch (error) {
    if (EngineError.is(error) || !(error instanceof Error)) throw error
    // What the file system says has a code.
    const { code = '' } = error as NodeJS.ErrnoException
    throw new EngineError(
      ['EACCES', 'EPERM', 'EROFS'].includes(code) ? 'permission_denied' : 'failed',
      `the registry's storage ${root} cannot be used: ${error.message}`,
      { details: { storage: root }, cause: error }
    )
  }
}

/** @returns undefined for what is not there, or was damaged from outside */
async function readRecord<T>(path: string): Promise<T | undefined> {
  const text = await ifThere(readFile(path, 'utf8'), undefined)
  if (text === undefined) return undefined
  try {
    // Written by this file, in the shape that belongs to the path.
    return JSON.parse(text) as T
  } catch {
    return undefined
  }
}

async function listDigests(folder: string): Promise<Digest[]> {
  return (await listNames(folder)).map(name => name.replace('-', ':')).filter(isDigest)
}

function fileName(digest: Digest): string {
  const { algorithm, hex } = digestParts(digest)
  return `${algorithm}-${hex}`
}
