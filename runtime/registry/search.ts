import { EngineError } from '../../src/errors/index.js'
import type { LoginPorts } from './check-login.js'
import { endpointsFor } from './endpoints.js'
import type { Exchange } from './exchange.js'
import { isNetworkFailure } from './network-failure.js'
import { defaultDomain } from './reference.js'
import { type AuthSetting, basicCredentials, settledAuth } from './registry-auth.js'

export interface SearchOptions {
  readonly term: string
  /** Most results: 1 to 100. */
  readonly limit: number
  /** @default what the settings say */
  readonly auth?: AuthSetting
  readonly signal: AbortSignal
}

/** A repository that was found. */
export interface SearchResult {
  readonly name: string
  readonly description: string
  readonly starCount: number
  readonly isOfficial: boolean
  readonly isAutomated: boolean
}

/** Docker Hub's search is on its index, as it was in the first registry protocol. */
const hubIndex = 'index.docker.io'
const answerLimitBytes = 4 * 1024 * 1024

/**
 * Ask a registry for repositories: `GET /v1/search`, Docker Hub's protocol, which some others have too. It is in no specification of today.
 *
 * @param domain - as in references: `docker.io`, `localhost:5000`
 * @throws EngineError `not_supported` where the registry has no search; `unauthenticated`, `unavailable`, `resource_exhausted`, `deadline_exceeded`
 */
export async function searchRegistry(ports: LoginPorts, domain: string, options: SearchOptions): Promise<readonly SearchResult[]> {
  // The registry itself is the last one, after its mirrors.
  const origin = endpointsFor(domain, ports.registries).at(-1)
  const bases = domain === defaultDomain ? [`https://${hubIndex}`] : (origin?.bases ?? [])
  const auth = await settledAuth(options.auth ?? origin?.auth)
  const headers = auth !== undefined && 'username' in auth ? { authorization: `Basic ${basicCredentials(auth)}` } : {}
  const query = new URLSearchParams({ q: options.term, n: String(options.limit) })
  const failures: unknown[] = []
  for (const base of bases) {
    try {
      const url = `${base}/v1/search?${query}`
      return await readResults(await ports.open({ url, headers, doing: `search ${domain}`, signal: options.signal }), domain)
    } catch (error) {
      if (!isNetworkFailure(error)) throw error
      failures.push(error)
    }
  }
  throw failures[0]
}

async function readResults(exchange: Exchange, domain: string): Promise<readonly SearchResult[]> {
  const bytes = await exchange.read(answerLimitBytes)
  if (exchange.status !== 200) throw refused(domain, exchange.status)
  try {
    const { results }: { readonly results?: unknown } = JSON.parse(Buffer.from(bytes ?? '').toString('utf8'))
    if (Array.isArray(results)) return results.map(readResult)
  } catch {}
  throw new EngineError('unavailable', `cannot search ${domain}: it answered something that is no list of repositories`, {
    details: { registry: domain }
  })
}

function readResult(value: unknown): SearchResult {
  const found = typeof value === 'object' && value !== null ? value : {}
  const field = (name: string): unknown => Reflect.get(found, name)
  return {
    name: String(field('name') ?? ''),
    description: String(field('description') ?? ''),
    starCount: Number(field('star_count') ?? 0),
    isOfficial: field('is_official') === true,
    isAutomated: field('is_automated') === true
  }
}

function refused(domain: string, status: number): EngineError {
  const details = { registry: domain, status }
  if (status === 401 || status === 403) {
    return new EngineError('unauthenticated', `cannot search ${domain}: it wants credentials (${status}); give some for ${domain}`, {
      details
    })
  }
  if (status === 404 || status === 405 || status === 501) {
    return new EngineError('not_supported', `cannot search ${domain}: this registry has no search (Unexpected status code ${status})`, {
      details
    })
  }
  const code = status === 429 ? 'resource_exhausted' : 'unavailable'
  return new EngineError(code, `cannot search ${domain}: Unexpected status code ${status}; try again later`, { details })
}
