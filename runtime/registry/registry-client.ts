import { createHash } from 'node:crypto'
import { EngineError } from '../../src/errors/index.js'
import { blobStream } from './blob-stream.js'
import { type CheckedLogin, checkLogin } from './check-login.js'
import { type Digest, digestOf, digestParts, isDigest } from './digest.js'
import { checkRegistries, type Endpoint, endpointsFor, type RegistriesSettings } from './endpoints.js'
import { type Exchange, type Fetch, openExchange } from './exchange.js'
import { FetchPool } from './fetch-pool.js'
import { type Descriptor, type ImageIndex, type ImageManifest, manifestLimitBytes, parseManifest } from './manifest.js'
import { manifestAccept } from './media-types.js'
import type { ProxySettings } from './proxy-rules.js'
import type { BlobPushed, UploadSource } from './push-blob.js'
import { familiar, type Reference } from './reference.js'
import type { Referrer } from './referrers.js'
import type { AuthSetting, RegistryAuth } from './registry-auth.js'
import { RegistryRequester } from './registry-requester.js'
import {
  HttpRegistryWriter,
  type ManifestBytes,
  type ManifestHead,
  type PushBlobOptions,
  type ReferrersOptions,
  type RegistryWriteOptions,
  type RegistryWriter
} from './registry-writer.js'
import { excerpt } from './response-failure.js'
import { defaultRetryPolicy, type RetryPolicy } from './retry.js'
import { type SearchOptions, type SearchResult, searchRegistry } from './search.js'

/** Reads from registries: OCI distribution-spec, "pull"; and writes to them. */
export interface RegistryClient extends RegistryWriter {
  /**
   * What a reference names: by its digest where it has one, else by its tag. The digest is verified.
   *
   * @throws EngineError `not_found`, `unauthenticated`, `permission_denied`, `resource_exhausted`, `unavailable`, `deadline_exceeded`,
   *   `data_loss`, `not_supported`
   */
  manifest(reference: Reference, options: RegistryReadOptions): Promise<RemoteManifest>
  /** A small blob, verified. @throws as {@link RegistryClient.manifest}; `not_supported` when it is longer than `limitBytes` */
  blob(reference: Reference, descriptor: Descriptor, options: RegistryReadOptions & { readonly limitBytes: number }): Promise<Uint8Array>
  /**
   * A blob of any length as it comes; length-checked and resumed, its digest is for the reader to verify. The memory of a piece is used again when
   * the next one is asked for.
   */
  blobStream(reference: Reference, descriptor: Descriptor, options: RegistryReadOptions): AsyncIterable<Uint8Array>
  /** Show credentials to a registry. @param domain - as in references @throws EngineError `unauthenticated` where they are refused */
  checkLogin(domain: string, options: { readonly auth: RegistryAuth; readonly signal: AbortSignal }): Promise<CheckedLogin>
  /** Repositories that a registry finds for a word. @param domain - as in references @throws EngineError `not_supported` where it has no search */
  search(domain: string, options: SearchOptions): Promise<readonly SearchResult[]>
  /** Whether something else than the registry itself may answer. */
  hasMirrors(reference: Reference): boolean
  close(): Promise<void>
}

export interface RegistryReadOptions {
  readonly signal: AbortSignal
  /** For the registry that the reference names, and nobody else. @default what the settings say */
  readonly auth?: AuthSetting
  /** Ask the registry itself. @default false */
  readonly skipMirrors?: boolean
}

export interface RemoteManifest {
  readonly digest: Digest
  readonly bytes: Uint8Array
  readonly document: ImageManifest | ImageIndex
}

export interface RegistryClientOptions {
  /** May change: they are read for each request. */
  readonly registries?: RegistriesSettings
  /** Called before a domain's settings are gone by. @default nothing is done */
  readonly settle?: (domain: string) => Promise<void>
  /** @default node:http; the global `fetch` where the process has changed it */
  readonly fetch?: Fetch
  /** The proxies to go through, asked for each request. @default none */
  readonly proxies?: () => ProxySettings
  /** Folder of certificates, one folder below it for each host. @default /etc/docker/certs.d */
  readonly certificates?: string
  /** How long a registry may stay silent. There is no limit for the whole. @default 60000 */
  readonly stallMs?: number
  readonly retry?: Partial<RetryPolicy>
}

