import { EngineError } from '../../src/errors/index.js'
import { type Digest, digestOf, isDigest } from './digest.js'
import type { Exchange } from './exchange.js'
import { manifestLimitBytes } from './manifest.js'
import { type BlobPushed, pushBlob, type UploadSource } from './push-blob.js'
import { familiar, type Reference } from './reference.js'
import { listReferrers, type Referrer, type ReferrerPorts, tagReferrer } from './referrers.js'
import type { AuthSetting } from './registry-auth.js'
import type { RegistryRequester } from './registry-requester.js'
import { type RetryPolicy, withRetries } from './retry.js'
import { pushScope } from './scopes.js'
import { checkStored } from './stored-digest.js'

/** Writes to registries: OCI distribution-spec 1.1, "push" and "referrers". The registry itself is asked, never a mirror. */
export interface RegistryWriter {
  /**
   * Bring a blob into a repository. One that is there is not sent; where `mountFrom` names repositories that have it, the registry takes it from
   * there. An upload that is cut goes on where it was; when the push fails, the registry is told to forget it.
   *
   * @throws EngineError `unauthenticated`, `permission_denied`, `not_found`, `not_supported`, `resource_exhausted`, `unavailable`,
   *   `deadline_exceeded`, `data_loss` (the registry got other bytes than the digest is of, or says so); what `source` throws; the signal's reason on abort
   */
  pushBlob(reference: Reference, source: UploadSource, options: PushBlobOptions): Promise<BlobPushed>
  /**
   * Store a manifest or an index, under the reference's tag, else under its digest. Where it has a subject and the registry keeps no list of
   * referrers, the list that the specification keeps under a tag is brought up to date.
   *
   * @throws as {@link RegistryWriter.pushBlob}; `conflict` where a blob that it names is not there
   */
  pushManifest(reference: Reference, manifest: ManifestBytes, options: RegistryWriteOptions): Promise<{ readonly digest: Digest }>
  /** Whether a repository has a blob. */
  hasBlob(reference: Reference, digest: Digest, options: RegistryWriteOptions): Promise<boolean>
  /** What a tag or digest names, without its bytes; undefined where there is no such thing. */
  headManifest(reference: Reference, options: RegistryWriteOptions): Promise<ManifestHead | undefined>
  /** Manifests whose subject the reference's digest is: from the registry's list, else from the one under a tag. None is an empty list. */
  referrers(reference: Reference, options: ReferrersOptions): Promise<readonly Referrer[]>
}

export interface RegistryWriteOptions {
  readonly signal: AbortSignal
  /** For the registry that the reference names, and nobody else. @default what the settings say */
  readonly auth?: AuthSetting
}

export interface PushBlobOptions extends RegistryWriteOptions {
  /** Paths of repositories of the same registry that may have it, best first. */
  readonly mountFrom?: readonly string[]
  /** Bytes sent so far; fewer than before where an upload had to go back. */
  readonly onProgress?: (sentBytes: number) => void
}

export interface ReferrersOptions extends RegistryWriteOptions {
  /** Only those of this type. */
  readonly artifactType?: string
}

export interface ManifestBytes {
  readonly bytes: Uint8Array
  readonly mediaType: string
}

export interface ManifestHead {
  readonly digest: Digest
  readonly mediaType: string
  readonly sizeBytes: number
}

const answerLimitBytes = 64 * 1024

/** The writing half of a registry client. */
export class HttpRegistryWriter implements RegistryWriter {
  readonly #requester: RegistryRequester
  readonly #policy: RetryPolicy
  readonly #manifestAccept: string

  constructor(requester: RegistryRequester, options: { readonly policy: RetryPolicy; readonly manifestAccept: string }) {
    this.#requester = requester
    this.#policy = options.policy
    this.#manifestAccept = options.manifestAccept
  }

  pushBlob(reference: Reference, source: UploadSource, options: PushBlobOptions): Promise<BlobPushed> {
    const common = pushRequest(reference, options)
    return pushBlob(
      {
        send: request => this.#requester.send({ ...common, ...request, scopes: [...common.scopes, ...(request.scopes ?? [])] }),
        has: digest => this.#has({ ...common, wanted: 'blob', target: digest, headers: {} }),
        doing: common.doing,
        policy: this.#policy,
        signal: options.signal,
        mountFrom: options.mountFrom ?? [],
        onProgress: options.onProgress ?? (() => {})
      },
      source
    )
  }

