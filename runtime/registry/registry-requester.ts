import { EngineError } from '../../src/errors/index.js'
import { type Endpoint, endpointsFor, type RegistriesSettings, settingsFor } from './endpoints.js'
import { type Exchange, type ExchangeBody, type Method, openExchange } from './exchange.js'
import type { FetchPool } from './fetch-pool.js'
import { isNetworkFailure } from './network-failure.js'
import type { Reference } from './reference.js'
import type { FailureContext } from './refusal.js'
import { type AuthSetting, secretsOf, settledAuth } from './registry-auth.js'
import { responseFailure } from './response-failure.js'
import { type RetryPolicy, withRetries } from './retry.js'
import { type AccessRequest, TokenSource } from './token-source.js'

/** A request below `/v2/<repository>/`. */
export interface RegistryRequest {
  readonly reference: Reference
  /** @default 'GET' */
  readonly method?: Method
  readonly wanted: FailureContext['wanted']
  /** Tag or digest; of an upload the query, or the whole URL once it has one. */
  readonly target: string
  /** Beside 200 and 206. */
  readonly accepted?: readonly number[]
  readonly body?: ExchangeBody
  /** What a token has to allow. @default reading the repository */
  readonly scopes?: readonly string[]
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** What it is for, in messages: `pull alpine:latest`. */
  readonly doing: string
  /** For the origin only; a mirror has credentials of its own in the settings. */
  readonly auth: AuthSetting | undefined
  readonly skipMirrors: boolean
  readonly signal: AbortSignal
}

export interface RequesterOptions {
  readonly pool: FetchPool
  readonly registries: RegistriesSettings
  /** Called before a domain's settings are gone by. */
  readonly settle: (domain: string) => Promise<void>
  readonly policy: RetryPolicy
  readonly stallMs: number
}

/** An answer, and the URL that the registry was reached at. */
export interface Sent {
  readonly exchange: Exchange
  readonly base: string
}

interface MirrorFailure {
  readonly mirror: string
  readonly code: string
  readonly message: string
}

/** How long a mirror that did not answer is passed over. */
const distrustMs = 60_000
const drainLimitBytes = 64 * 1024
const userAgent = 'gantry'

/** Asks a repository's mirrors, then its registry: over the scheme that works, with the credentials it wants, again where that may help. */
export class RegistryRequester {
  readonly #options: RequesterOptions
  readonly #tokens: TokenSource
  /** The URL that an endpoint was reached at. */
  readonly #spoken = new Map<string, string>()
  readonly #distrustedUntil = new Map<string, number>()

  constructor(options: RequesterOptions) {
    this.#options = options
    this.#tokens = new TokenSource(request => openExchange(request, this.#exchangeOptions(new URL(request.url).host)))
  }

