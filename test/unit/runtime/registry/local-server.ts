import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SampleBlob, SampleImage } from './sample-image.js'

/** A server on a free loopback port. */
export interface LocalServer extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly host: string
  /** `GET /v2/...`, in the order in which they came. */
  readonly requests: string[]
}

export async function serve(listener: RequestListener, server: Server = createServer()): Promise<LocalServer> {
  const requests: string[] = []
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    requests.push(`${request.method} ${request.url}`)
    listener(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server has one
  return {
    host: `127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

/** What a registry holds: manifests by repository and tag (or digest), blobs by digest. */
export interface Contents {
  readonly manifests: Map<string, { readonly blob: SampleBlob; readonly mediaType: string }>
  readonly blobs: Map<string, Buffer>
}

/** An image under a tag, ready to be answered for. */
export function contentsOf(repository: string, tag: string, image: SampleImage, mediaType: string): Contents {
  const manifests = new Map<string, { blob: SampleBlob; mediaType: string }>()
  manifests.set(`${repository}:${tag}`, { blob: image.manifest, mediaType })
  manifests.set(`${repository}:${image.manifest.digest}`, { blob: image.manifest, mediaType })
  const blobs = new Map([image.config, ...image.layers].map(({ digest, bytes }) => [digest, bytes]))
  return { manifests, blobs }
}

/** A registry that does as it should. `before` may answer a request in another way: then it returns true. */
export function registryListener(
  contents: Contents,
  before: (request: IncomingMessage, response: ServerResponse) => boolean | undefined = () => false
): RequestListener {
  return (request, response) => {
    if (before(request, response) === true) return
    const match = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? '')
    const [, repository, kind, target = ''] = match ?? []
    if (kind === 'manifests') {
      const found = contents.manifests.get(`${repository}:${target}`)
      if (found === undefined) return answerError(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown')
      response.writeHead(200, { 'content-type': found.mediaType, 'docker-content-digest': found.blob.digest })
      return response.end(found.blob.bytes)
    }
    const blob = contents.blobs.get(target)
    if (blob === undefined) return answerError(response, 404, 'BLOB_UNKNOWN', 'blob unknown to registry')
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const headers = { 'content-length': blob.length - start, 'content-type': 'application/octet-stream' }
    if (start === 0) response.writeHead(200, headers)
    else response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${blob.length - 1}/${blob.length}` })
    return response.end(blob.subarray(start))
  }
}

export function answerError(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ errors: [{ code, message }] }))
}
