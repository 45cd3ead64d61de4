import { createHash, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerError, type LocalServer, serve } from './local-server.js'

/** A registry in memory that takes pushes, as the distribution specification 1.1 says. */
export interface WritableRegistry extends LocalServer {
  /** `<repository> <digest>` -> bytes */
  readonly blobs: Map<string, Buffer>
  /** `<repository> <tag or digest>` */
  readonly manifests: Map<string, { readonly bytes: Buffer; readonly mediaType: string }>
  /** Uploads that are neither ended nor called off. */
  readonly uploads: Map<string, Buffer>
}

export interface WritableOptions {
  /** May answer a request in another way: then it returns true. */
  readonly before?: (request: IncomingMessage, response: ServerResponse) => boolean | undefined
  /** What `Location` is, of a path. @default the path */
  readonly location?: (path: string) => string
  /** Longest body of a blob's request. */
  readonly limitBytes?: number
  readonly chunkMinimumBytes?: number
  /** Whether it keeps lists of referrers. */
  readonly hasReferrers?: boolean
}

export async function serveWritable(options: WritableOptions = {}): Promise<WritableRegistry> {
  const blobs = new Map<string, Buffer>()
  const manifests = new Map<string, { bytes: Buffer; mediaType: string }>()
  const uploads = new Map<string, Buffer>()
  const location = options.location ?? (path => path)

  const server = await serve((request, response) => {
    if (options.before?.(request, response) === true) return
    void answer(request, response).catch(() => response.destroy())
  })
  return { ...server, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](), blobs, manifests, uploads }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://registry')
    const upload = /^\/v2\/(.+)\/blobs\/uploads\/([^/]*)$/.exec(url.pathname)
    if (upload !== null)
      return answerUpload(request, response, { repository: upload[1] ?? '', id: upload[2] ?? '', query: url.searchParams })
    const [, repository = '', kind = '', target = ''] = /^\/v2\/(.+)\/(manifests|blobs|referrers)\/([^/]+)$/.exec(url.pathname) ?? []
    const key = `${repository} ${target}`
    if (kind === 'referrers') return answerReferrers(response, repository, target)
    if (kind === 'manifests' && request.method === 'PUT') {
      const bytes = await bodyOf(request)
      const digest = sha256(bytes)
      const stored = { bytes, mediaType: request.headers['content-type'] ?? '' }
      manifests.set(key, stored)
      manifests.set(`${repository} ${digest}`, stored)
      const subject = JSON.parse(bytes.toString()).subject?.digest
      const noted = options.hasReferrers === true && subject !== undefined ? { 'oci-subject': subject } : {}
      return void response.writeHead(201, { 'docker-content-digest': digest, ...noted }).end()
    }
    const found = kind === 'manifests' ? manifests.get(key) : { bytes: blobs.get(key), mediaType: 'application/octet-stream' }
    if (found?.bytes === undefined) return answerError(response, 404, kind === 'manifests' ? 'MANIFEST_UNKNOWN' : 'BLOB_UNKNOWN', 'unknown')
    response.writeHead(200, {
      'content-type': found.mediaType,
      'content-length': found.bytes.length,
      'docker-content-digest': sha256(found.bytes)
    })
    response.end(request.method === 'HEAD' ? undefined : found.bytes)
  }

  async function answerUpload(
    request: IncomingMessage,
    response: ServerResponse,
    { repository, id, query }: { readonly repository: string; readonly id: string; readonly query: URLSearchParams }
  ): Promise<void> {
    if (request.method === 'POST') {
      const mounted = blobs.get(`${query.get('from')} ${query.get('mount')}`)
      if (mounted !== undefined) {
        blobs.set(`${repository} ${query.get('mount')}`, mounted)
        return void response.writeHead(201).end()
      }
      const begun = randomUUID()
      uploads.set(begun, Buffer.alloc(0))
      return accept(response, `/v2/${repository}/blobs/uploads/${begun}`, 0)
    }
    const known = uploads.get(id)
    if (known === undefined) return answerError(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry')
    if (request.method === 'DELETE') {
      uploads.delete(id)
      return void response.writeHead(204).end()
    }
    const path = `/v2/${repository}/blobs/uploads/${id}`
    if (request.method === 'GET') return accept(response, path, known.length, 204)
    if (Number(request.headers['content-length'] ?? 0) > (options.limitBytes ?? Number.POSITIVE_INFINITY)) {
      return void response.writeHead(413).end()
    }
    const range = /^(\d+)-\d+$/.exec(request.headers['content-range'] ?? '')
    if (range !== null && Number(range[1]) !== known.length) return answerError(response, 416, 'RANGE_INVALID', 'wrong range')
    // What came before a cut stays.
    const pieces = [known]
    try {
      for await (const piece of request) pieces.push(piece as Buffer)
    } finally {
      if (uploads.has(id)) uploads.set(id, Buffer.concat(pieces))
    }
    const bytes = Buffer.concat(pieces)
    if (request.method === 'PATCH') return accept(response, path, bytes.length)
    if (sha256(bytes) !== query.get('digest')) return answerError(response, 400, 'DIGEST_INVALID', 'provided digest did not match')
    uploads.delete(id)
    blobs.set(`${repository} ${query.get('digest')}`, bytes)
    response.writeHead(201).end()
  }

  function accept(response: ServerResponse, path: string, bytes: number, status = 202): void {
    const minimum = options.chunkMinimumBytes === undefined ? {} : { 'oci-chunk-min-length': options.chunkMinimumBytes }
    response.writeHead(status, { location: location(path), range: `0-${Math.max(bytes - 1, 0)}`, ...minimum }).end()
  }

  function answerReferrers(response: ServerResponse, repository: string, subject: string): void {
    if (options.hasReferrers !== true) return void response.writeHead(404).end()
    const found = new Map<string, object>()
    for (const [key, { bytes, mediaType }] of manifests) {
      const document = JSON.parse(bytes.toString())
      if (!key.startsWith(`${repository} `) || document.subject?.digest !== subject) continue
      const digest = sha256(bytes)
      found.set(digest, { mediaType, digest, size: bytes.length, artifactType: document.artifactType })
    }
    response.writeHead(200, { 'content-type': 'application/vnd.oci.image.index.v1+json' })
    response.end(JSON.stringify({ schemaVersion: 2, manifests: [...found.values()] }))
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
