import type { Digest } from '../registry/digest.js'
import { parseContentRange } from './byte-range.js'
import { bodyOf, type Exchange, lengthOf, type RegistryContext, send } from './exchange.js'
import { isDiskFull, Refusal } from './refusal.js'
import { checkDigest, isRepository } from './route.js'
import { rangeText, type Upload } from './upload.js'

interface UploadPlace {
  readonly repository: string
  readonly id: string
}

/**
 * `POST /v2/<name>/blobs/uploads/`: begin an upload (202); with `?digest=` and a body it is the whole of it (201); with `?mount=` a blob that
 * another repository has is given to this one (201), else an upload begins.
 */
export async function beginUpload(context: RegistryContext, exchange: Exchange, repository: string): Promise<void> {
  const { query } = exchange
  const { storage } = context
  const mount = query.get('mount')
  if (mount !== null && (await mountBlob(context, { digest: checkDigest(mount), from: query.get('from'), repository }))) {
    return sendCreated(exchange, repository, checkDigest(mount))
  }
  const wanted = query.get('digest')
  const digest = wanted === null || mount !== null ? undefined : checkDigest(wanted)
  const upload = await storage.uploads.begin(repository)
  if (digest !== undefined) return finish(context, exchange, { upload, repository, digest })
  send(exchange, 202, progress(repository, upload.id, 0))
}

async function mountBlob(
  { storage }: RegistryContext,
  { digest, from, repository }: { readonly digest: Digest; readonly from: string | null; readonly repository: string }
): Promise<boolean> {
  // Who may push here may pull everything here, so any repository will do where none is named.
  const sources = from === null ? await storage.repositories.list() : isRepository(from) ? [from] : []
  for (const source of sources) {
    if (await storage.mount(digest, { from: source, to: repository })) return true
  }
  return false
}

/** `PATCH`: a piece of an upload; `Content-Range` says which, else it is the next one, of any length. */
export async function addToUpload({ storage }: RegistryContext, exchange: Exchange, { repository, id }: UploadPlace): Promise<void> {
  const upload = await storage.uploads.find(repository, id)
  const size = await upload.exclusively(() => append(upload, exchange))
  send(exchange, 202, progress(repository, id, size))
}

/** `PUT ?digest=`: the end of an upload, perhaps with its last piece. */
export async function finishUpload(context: RegistryContext, exchange: Exchange, { repository, id }: UploadPlace): Promise<void> {
  const digest = checkDigest(exchange.query.get('digest') ?? '')
  const upload = await context.storage.uploads.find(repository, id)
  await upload.exclusively(() => finish(context, exchange, { upload, repository, digest }))
}

/** `GET`: how far an upload has come. */
export async function showUpload({ storage }: RegistryContext, exchange: Exchange, { repository, id }: UploadPlace): Promise<void> {
  const upload = await storage.uploads.find(repository, id)
  send(exchange, 204, progress(repository, id, await upload.sizeBytes()))
}

/** `DELETE`: give an upload up. */
export async function cancelUpload({ storage }: RegistryContext, exchange: Exchange, { repository, id }: UploadPlace): Promise<void> {
  await storage.uploads.remove(await storage.uploads.find(repository, id))
  send(exchange, 204, {})
}

interface Finish {
  readonly upload: Upload
  readonly repository: string
  readonly digest: Digest
}

/** Take the last bytes in, and make a blob of it. What is damaged is not kept: it could not be mended. */
async function finish({ storage }: RegistryContext, exchange: Exchange, { upload, repository, digest }: Finish): Promise<void> {
  const isBeginning = (await upload.sizeBytes()) === 0
  // Bytes that are on this disk already are looked at, and not written again.
  const actual =
    isBeginning && (await storage.linkKnown(upload, digest))
      ? await upload.hashOnly(bodyOf(exchange), { expected: digest, signal: exchange.signal })
      : await append(upload, exchange).then(() => upload.digest(digest))
  if (actual !== digest) {
    await storage.uploads.remove(upload)
    throw new Refusal('DIGEST_INVALID', `what was sent hashes to ${actual} and not to ${digest}`, { detail: { digest, actual } })
  }
  await storage.finish(upload, repository, digest)
  sendCreated(exchange, repository, digest)
}

async function append(upload: Upload, exchange: Exchange): Promise<number> {
  const range = parseContentRange(exchange.request.headers['content-range'])
  const length = lengthOf(exchange)
  if (range !== undefined && length !== undefined && length !== range.last - range.first + 1) {
    throw new Refusal('SIZE_INVALID', `Content-Range has ${range.last - range.first + 1} bytes, and Content-Length ${length}`)
  }
  const { signal } = exchange
  try {
    return await upload.append(bodyOf(exchange), range === undefined ? { signal } : { signal, first: range.first })
  } catch (error) {
    // What fills the disk is not kept for a later try.
    if (isDiskFull(error)) await upload.remove()
    throw error
  }
}

function progress(repository: string, id: string, sizeBytes: number) {
  return { location: `/v2/${repository}/blobs/uploads/${id}`, range: rangeText(sizeBytes), 'docker-upload-uuid': id }
}

function sendCreated(exchange: Exchange, repository: string, digest: Digest): void {
  send(exchange, 201, { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest })
}
