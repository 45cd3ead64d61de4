import { createHash } from 'node:crypto'
import { EngineError } from '../../src/errors/index.js'
import { type Challenge, parseChallenges } from './challenge.js'
import { isLoopbackHost } from './endpoints.js'
import type { Exchange, ExchangeRequest } from './exchange.js'
import { familiarName, type Reference } from './reference.js'
import { basicCredentials, type RegistryAuth, redact, secretsOf } from './registry-auth.js'
import { excerpt, registryError } from './response-failure.js'
import { mergeScopes } from './scopes.js'

/** Who asks where for what. */
export interface AccessRequest {
  /** URL of the registry, without a path. */
  readonly base: string
  readonly host: string
  readonly reference: Reference
  readonly auth: RegistryAuth | undefined
  /** What it is for, as token services spell it. @default reading the repository */
  readonly scopes?: readonly string[]
  readonly signal: AbortSignal
}

interface Grant {
  /** Value of the `authorization` header. */
  readonly header: string
  readonly expiresAt: number
}

const tokenLimitBytes = 1024 * 1024
const defaultLifetimeSeconds = 60
/** A token that is about to end would end on its way. */
const marginMs = 5_000
const clientId = 'gantry'
/** How distribution's token services are asked for an identity token (docs/spec/auth/token.md). */
const offline = [
  ['offline_token', 'true'],
  ['client_id', clientId]
] as const

/**
 * Gets and keeps what registries want to see: distribution's token authentication (docs/spec/auth/token.md, oauth.md) and
 * basic authentication. A grant is kept for one registry, repository and set of credentials until it ends.
 *
 * Credentials of a registry go to that registry and to the token service that it names, the latter only over https, on
 * this machine, or on the registry's own host.
 */
export class TokenSource {
  readonly #open: (request: ExchangeRequest) => Promise<Exchange>
  readonly #onIdentityToken: ((token: string) => void) | undefined
  readonly #grants = new Map<string, Grant>()
  /** What was asked by those who gave a token that ends. */
  readonly #challenges = new Map<string, Challenge>()

  /** @param onIdentityToken - where a token is wanted in place of user name and password, for later logins: the services are asked for one */
  constructor(open: (request: ExchangeRequest) => Promise<Exchange>, onIdentityToken?: (token: string) => void) {
    this.#open = open
    this.#onIdentityToken = onIdentityToken
  }

  /** The header for a request, where it is known without asking. */
  current(access: AccessRequest): string | undefined {
    if (access.auth !== undefined && 'registryToken' in access.auth) return `Bearer ${access.auth.registryToken}`
    const grant = this.#grants.get(grantKey(access))
    return grant !== undefined && grant.expiresAt > Date.now() ? grant.header : undefined
  }

  /** The header for a request that it would be a pity to make twice: where a token has ended, a new one is fetched first. */
  async renewed(access: AccessRequest): Promise<string | undefined> {
    const current = this.current(access)
    const challenge = this.#challenges.get(grantKey(access))
    if (current !== undefined || challenge === undefined) return current
    const grant = await this.#fetchToken(access, challenge)
    this.#grants.set(grantKey(access), grant)
    return grant.header
  }

  /**
   * Answer a 401.
   *
   * @returns undefined where the challenge is none that can be answered
   * @throws EngineError `unauthenticated` where credentials are missing or refused
   */
  async answer(access: AccessRequest, wwwAuthenticate: string | null): Promise<string | undefined> {
    if (access.auth !== undefined && 'registryToken' in access.auth) return undefined
    const challenges = parseChallenges(wwwAuthenticate)
    const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm !== undefined)
    const grant = bearer !== undefined ? await this.#fetchToken(access, bearer) : basicGrant(access, challenges)
    if (grant === undefined) return undefined
    if (bearer !== undefined) this.#challenges.set(grantKey(access), bearer)
    this.#grants.set(grantKey(access), grant)
    return grant.header
  }

  async #fetchToken(access: AccessRequest, challenge: Challenge): Promise<Grant> {
    const { auth } = access
    const realm = realmUrl(access, challenge.parameters.realm ?? '')
    const service = challenge.parameters.service
    const scopes = mergeScopes(challenge.parameters.scope?.split(' ') ?? defaultScopes(access.reference), access.scopes ?? [])
    const parameters = new URLSearchParams(service === undefined ? {} : { service })
    for (const scope of scopes) parameters.append('scope', scope)
    if (this.#onIdentityToken !== undefined) for (const [name, value] of offline) parameters.append(name, value)
    const common = { doing: `log in to ${access.host} for ${familiarName(access.reference)}`, signal: access.signal }
    const accept = { accept: 'application/json' }
    const exchange =
      auth !== undefined && 'identityToken' in auth
        ? await this.#open({
            ...common,
            url: realm.href,
            method: 'POST',
            headers: { ...accept, 'content-type': 'application/x-www-form-urlencoded' },
            body: refreshForm({ service, scopes }, auth.identityToken)
          })
        : await this.#open({ ...common, url: withParameters(realm, parameters, auth), headers: { ...accept, ...basicHeader(auth) } })
    const body = Buffer.from((await exchange.read(tokenLimitBytes)) ?? '').toString('utf8')
    if (exchange.status !== 200) throw tokenRefused(access, realm, { exchange, body })
    const grant = readGrant(access, realm, { exchange, body })
    const { refresh_token: identityToken } = JSON.parse(body) as { readonly refresh_token?: unknown } // read before, as an object
    if (typeof identityToken === 'string' && identityToken !== '') this.#onIdentityToken?.(identityToken)
    return grant
  }
}

