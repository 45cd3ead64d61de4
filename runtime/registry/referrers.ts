import { EngineError } from '../../src/errors/index.js'
import { type Digest, digestParts, isDigest } from './digest.js'
import type { AnswerHeaders } from './exchange.js'
import { parseObject } from './manifest.js'
import { mediaTypes } from './media-types.js'

/** A manifest that says something of another one. */
export interface Referrer {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** How lists of referrers are read and written. */
export interface ReferrerPorts {
  /** Undefined where there is no such thing. @param target - tag or digest; or a whole URL, of a further page */
  read(wanted: 'manifest' | 'referrers', target: string): Promise<ReferrerPage | undefined>
  put(tag: string, manifest: { readonly bytes: Uint8Array; readonly mediaType: string }): Promise<void>
}

export interface ReferrerPage {
  readonly bytes: Uint8Array
  readonly headers: AnswerHeaders
  readonly url: string
}

const maximumPages = 1_000
/** More of one manifest are not listed: a list without an end must not fill the memory. */
const maximumReferrers = 10_000

/** Distribution specification 1.1, "Listing Referrers"; of a registry that has no such list, "Unavailable Referrers API". */
export async function listReferrers(subject: Digest, artifactType: string | undefined, ports: ReferrerPorts): Promise<readonly Referrer[]> {
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`
  let page = await ports.read('referrers', `${subject}${query}`)
  if (page === undefined) return ofType(await taggedReferrers(subject, ports), artifactType)
  const found: Referrer[] = []
  for (let pages = 1; page !== undefined; pages++) {
    found.push(...readReferrers(page.bytes))
    const next: string | undefined = nextPage(page)
    const isEnough = pages === maximumPages || found.length >= maximumReferrers
    page = next === undefined || isEnough ? undefined : await ports.read('referrers', next)
  }
  return ofType(found.slice(0, maximumReferrers), artifactType)
}

/** Note a manifest with a subject under the subject's tag, as the specification asks of clients where the registry does not keep such lists. */
export async function tagReferrer(
  manifest: { readonly bytes: Uint8Array; readonly mediaType: string; readonly digest: Digest },
  ports: ReferrerPorts
): Promise<void> {
  const document = parseObject(manifest.bytes, 'a manifest to push')
  const subject = isObject(document.subject) ? document.subject.digest : undefined
  if (typeof subject !== 'string' || !isDigest(subject)) return
  const known = await taggedReferrers(subject, ports)
  if (known.some(({ digest }) => digest === manifest.digest)) return
  const config = isObject(document.config) ? document.config.mediaType : undefined
  const artifactType = document.artifactType ?? config
  const referrer: Referrer = {
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.bytes.byteLength,
    ...(typeof artifactType === 'string' && { artifactType }),
    ...(isAnnotations(document.annotations) && { annotations: document.annotations })
  }
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [...known, referrer] }
  await ports.put(referrersTag(subject), { bytes: Buffer.from(JSON.stringify(index)), mediaType: mediaTypes.ociIndex })
}

async function taggedReferrers(subject: Digest, ports: ReferrerPorts): Promise<readonly Referrer[]> {
  const page = await ports.read('manifest', referrersTag(subject))
  return page === undefined ? [] : readReferrers(page.bytes)
}

/** `sha256-<hex>`, cut as the specification says. */
function referrersTag(subject: Digest): string {
  const { algorithm, hex } = digestParts(subject)
  return `${algorithm.slice(0, 32)}-${hex.slice(0, 64)}`
}

function readReferrers(bytes: Uint8Array): readonly Referrer[] {
  const { manifests } = parseObject(bytes, "a registry's list of referrers")
  if (!Array.isArray(manifests)) throw new EngineError('data_loss', "a registry's list of referrers has no `manifests`")
  return manifests.map(readReferrer)
}

function readReferrer(value: unknown): Referrer {
  const { mediaType, digest, size, artifactType, annotations } = isObject(value) ? value : {}
  if (typeof mediaType !== 'string' || typeof digest !== 'string' || !isDigest(digest) || typeof size !== 'number') {
    throw new EngineError('data_loss', "a registry's list of referrers is malformed: it has an entry without type, digest or size")
  }
  return {
    mediaType,
    digest,
    size,
    ...(typeof artifactType === 'string' && { artifactType }),
    ...(isAnnotations(annotations) && { annotations })
  }
}

/** Registries may leave the filtering to whoever asks. */
function ofType(referrers: readonly Referrer[], artifactType: string | undefined): readonly Referrer[] {
  return artifactType === undefined ? referrers : referrers.filter(referrer => referrer.artifactType === artifactType)
}

/** RFC 8288; a page elsewhere is not asked for. */
function nextPage({ headers, url }: ReferrerPage): string | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(headers.get('link') ?? '')?.[1]
  if (target === undefined || !URL.canParse(target, url)) return undefined
  const next = new URL(target, url)
  return next.origin === new URL(url).origin ? next.href : undefined
}

function isAnnotations(value: unknown): value is Readonly<Record<string, string>> {
  return isObject(value) && Object.values(value).every(each => typeof each === 'string')
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
