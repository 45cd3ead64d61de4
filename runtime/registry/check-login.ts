import { EngineError } from '../../src/errors/index.js'
import { endpointsFor, type RegistriesSettings } from './endpoints.js'
import type { Exchange, ExchangeRequest } from './exchange.js'
import { isNetworkFailure } from './network-failure.js'
import type { RegistryAuth } from './registry-auth.js'
import { TokenSource } from './token-source.js'

const drainLimitBytes = 64 * 1024

/** What checking a login needs of a registry client. */
export interface LoginPorts {
  readonly registries: RegistriesSettings
  open(request: ExchangeRequest): Promise<Exchange>
}

/** What came of a login. */
export interface CheckedLogin {
  readonly identityToken?: string
}

/**
 * Show credentials to a registry: the distribution specification's `GET /v2/`, with the token service that it names. Nothing is kept.
 *
 * @param domain - as in references: `docker.io`, `localhost:5000`
 * @returns the identity token that a token service gave, to be used in place of user name and password
 * @throws EngineError `unauthenticated` where they are refused; `unavailable`, `deadline_exceeded`, `resource_exhausted`
 */
export async function checkLogin(
  ports: LoginPorts,
  domain: string,
  options: { readonly auth: RegistryAuth; readonly signal: AbortSignal }
): Promise<CheckedLogin> {
  // The registry itself is the last one, after its mirrors.
  const origin = endpointsFor(domain, ports.registries).at(-1)
  const failures: unknown[] = []
  for (const base of origin?.bases ?? []) {
    try {
      return await checkAt(ports, { base, host: origin?.host ?? domain, domain, ...options })
    } catch (error) {
      if (!isNetworkFailure(error)) throw error
      failures.push(error)
    }
  }
  throw failures[0]
}

interface Login {
  readonly base: string
  readonly host: string
  readonly domain: string
  readonly auth: RegistryAuth
  readonly signal: AbortSignal
}

async function checkAt(ports: LoginPorts, { base, host, domain, auth, signal }: Login): Promise<CheckedLogin> {
  const request = { url: `${base}/v2/`, doing: `log in to ${host}`, signal }
  const first = await ports.open({ ...request, headers: {} })
  const challenge = first.headers.get('www-authenticate')
  await first.read(drainLimitBytes).catch(() => undefined)
  if (first.status === 200) return {}
  if (first.status !== 401) throw refused(host, first.status)
  let identityToken: string | undefined
  const tokens = new TokenSource(
    each => ports.open(each),
    token => {
      identityToken = token
    }
  )
  const authorization =
    'registryToken' in auth
      ? `Bearer ${auth.registryToken}`
      : await tokens.answer({ base, host, reference: { domain, path: '', tag: '' }, auth, signal }, challenge)
  if (authorization === undefined) throw refused(host, first.status)
  const second = await ports.open({ ...request, headers: { authorization } })
  await second.read(drainLimitBytes).catch(() => undefined)
  if (second.status !== 200) throw refused(host, second.status)
  return identityToken === undefined ? {} : { identityToken }
}

function refused(host: string, status: number): EngineError {
  const details = { registry: host, status }
  if (status === 401 || status === 403) {
    return new EngineError('unauthenticated', `Get "https://${host}/v2/": unauthorized: incorrect username or password`, { details })
  }
  return new EngineError(
    status === 429 ? 'resource_exhausted' : 'unavailable',
    `login attempt to https://${host}/v2/ failed with status: ${status}`,
    {
      details
    }
  )
}
