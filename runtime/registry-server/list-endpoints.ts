import type { Digest } from '../registry/digest.js'
import { manifestLimitBytes } from '../registry/manifest.js'
import { mediaTypes } from '../registry/media-types.js'
import type { Referrer } from '../registry/referrers.js'
import { type Exchange, type RegistryContext, send, sendJson } from './exchange.js'
import { unknownRepository } from './manifest-endpoint.js'
import { Refusal } from './refusal.js'

/** A part of a sorted list. */
export interface Page {
  readonly names: readonly string[]
  /** The last name, where more follow. */
  readonly next?: string
}

/**
 * Cut a page out of sorted names: those after `last`, `n` of them.
 *
 * @throws Refusal `PAGINATION_NUMBER_INVALID` for an `n` that is no number
 */
export function pageOf(names: readonly string[], query: URLSearchParams): Page {
  const text = query.get('n')
  if (text !== null && !/^\d{1,9}$/.test(text)) throw new Refusal('PAGINATION_NUMBER_INVALID', 'n has to be a number')
  const last = query.get('last') ?? ''
  const rest = last === '' ? names : names.filter(name => name > last)
  const count = text === null ? rest.length : Number(text)
  const page = rest.slice(0, count)
  const end = page.at(-1)
  return end === undefined || rest.length === page.length ? { names: page } : { names: page, next: end }
}

/** `GET /v2/<name>/tags/list` */
export async function listTags({ storage }: RegistryContext, exchange: Exchange, repository: string): Promise<void> {
  const tags = await storage.repositories.tags(repository)
  if (tags.length === 0 && !(await storage.repositories.has(repository))) throw unknownRepository(repository)
  const page = pageOf(tags, exchange.query)
  sendJson(exchange, { name: repository, tags: page.names }, linkTo(`/v2/${repository}/tags/list`, exchange, page.next))
}

/** `GET /v2/_catalog`: repositories that have a manifest. */
export async function listRepositories({ storage: { repositories } }: RegistryContext, exchange: Exchange): Promise<void> {
  const all = await repositories.list()
  const used = await Promise.all(all.map(async name => (await repositories.manifests(name)).length > 0))
  const page = pageOf(
    all.filter((_name, index) => used[index]),
    exchange.query
  )
  sendJson(exchange, { repositories: page.names }, linkTo('/v2/_catalog', exchange, page.next))
}

/** What the list of referrers may take beside its items. */
const indexOverheadBytes = 1024

/** `GET /v2/<name>/referrers/<digest>`: manifests whose subject it is, as an index; in pages where one would be too long. */
export async function listReferrers(
  { storage, upstream }: RegistryContext,
  exchange: Exchange,
  { repository, digest }: { readonly repository: string; readonly digest: Digest }
): Promise<void> {
  const type = exchange.query.get('artifactType') ?? ''
  const last = exchange.query.get('last') ?? ''
  const all = upstream === undefined ? await storage.referrers(repository, digest) : await upstream.referrers(repository, digest)
  const wanted = all.filter(({ digest: each, artifactType }) => (type === '' || artifactType === type) && each > last)
  const manifests: Referrer[] = []
  let size = indexOverheadBytes
  for (const item of wanted) {
    size += Buffer.byteLength(JSON.stringify(item)) + 1
    if (size > manifestLimitBytes && manifests.length > 0) break
    manifests.push(item)
  }
  const next = manifests.length < wanted.length ? manifests.at(-1)?.digest : undefined
  const body = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests })
  send(
    exchange,
    200,
    {
      'content-type': mediaTypes.ociIndex,
      ...(type !== '' && { 'oci-filters-applied': 'artifactType' }),
      ...linkTo(`/v2/${repository}/referrers/${digest}`, exchange, next)
    },
    body
  )
}

/** Where the next page is: RFC 5988. */
function linkTo(path: string, { query }: Exchange, last: string | undefined): { readonly link?: string } {
  if (last === undefined) return {}
  const rest = new URLSearchParams(query)
  rest.set('last', last)
  return { link: `<${path}?${rest}>; rel="next"` }
}
