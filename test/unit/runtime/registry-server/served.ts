import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRegistry, type Registry, type RegistryOptions } from '../../../../runtime/registry-server/open-registry.js'

/** A registry on a folder of its own, and how to speak with it. */
export interface Served extends AsyncDisposable {
  readonly registry: Registry
  readonly folder: string
  readonly lines: readonly string[]
  call(method: string, path: string, options?: Call): Promise<Answer>
  /** Send a blob in one piece. @returns its digest */
  blob(repository: string, content: Uint8Array | string): Promise<string>
  /** A manifest of one layer and a configuration, both of which are sent first. */
  image(repository: string, options?: { readonly tag?: string; readonly layer?: string; readonly extra?: object }): Promise<Pushed>
}

export interface Call {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer
  readonly text: string
  /** Codes of the errors in the body. */
  readonly codes: readonly string[]
}

export interface Pushed {
  readonly digest: string
  readonly layer: string
  readonly config: string
  readonly bytes: string
}

export const ociManifest = 'application/vnd.oci.image.manifest.v1+json'
export const ociIndex = 'application/vnd.oci.image.index.v1+json'

export function sha256(content: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

export async function serve(options: Partial<RegistryOptions> & { readonly folder?: string } = {}): Promise<Served> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'gantry-registry-')))
  const lines: string[] = []
  const registry = await openRegistry({ storage: join(folder, 'storage'), log: line => lines.push(line), ...options })
  const base = `http://${registry.address}`
  const call: Served['call'] = async (method, path, { headers = {}, body } = {}) => {
    const response = await fetch(path.startsWith('http') ? path : base + path, { method, headers, ...(body !== undefined && { body }) })
    const bytes = Buffer.from(await response.arrayBuffer())
    return { status: response.status, headers: response.headers, body: bytes, text: bytes.toString(), codes: codesOf(bytes.toString()) }
  }
  const blob: Served['blob'] = async (repository, content) => {
    const digest = sha256(content)
    const { status, text } = await call('POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: content })
    if (status !== 201) throw new Error(`${status}: ${text}`)
    return digest
  }
  return {
    registry,
    folder,
    lines,
    call,
    blob,
    async image(repository, { tag = 'latest', layer: content = randomBytes(100).toString('hex'), extra = {} } = {}) {
      const layer = await blob(repository, content)
      const config = await blob(repository, '{}')
      const bytes = JSON.stringify({
        schemaVersion: 2,
        mediaType: ociManifest,
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config, size: 2 },
        layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: layer, size: Buffer.byteLength(content) }],
        ...extra
      })
      const { status, text } = await call('PUT', `/v2/${repository}/manifests/${tag}`, {
        body: bytes,
        headers: { 'content-type': ociManifest }
      })
      if (status !== 201) throw new Error(`${status}: ${text}`)
      return { digest: sha256(bytes), layer, config, bytes }
    },
    async [Symbol.asyncDispose]() {
      await registry.close()
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
    }
  }
}

function codesOf(text: string): readonly string[] {
  if (!text.startsWith('{"errors"')) return []
  return (JSON.parse(text) as { readonly errors: readonly { readonly code: string }[] }).errors.map(({ code }) => code)
}
