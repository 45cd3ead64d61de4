import { type Digest, isDigest } from '../registry/digest.js'
import { Refusal } from './refusal.js'

/** What a request's path names: distribution specification, "Endpoints". */
export type Route =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'token' }
  | { readonly kind: 'blob'; readonly repository: string; readonly digest: Digest }
  | { readonly kind: 'uploads'; readonly repository: string }
  | { readonly kind: 'upload'; readonly repository: string; readonly id: string }
  | { readonly kind: 'manifest'; readonly repository: string; readonly target: ManifestTarget }
  | { readonly kind: 'tags'; readonly repository: string }
  | { readonly kind: 'referrers'; readonly repository: string; readonly digest: Digest }

/** How a manifest is named. */
export type ManifestTarget = { readonly tag: string } | { readonly digest: Digest }

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`)
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/
const uploadPattern = /^[0-9a-f]{32}$/

/** With the registry's host a name must be at most this long, so that clients can write it. */
const longestRepository = 255

/**
 * Read a path. A repository's name may hold words such as `blobs` itself: what comes last decides.
 *
 * @param path - without the query, still percent-encoded
 * @returns undefined for a path that the specification does not have
 * @throws Refusal `NAME_INVALID`, `DIGEST_INVALID`, `TAG_INVALID`, `BLOB_UPLOAD_UNKNOWN`
 */
export function parseRoute(path: string): Route | undefined {
  if (path === '/v2/' || path === '/v2') return { kind: 'base' }
  if (path === '/v2/_catalog') return { kind: 'catalog' }
  if (path === '/token') return { kind: 'token' }
  if (!path.startsWith('/v2/')) return undefined
  const parts = path.slice('/v2/'.length).split('/').map(decoded)
  const nameUntil = (count: number): string => checkRepository(parts.slice(0, -count).join('/'))
  const last = parts.at(-1) ?? ''
  const before = parts.at(-2)
  // Both ways to write the place where uploads begin are in use.
  if (parts.at(-3) === 'blobs' && before === 'uploads' && parts.length > 3) {
    const repository = nameUntil(3)
    if (last === '') return { kind: 'uploads', repository }
    if (!uploadPattern.test(last)) throw unknownUpload(last)
    return { kind: 'upload', repository, id: last }
  }
  if (before === 'blobs' && last === 'uploads' && parts.length > 2) return { kind: 'uploads', repository: nameUntil(2) }
  if (before === 'tags' && last === 'list' && parts.length > 2) return { kind: 'tags', repository: nameUntil(2) }
  if (before === 'blobs' && parts.length > 2) return { kind: 'blob', repository: nameUntil(2), digest: checkDigest(last) }
  if (before === 'manifests' && parts.length > 2) return { kind: 'manifest', repository: nameUntil(2), target: targetOf(last) }
  if (before === 'referrers' && parts.length > 2) return { kind: 'referrers', repository: nameUntil(2), digest: checkDigest(last) }
  return undefined
}

/** @throws Refusal `NAME_INVALID` */
export function checkRepository(name: string): string {
  if (isRepository(name)) return name
  throw new Refusal('NAME_INVALID', `${shown(name)} is no repository's name: lower-case letters and digits, parts separated by slashes`, {
    detail: { name }
  })
}

/** Whether this can be a repository's name. */
export function isRepository(name: string): boolean {
  return name.length <= longestRepository && repositoryPattern.test(name)
}

/** @throws Refusal `DIGEST_INVALID` */
export function checkDigest(text: string): Digest {
  if (isDigest(text)) return text
  throw new Refusal('DIGEST_INVALID', `${shown(text)} is no digest: it is written sha256:<64 lower-case hex digits>, or sha512:<128>`, {
    detail: { digest: text }
  })
}

/** The answer for an upload that is not there, or is another repository's. */
export function unknownUpload(id: string): Refusal {
  return new Refusal('BLOB_UPLOAD_UNKNOWN', 'there is no such upload: it was finished, cancelled or has expired', {
    detail: { upload: id }
  })
}

function targetOf(text: string): ManifestTarget {
  if (text.includes(':')) return { digest: checkDigest(text) }
  if (tagPattern.test(text)) return { tag: text }
  // Code of Docker's registry for it, and the status the specification asks for.
  throw new Refusal('TAG_INVALID', `${shown(text)} is no tag: up to 128 letters, digits, dots, dashes and underscores`, {
    detail: { tag: text }
  })
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new Refusal('NAME_INVALID', 'the path is not percent-encoded as URLs are')
  }
}

function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text)
}
