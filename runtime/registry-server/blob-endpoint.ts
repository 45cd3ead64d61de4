import type { Digest } from '../registry/digest.js'
import { parseRange } from './byte-range.js'
import { type Exchange, etagOf, isKnownTo, type RegistryContext, send, setHeaders } from './exchange.js'
import { Refusal } from './refusal.js'
import { sendFile, wholeFile } from './send-file.js'
import type { OpenBlob } from './upstream.js'

interface BlobPlace {
  readonly repository: string
  readonly digest: Digest
}

/** `GET` and `HEAD /v2/<name>/blobs/<digest>`. */
export async function readBlob(context: RegistryContext, exchange: Exchange, place: BlobPlace): Promise<void> {
  const { request, response } = exchange
  const blob = await openBlob(context, exchange, place)
  const common = {
    etag: etagOf(place.digest),
    'docker-content-digest': place.digest,
    'accept-ranges': 'bytes',
    'cache-control': 'max-age=31536000'
  }
  if (isKnownTo(exchange, place.digest)) return send(exchange, 304, common)
  const condition = request.headers['if-range']
  const isWhole = request.method === 'HEAD' || (condition !== undefined && condition !== etagOf(place.digest))
  const range = isWhole ? undefined : parseRange(request.headers.range, blob.sizeBytes)
  const { first, last } = range ?? { first: 0, last: blob.sizeBytes - 1 }
  const isSent = request.method !== 'HEAD' && blob.sizeBytes > 0
  // What cannot be fetched is told while there is still a status to tell it with.
  if (isSent) await blob.source.readable(first)
  setHeaders(response, {
    ...common,
    'content-type': 'application/octet-stream',
    'content-length': last - first + 1,
    'content-range': range && `bytes ${first}-${last}/${blob.sizeBytes}`
  })
  response.writeHead(range === undefined ? 200 : 206)
  if (isSent) await sendFile(response, blob.source, { first, last })
  response.end()
}

async function openBlob({ storage, upstream }: RegistryContext, exchange: Exchange, { repository, digest }: BlobPlace): Promise<OpenBlob> {
  const stored = await storage.blob(repository, digest)
  if (stored !== undefined) return { sizeBytes: stored.sizeBytes, source: wholeFile(stored.path, stored.sizeBytes) }
  const fetched = await upstream?.blob(repository, digest, exchange.request.method === 'HEAD')
  if (fetched !== undefined) return fetched
  throw unknownBlob(digest)
}

/** `DELETE /v2/<name>/blobs/<digest>`: the repository has it no more. Its bytes go when nobody has it. */
export async function deleteBlob({ storage }: RegistryContext, exchange: Exchange, { repository, digest }: BlobPlace): Promise<void> {
  if (!(await storage.repositories.removeBlob(repository, digest))) throw unknownBlob(digest)
  send(exchange, 202, {})
}

function unknownBlob(digest: Digest): Refusal {
  return new Refusal('BLOB_UNKNOWN', `the repository has no blob ${digest}`, { detail: { digest } })
}