function grantKey({ base, reference, auth, scopes = [] }: AccessRequest): string {
  const identity = auth === undefined ? '' : createHash('sha256').update(JSON.stringify(auth)).digest('hex')
  return [base, reference.path, identity, ...scopes].join(' ')
}

/** A login is for no repository. */
function defaultScopes({ path }: Reference): readonly string[] {
  return path === '' ? [] : [`repository:${path}:pull`]
}

function realmUrl(access: AccessRequest, realm: string): URL {
  if (!URL.canParse(realm) || !/^https?:$/.test(new URL(realm).protocol)) {
    throw new EngineError('unavailable', `registry ${access.host} names a token service that is no URL: ${JSON.stringify(realm)}`, {
      details: { registry: access.host }
    })
  }
  const url = new URL(realm)
  const safe = url.protocol === 'https:' || isLoopbackHost(url.host) || url.host === new URL(access.base).host
  if (safe || access.auth === undefined) return url
  throw new EngineError(
    'unauthenticated',
    `registry ${access.host} wants the credentials at ${url.host} over plain http: they are not sent there; its token service has to use https`,
    { details: { registry: access.host, realm: url.host } }
  )
}

function withParameters(realm: URL, parameters: URLSearchParams, auth: RegistryAuth | undefined): string {
  const url = new URL(realm)
  for (const [name, value] of parameters) url.searchParams.append(name, value)
  if (auth !== undefined && 'username' in auth) url.searchParams.append('account', auth.username)
  return url.href
}

/** RFC 6749, section 6: scopes are separated by spaces. */
function refreshForm(
  { service, scopes }: { readonly service: string | undefined; readonly scopes: readonly string[] },
  identityToken: string
) {
  const form = new URLSearchParams(service === undefined ? {} : { service })
  if (scopes.length > 0) form.set('scope', scopes.join(' '))
  form.set('grant_type', 'refresh_token')
  form.set('client_id', clientId)
  form.set('refresh_token', identityToken)
  return form.toString()
}

function basicHeader(auth: RegistryAuth | undefined): Readonly<Record<string, string>> {
  return auth !== undefined && 'username' in auth ? { authorization: `Basic ${basicCredentials(auth)}` } : {}
}

function basicGrant(access: AccessRequest, challenges: readonly Challenge[]): Grant | undefined {
  if (!challenges.some(({ scheme }) => scheme === 'basic')) return undefined
  const header = basicHeader(access.auth).authorization
  if (header !== undefined) return { header, expiresAt: Number.POSITIVE_INFINITY }
  const problem = access.auth === undefined ? '' : ', an identity token does not do'
  throw new EngineError(
    'unauthenticated',
    `registry ${access.host} asks for a user name and password to ${access.scopes === undefined ? 'pull' : 'push'} ${familiarName(access.reference)}${problem}: give credentials for ${access.reference.domain}`,
    { details: { registry: access.host } }
  )
}

interface TokenResponse {
  readonly exchange: Exchange
  readonly body: string
}

function tokenRefused(access: AccessRequest, realm: URL, { exchange, body }: TokenResponse): EngineError {
  const said = registryError(body)
  const explanation = redact(said?.message || excerpt(body, exchange), secretsOf(access.auth))
  const answered = `${realm.host} answered ${exchange.status}${explanation === '' ? '' : ` (${explanation})`}`
  const details = { registry: access.host, tokenService: realm.host, status: exchange.status }
  const { status } = exchange
  if (status === 429 || status >= 500) {
    const code = status === 429 ? 'resource_exhausted' : 'unavailable'
    return new EngineError(code, `cannot log in to ${access.host}: ${answered}; try again later`, {
      details: { ...details, retryable: true }
    })
  }
  const name = familiarName(access.reference)
  const message =
    access.auth === undefined
      ? `${access.scopes === undefined ? 'pull' : 'push'} access denied for ${name}, repository does not exist or may require authentication: ${answered}; check the spelling, or give credentials for ${access.reference.domain}`
      : `the credentials for ${access.host} were refused: ${answered}; check them`
  return new EngineError('unauthenticated', message, { details })
}

function readGrant(access: AccessRequest, realm: URL, { exchange, body }: TokenResponse): Grant {
  let parsed: { readonly token?: unknown; readonly access_token?: unknown; readonly expires_in?: unknown } | null = null
  try {
    parsed = JSON.parse(body) // members are checked below
  } catch {}
  const token = parsed?.token || parsed?.access_token
  if (typeof token !== 'string' || /[^\x21-\x7e]/.test(token)) {
    const shown = parsed === null ? `: ${redact(excerpt(body, exchange), secretsOf(access.auth))}` : ''
    throw new EngineError(
      'unavailable',
      `cannot log in to ${access.host}: the token service ${realm.host} answered something that is no token${shown}; check what answers there (a proxy or a log-in page?)`,
      { details: { registry: access.host, tokenService: realm.host } }
    )
  }
  const lifetime = typeof parsed?.expires_in === 'number' ? Math.max(parsed.expires_in, defaultLifetimeSeconds) : defaultLifetimeSeconds
  return { header: `Bearer ${token}`, expiresAt: Date.now() + lifetime * 1000 - marginMs }
}