  /**
   * @param consume reads the response; when it throws, the next mirror is asked, or the request is made again if the error says
   *   that this may help
   * @throws EngineError of the origin, with what the mirrors said in `details.mirrors`
   */
  async request<T>(request: RegistryRequest, consume: (exchange: Exchange, endpoint: Endpoint) => Promise<T>): Promise<T> {
    const failures: MirrorFailure[] = []
    await this.#options.settle(request.reference.domain)
    for (const endpoint of this.#endpoints(request)) {
      const ask = async () => consume(await this.#ask(endpoint, request), endpoint)
      try {
        return endpoint.mirror ? await ask() : await withRetries(this.#options.policy, request.signal, ask)
      } catch (error) {
        if (request.signal.aborted) throw request.signal.reason
        if (!endpoint.mirror) throw withMirrors(error, failures)
        if (isNetworkFailure(error) || (EngineError.is(error) && error.code === 'deadline_exceeded')) this.distrust(endpoint)
        const code = EngineError.is(error) ? error.code : 'internal'
        failures.push({ mirror: endpoint.host, code, message: error instanceof Error ? error.message : String(error) })
      }
    }
    throw new EngineError('internal', `no endpoint for ${request.reference.domain}`)
  }

  /**
   * Ask the registry itself, once.
   *
   * @throws EngineError as the answer says, where it is none of those that are accepted
   */
  async send(request: Omit<RegistryRequest, 'skipMirrors'>): Promise<Sent> {
    await this.#options.settle(request.reference.domain)
    // The registry itself is the last one, after its mirrors.
    const origin = endpointsFor(request.reference.domain, this.#options.registries).at(-1)
    if (origin === undefined) throw new EngineError('internal', `no endpoint for ${request.reference.domain}`)
    const exchange = await this.#ask(origin, { ...request, skipMirrors: true })
    return { exchange, base: this.#spoken.get(origin.host) ?? '' }
  }

  /** Pass over a mirror for a while: it did not answer, or gave something wrong. */
  distrust(endpoint: Endpoint): void {
    if (endpoint.mirror) this.#distrustedUntil.set(endpoint.host, Date.now() + distrustMs)
  }

  #endpoints(request: RegistryRequest): readonly Endpoint[] {
    return endpointsFor(request.reference.domain, this.#options.registries).filter(
      ({ mirror, host }) => !mirror || (!request.skipMirrors && (this.#distrustedUntil.get(host) ?? 0) < Date.now())
    )
  }

  async #ask(endpoint: Endpoint, request: RegistryRequest): Promise<Exchange> {
    const spoken = this.#spoken.get(endpoint.host)
    const bases = spoken !== undefined && endpoint.bases.includes(spoken) ? [spoken] : endpoint.bases
    const failures: unknown[] = []
    for (const base of bases) {
      try {
        const exchange = await this.#askAt(base, endpoint, request)
        this.#spoken.set(endpoint.host, base)
        return exchange
      } catch (error) {
        if (request.signal.aborted || !suggestsOtherScheme(error, base)) throw error
        failures.push(error)
      }
    }
    // "It does not speak TLS" says little where plain http was tried as well.
    throw failures.find(failure => !saysNoTls(failure)) ?? failures[0]
  }

  async #askAt(base: string, endpoint: Endpoint, request: RegistryRequest): Promise<Exchange> {
    const auth = await settledAuth(endpoint.mirror ? endpoint.auth : (request.auth ?? endpoint.auth))
    const { reference, signal, doing, wanted, target, method = 'GET', body, scopes } = request
    const access: AccessRequest = { base, host: endpoint.host, reference, auth, signal, ...(scopes && { scopes }) }
    const url = urlOf(base, request)
    // Only what the registry itself takes is authorised by it: storage beside it has its own way, in the URL.
    const isOwn = new URL(url).origin === new URL(base).origin
    let authorization = !isOwn ? undefined : body === undefined ? this.#tokens.current(access) : await this.#tokens.renewed(access)
    for (let first = true; ; first = false) {
      const headers = { 'user-agent': userAgent, ...request.headers, ...(authorization === undefined ? {} : { authorization }) }
      const asked = { url, method, headers, doing, signal, ...(body && { body }) }
      const exchange = await openExchange(asked, { ...this.#exchangeOptions(endpoint.host), settleMs: settleMs(this.#options.stallMs) })
      if (exchange.status === 200 || exchange.status === 206 || request.accepted?.includes(exchange.status)) return exchange
      // A 401 from where a redirect led is no question to us: its token service would get this registry's credentials.
      if (exchange.status === 401 && first && isOwn && exchange.host === new URL(base).host) {
        authorization = await this.#answer(access, exchange)
        if (authorization !== undefined) {
          await exchange.read(drainLimitBytes).catch(() => undefined)
          continue
        }
      }
      const secrets = [...secretsOf(auth), authorization?.split(' ')[1] ?? '']
      const isPush = scopes !== undefined
      const authenticated = auth !== undefined
      throw await responseFailure(exchange, { reference, host: endpoint.host, wanted, target, isPush, authenticated, secrets })
    }
  }

  async #answer(access: AccessRequest, exchange: Exchange): Promise<string | undefined> {
    try {
      return await this.#tokens.answer(access, exchange.headers.get('www-authenticate'))
    } catch (error) {
      await exchange.discard()
      throw error
    }
  }

  #exchangeOptions(host: string) {
    const { pool, stallMs, registries } = this.#options
    return { fetchFor: (url: URL) => pool.fetchFor(url), stallMs, allowDowngrade: settingsFor(host, registries).insecure === true }
  }
}

function urlOf(base: string, { reference, wanted, target }: Pick<RegistryRequest, 'reference' | 'wanted' | 'target'>): string {
  const repository = `${base}/v2/${reference.path}`
  switch (wanted) {
    case 'manifest':
      return `${repository}/manifests/${target}`
    case 'blob':
      return `${repository}/blobs/${target}`
    case 'referrers':
      return /^https?:/.test(target) ? target : `${repository}/referrers/${target}`
    case 'upload':
      return /^https?:/.test(target) ? target : `${repository}/blobs/uploads/${target}`
  }
}

/** Registries hash what they get, and some copy it, before they answer. */
function settleMs(stallMs: number): number {
  return stallMs * 5
}

/** No answer at all, or Go's and nginx's answer to plain http on a TLS port. */
function suggestsOtherScheme(error: unknown, base: string): boolean {
  if (isNetworkFailure(error)) return true
  return base.startsWith('http:') && EngineError.is(error) && error.details.status === 400 && /HTTPS/.test(error.message)
}

function saysNoTls(error: unknown): boolean {
  const errno = EngineError.is(error) ? error.details.errno : undefined
  return typeof errno === 'string' && (errno === 'EPROTO' || errno.startsWith('ERR_SSL'))
}

function withMirrors(error: unknown, mirrors: readonly MirrorFailure[]): unknown {
  if (mirrors.length === 0 || !EngineError.is(error)) return error
  const message = `${error.message} (asked before: ${mirrors.map(({ mirror, code }) => `mirror ${mirror}, ${code}`).join('; ')})`
  return new EngineError(error.code, message, { details: { ...error.details, mirrors }, cause: error.cause })
}