const defaultStallMs = 60_000

/** @throws EngineError `invalid_argument` for settings that cannot work */
export function createRegistryClient(options: RegistryClientOptions = {}): RegistryClient {
  const registries = options.registries ?? {}
  checkRegistries(registries)
  return new HttpRegistryClient(registries, options)
}

class HttpRegistryClient implements RegistryClient {
  readonly #registries: RegistriesSettings
  readonly #policy: RetryPolicy
  readonly #pool: FetchPool
  readonly #stallMs: number
  readonly #requester: RegistryRequester
  readonly #settle: (domain: string) => Promise<void>
  readonly #writer: RegistryWriter

  constructor(registries: RegistriesSettings, options: RegistryClientOptions) {
    this.#registries = registries
    this.#policy = { ...defaultRetryPolicy, ...options.retry }
    this.#stallMs = options.stallMs ?? defaultStallMs
    this.#pool = new FetchPool({ ...options, registries })
    this.#settle = options.settle ?? (async () => {})
    this.#requester = new RegistryRequester({
      pool: this.#pool,
      registries,
      settle: this.#settle,
      policy: this.#policy,
      stallMs: this.#stallMs
    })
    this.#writer = new HttpRegistryWriter(this.#requester, { policy: this.#policy, manifestAccept })
  }

  manifest(reference: Reference, options: RegistryReadOptions): Promise<RemoteManifest> {
    const target = reference.digest ?? reference.tag ?? 'latest'
    return this.#requester.request(
      { ...common(reference, options), wanted: 'manifest', target, headers: { accept: manifestAccept } },
      async (exchange, endpoint) => readManifest(await readWhole(exchange, endpoint, reference), { exchange, endpoint, reference })
    )
  }

  async blob(
    reference: Reference,
    descriptor: Descriptor,
    options: RegistryReadOptions & { readonly limitBytes: number }
  ): Promise<Uint8Array> {
    if (descriptor.size > options.limitBytes) {
      throw new EngineError(
        'not_supported',
        `cannot pull ${familiar(reference)}: ${descriptor.digest} has ${descriptor.size} bytes, at most ${options.limitBytes} are accepted for its kind`
      )
    }
    const chunks: Uint8Array[] = []
    for await (const chunk of this.blobStream(reference, descriptor, options)) chunks.push(Uint8Array.from(chunk))
    const bytes = Buffer.concat(chunks)
    if (hashLike(descriptor.digest, bytes) === descriptor.digest) return bytes
    if (options.skipMirrors !== true && this.hasMirrors(reference))
      return this.blob(reference, descriptor, { ...options, skipMirrors: true })
    throw corrupted(reference, { host: reference.domain, expected: descriptor.digest, actual: hashLike(descriptor.digest, bytes) })
  }

  async *blobStream(reference: Reference, descriptor: Descriptor, options: RegistryReadOptions): AsyncIterable<Uint8Array> {
    let source: Endpoint | undefined
    const open = (offset: number) => {
      // Opened before: that stream broke.
      if (source !== undefined) this.#requester.distrust(source)
      // Layers are compressed already; transport compression would only hide their length and digest.
      const headers = { 'accept-encoding': 'identity', ...(offset === 0 ? {} : { range: `bytes=${offset}-` }) }
      return this.#requester.request(
        { ...common(reference, options), wanted: 'blob', target: descriptor.digest, headers },
        async (exchange, endpoint) => {
          source = endpoint
          return exchange
        }
      )
    }
    yield* blobStream(descriptor, { open, policy: this.#policy, signal: options.signal, doing: `pull ${familiar(reference)}` })
  }

  async search(domain: string, options: SearchOptions): Promise<readonly SearchResult[]> {
    await this.#settle(domain)
    const exchange = { fetchFor: (url: URL) => this.#pool.fetchFor(url), stallMs: this.#stallMs, allowDowngrade: false }
    return searchRegistry({ registries: this.#registries, open: request => openExchange(request, exchange) }, domain, options)
  }

  async checkLogin(domain: string, options: { readonly auth: RegistryAuth; readonly signal: AbortSignal }): Promise<CheckedLogin> {
    await this.#settle(domain)
    const exchange = { fetchFor: (url: URL) => this.#pool.fetchFor(url), stallMs: this.#stallMs, allowDowngrade: false }
    return checkLogin({ registries: this.#registries, open: request => openExchange(request, exchange) }, domain, options)
  }

  pushBlob(reference: Reference, source: UploadSource, options: PushBlobOptions): Promise<BlobPushed> {
    return this.#writer.pushBlob(reference, source, options)
  }

  pushManifest(reference: Reference, manifest: ManifestBytes, options: RegistryWriteOptions): Promise<{ readonly digest: Digest }> {
    return this.#writer.pushManifest(reference, manifest, options)
  }

  hasBlob(reference: Reference, digest: Digest, options: RegistryWriteOptions): Promise<boolean> {
    return this.#writer.hasBlob(reference, digest, options)
  }

  headManifest(reference: Reference, options: RegistryWriteOptions): Promise<ManifestHead | undefined> {
    return this.#writer.headManifest(reference, options)
  }

  referrers(reference: Reference, options: ReferrersOptions): Promise<readonly Referrer[]> {
    return this.#writer.referrers(reference, options)
  }

  hasMirrors(reference: Reference): boolean {
    return endpointsFor(reference.domain, this.#registries).length > 1
  }

  close(): Promise<void> {
    return this.#pool.close()
  }
}

function common(reference: Reference, options: RegistryReadOptions) {
  return {
    reference,
    doing: `pull ${familiar(reference)}`,
    auth: options.auth,
    skipMirrors: options.skipMirrors ?? false,
    signal: options.signal
  }
}

async function readWhole(exchange: Exchange, endpoint: Endpoint, reference: Reference): Promise<Uint8Array> {
  const bytes = await exchange.read(manifestLimitBytes)
  if (bytes !== undefined) return bytes
  throw new EngineError(
    'not_supported',
    `cannot pull ${familiar(reference)}: registry ${endpoint.host} sent a manifest of more than ${manifestLimitBytes} bytes, the most the distribution spec allows for`
  )
}

interface Origin {
  readonly exchange: Exchange
  readonly endpoint: Endpoint
  readonly reference: Reference
}

function readManifest(bytes: Uint8Array, { exchange, endpoint, reference }: Origin): RemoteManifest {
  const mediaType = exchange.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (mediaType === 'text/html' || /^\s*</.test(Buffer.from(bytes.subarray(0, 64)).toString('latin1'))) {
    const page = excerpt(Buffer.from(bytes).toString('utf8'), exchange)
    throw new EngineError(
      'unavailable',
      `cannot pull ${familiar(reference)}: ${endpoint.host} answered with a web page instead of a manifest (${page}); check that it is a registry, and that no proxy or log-in page stands before it`,
      { details: { registry: endpoint.host } }
    )
  }
  const digest = digestOf(bytes)
  const announced = exchange.headers.get('docker-content-digest') ?? ''
  for (const expected of [reference.digest, isDigest(announced) ? announced : undefined]) {
    const actual = expected === undefined ? expected : hashLike(expected, bytes)
    if (expected !== undefined && actual !== undefined && actual !== expected) {
      throw corrupted(reference, { host: endpoint.host, expected, actual })
    }
  }
  const document = parseManifest(bytes, { mediaType, source: `cannot pull ${familiar(reference)} from ${endpoint.host}` })
  return { digest: reference.digest ?? digest, bytes, document }
}

function hashLike(expected: Digest, bytes: Uint8Array): Digest {
  const { algorithm } = digestParts(expected)
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest // same algorithm, lower-case hex
}

function corrupted(
  reference: Reference,
  { host, expected, actual }: { readonly host: string; readonly expected: Digest; readonly actual: Digest }
): EngineError {
  return new EngineError(
    'data_loss',
    `cannot pull ${familiar(reference)}: registry ${host} sent content that hashes to ${actual} for ${expected}; its copy is damaged or was tampered with: push the image again`,
    { details: { registry: host, digest: expected, actual } }
  )
}