  async pushManifest(reference: Reference, manifest: ManifestBytes, options: RegistryWriteOptions): Promise<{ readonly digest: Digest }> {
    const digest = digestOf(manifest.bytes)
    const hasSubject = await this.#put(reference, { ...manifest, digest }, options)
    if (!hasSubject) await tagReferrer({ ...manifest, digest }, this.#referrerPorts(reference, options))
    return { digest }
  }

  hasBlob(reference: Reference, digest: Digest, options: RegistryWriteOptions): Promise<boolean> {
    return this.#has({ ...pullRequest(reference, options), wanted: 'blob', target: digest, headers: {} })
  }

  headManifest(reference: Reference, options: RegistryWriteOptions): Promise<ManifestHead | undefined> {
    const target = reference.digest ?? reference.tag ?? 'latest'
    const headers = { accept: this.#manifestAccept }
    return this.#retried(
      { ...pullRequest(reference, options), method: 'HEAD', wanted: 'manifest', target, headers, accepted: [404] },
      exchange => {
        const digest = exchange.headers.get('docker-content-digest') ?? reference.digest ?? ''
        if (exchange.status === 404 || !isDigest(digest)) return undefined
        const mediaType = exchange.headers.get('content-type')?.split(';')[0]?.trim() ?? ''
        return { digest, mediaType, sizeBytes: Number(exchange.headers.get('content-length') ?? 0) }
      }
    )
  }

  referrers(reference: Reference, options: ReferrersOptions): Promise<readonly Referrer[]> {
    const { digest } = reference
    if (digest === undefined)
      throw new EngineError('invalid_argument', `${familiar(reference)} names no digest: only a digest has referrers`)
    return listReferrers(digest, options.artifactType, this.#referrerPorts(reference, options))
  }

  /** @returns whether the registry said that it noted the subject */
  #put(
    reference: Reference,
    { bytes, mediaType, digest }: ManifestBytes & { readonly digest: Digest },
    options: RegistryWriteOptions
  ): Promise<boolean> {
    const target = reference.digest ?? reference.tag ?? digest
    const body = { sizeBytes: bytes.byteLength, open: () => once(bytes) }
    const headers = { 'content-type': mediaType }
    return this.#retried(
      { ...pushRequest(reference, options), method: 'PUT', wanted: 'manifest', target, headers, body, accepted: [201, 202, 204] },
      exchange => {
        checkStored(exchange, digest, `push ${familiar(reference)}`)
        return exchange.headers.get('oci-subject') !== null
      }
    )
  }

  #has(request: SentRequest): Promise<boolean> {
    return this.#retried({ ...request, method: 'HEAD', accepted: [404] }, exchange => exchange.status !== 404)
  }

  #referrerPorts(reference: Reference, options: RegistryWriteOptions): ReferrerPorts {
    return {
      read: (wanted, target) =>
        withRetries(this.#policy, options.signal, async () => {
          const headers = { accept: this.#manifestAccept }
          const { exchange } = await this.#requester.send({
            ...pullRequest(reference, options),
            wanted,
            target,
            headers,
            accepted: [400, 404, 405]
          })
          const bytes = await exchange.read(manifestLimitBytes)
          return exchange.status === 200 && bytes !== undefined ? { bytes, headers: exchange.headers, url: exchange.url } : undefined
        }),
      put: async (tag, manifest) => {
        await this.#put({ domain: reference.domain, path: reference.path, tag }, { ...manifest, digest: digestOf(manifest.bytes) }, options)
      }
    }
  }

  #retried<T>(request: SentRequest, read: (exchange: Exchange) => T): Promise<T> {
    return withRetries(this.#policy, request.signal, async () => {
      const { exchange } = await this.#requester.send(request)
      await exchange.read(answerLimitBytes)
      return read(exchange)
    })
  }
}

type SentRequest = Parameters<RegistryRequester['send']>[0]

function pullRequest(reference: Reference, options: RegistryWriteOptions) {
  return { reference, doing: `pull ${familiar(reference)}`, auth: options.auth, signal: options.signal }
}

function pushRequest(reference: Reference, options: RegistryWriteOptions) {
  return { ...pullRequest(reference, options), doing: `push ${familiar(reference)}`, scopes: [pushScope(reference.path)] }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
