import { rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Digest } from '../registry/digest.js'
import { ifThere, listNames } from './durable-file.js'
import type { Storage } from './storage.js'

/** Added to the name of what is about to be removed: then it is no name that anything stored has. */
const asideSuffix = '.removed'

/** What was removed. */
export interface Collected {
  readonly blobs: number
  readonly reclaimedBytes: number
  /** Uploads that nobody went on with. */
  readonly uploads: number
}

/**
 * Remove blobs that no manifest names, in two steps: from repositories, then from the disk where no repository has them any more. What somebody
 * was told of within `graceMs` stays: it may be part of an image that is being pushed. Manifests stay, with a tag or without.
 *
 * Safe beside a server, in this process or another. An entry is taken away under another name before its age is looked at for the last time: who
 * wanted to keep it was either here before, which shows in its age, or finds it gone and sends the blob again.
 */
export async function collectGarbage(storage: Storage, options: { readonly graceMs: number }): Promise<Collected> {
  const before = Date.now() - options.graceMs
  const { repositories } = storage
  await restoreAside(storage)
  for (const name of await repositories.list()) {
    const named = await namedIn(storage, name)
    for (const digest of await repositories.blobs(name)) {
      if (!named.has(digest)) await removeIfOld(repositories.blobPath(name, digest), before)
    }
  }
  let blobs = 0
  let reclaimedBytes = 0
  for await (const { digest, sizeBytes } of storage.content.list()) {
    // The content store gives digests only.
    const removed = await removeIfOld(storage.content.path(digest), before, () => isUsed(storage, digest as Digest))
    if (!removed) continue
    blobs++
    reclaimedBytes += sizeBytes
  }
  return { blobs, reclaimedBytes, uploads: await storage.uploads.removeExpired() }
}

async function namedIn(storage: Storage, repository: string): Promise<ReadonlySet<string>> {
  const named = new Set<string>()
  for (const manifest of await storage.repositories.manifests(repository)) {
    for (const { digest } of await storage.partsOf(repository, manifest)) named.add(digest)
  }
  return named
}

async function isUsed({ repositories }: Storage, digest: Digest): Promise<boolean> {
  for (const name of await repositories.list()) {
    if ((await repositories.manifest(name, digest)) !== undefined) return true
    if ((await ifThere(stat(repositories.blobPath(name, digest)), undefined)) !== undefined) return true
  }
  return false
}

/** Remove a file that is older than `before` and not kept by anybody. @returns whether it was */
async function removeIfOld(path: string, before: number, isKept: () => Promise<boolean> = async () => false): Promise<boolean> {
  if (!(await isOld(path, before)) || (await isKept())) return false
  const aside = path + asideSuffix
  if (
    !(await ifThere(
      rename(path, aside).then(() => true),
      false
    ))
  )
    return false
  if ((await isOld(aside, before)) && !(await isKept())) {
    return ifThere(
      unlink(aside).then(() => true),
      false
    )
  }
  await ifThere(rename(aside, path), undefined)
  return false
}

/** What a collection that was cut short has put aside goes back to its place, to be looked at anew. */
async function restoreAside({ repositories, content }: Storage): Promise<void> {
  const algorithms = [`sha256:${'0'.repeat(64)}`, `sha384:${'0'.repeat(96)}`, `sha512:${'0'.repeat(128)}`]
  const folders = [
    ...algorithms.map(digest => dirname(content.path(digest))),
    ...(await repositories.list()).map(name => repositories.blobsPath(name))
  ]
  for (const folder of folders) {
    for (const name of await listNames(folder)) {
      if (name.endsWith(asideSuffix)) await ifThere(rename(join(folder, name), join(folder, name.slice(0, -asideSuffix.length))), undefined)
    }
  }
}

async function isOld(path: string, before: number): Promise<boolean> {
  const found = await ifThere(stat(path), undefined)
  return found !== undefined && found.mtimeMs < before
}
