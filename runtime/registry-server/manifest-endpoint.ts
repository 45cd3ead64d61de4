import { type Digest, digestOf } from '../registry/digest.js'
import { manifestLimitBytes } from '../registry/manifest.js'
import { type Exchange, etagOf, isKnownTo, type RegistryContext, readBody, send, setHeaders } from './exchange.js'
import { type ManifestContent, type Part, readManifest } from './manifest-content.js'
import { Refusal } from './refusal.js'
import type { ManifestTarget } from './route.js'
import { digestLike, type Storage, type StoredManifest } from './storage.js'

interface ManifestPlace {
  readonly repository: string
  readonly target: ManifestTarget
}

/** `GET` and `HEAD /v2/<name>/manifests/<tag or digest>`: as it was pushed, whatever the client says it takes. */
export async function getManifest(context: RegistryContext, exchange: Exchange, place: ManifestPlace): Promise<void> {
  const { request, response, signal } = exchange
  const { upstream } = context
  const found = upstream === undefined ? await storedManifest(context.storage, place) : await upstream.manifest(place, signal)
  if (found === undefined) throw await unknownManifest(context.storage, place)
  const common = { etag: etagOf(found.digest), 'docker-content-digest': found.digest }
  if (isKnownTo(exchange, found.digest)) return send(exchange, 304, common)
  setHeaders(response, { ...common, 'content-type': found.mediaType, 'content-length': found.bytes.byteLength })
  response.writeHead(200)
  response.end(request.method === 'HEAD' ? undefined : found.bytes)
}

/** What a tag or a digest names in a repository. */
export async function storedManifest(storage: Storage, { repository, target }: ManifestPlace): Promise<StoredManifest | undefined> {
  const digest = 'tag' in target ? await storage.repositories.tag(repository, target.tag) : target.digest
  return digest && storage.manifest(repository, digest)
}

/** `PUT`: store a manifest under its digest, and a tag where it was named by one. Everything it names has to be here. */
export async function putManifest({ storage }: RegistryContext, exchange: Exchange, { repository, target }: ManifestPlace): Promise<void> {
  const bytes = await readBody(exchange, manifestLimitBytes)
  const digest = 'tag' in target ? digestOf(bytes) : target.digest
  const actual = digestLike(digest, bytes)
  if (actual !== digest) {
    throw new Refusal('DIGEST_INVALID', `the manifest hashes to ${actual} and not to ${digest}`, { detail: { digest, actual } })
  }
  const content = readManifest(bytes, exchange.request.headers['content-type'])
  await checkParts(storage, repository, content)
  await storage.putManifest(repository, digest, { ...content, bytes })
  if ('tag' in target) await storage.repositories.setTag(repository, target.tag, digest)
  send(exchange, 201, {
    location: `/v2/${repository}/manifests/${digest}`,
    'docker-content-digest': digest,
    'oci-subject': content.subject
  })
}

/** Looking for a blob keeps it: garbage collection cannot take what was found here before the manifest is stored. */
async function checkParts(storage: Storage, repository: string, { blobs, manifests }: ManifestContent): Promise<void> {
  const missing: Digest[] = []
  for (const part of unique(blobs)) {
    const found = await storage.blob(repository, part.digest)
    if (found === undefined) missing.push(part.digest)
    else if (found.sizeBytes !== part.sizeBytes) throw wrongSize(part, found.sizeBytes)
  }
  for (const part of unique(manifests)) {
    const found = await storage.repositories.manifest(repository, part.digest)
    if (found === undefined) missing.push(part.digest)
    else if (found.sizeBytes !== part.sizeBytes) throw wrongSize(part, found.sizeBytes)
  }
  if (missing.length === 0) return
  throw new Refusal('MANIFEST_BLOB_UNKNOWN', `the manifest names what is not in the repository: ${missing.join(', ')}`, {
    detail: missing.map(digest => ({ digest }))
  })
}

function unique(parts: readonly Part[]): readonly Part[] {
  return [...new Map(parts.map(part => [part.digest, part])).values()]
}

function wrongSize({ digest, sizeBytes }: Part, actual: number): Refusal {
  return new Refusal('MANIFEST_INVALID', `the manifest says that ${digest} has ${sizeBytes} bytes, and it has ${actual}`, {
    detail: { digest, sizeBytes, actual }
  })
}

/** `DELETE`: a tag, or a manifest with its tags. */
export async function deleteManifest(context: RegistryContext, exchange: Exchange, place: ManifestPlace): Promise<void> {
  const { repository, target } = place
  const { repositories } = context.storage
  const removed =
    'tag' in target ? await repositories.removeTag(repository, target.tag) : await repositories.removeManifest(repository, target.digest)
  if (!removed) throw await unknownManifest(context.storage, place)
  send(exchange, 202, {})
}

async function unknownManifest(storage: Storage, { repository, target }: ManifestPlace): Promise<Refusal> {
  const wanted = 'tag' in target ? target.tag : target.digest
  if (!(await storage.repositories.has(repository))) return unknownRepository(repository)
  return new Refusal('MANIFEST_UNKNOWN', `${repository} has no manifest ${wanted}`, { detail: { name: repository, wanted } })
}

export function unknownRepository(repository: string): Refusal {
  return new Refusal('NAME_UNKNOWN', `there is no repository ${repository}`, { detail: { name: repository } })
}
