import type { Filters, ImageSearchResponseItem } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { RegistryAuth } from '../images/image-service.js'
import type { RegistryClient } from '../registry/registry-client.js'
import type { SearchResult } from '../registry/search.js'

export interface SearchRequest {
  readonly term: string
  readonly limit: number
  readonly filters: Filters
  readonly auth?: RegistryAuth | 'anonymous'
}

const limits = { default: 25, least: 1, most: 100 } as const

/** `docker search`. @throws EngineError `invalid_argument` for a term, limit or filter that is none; as the registry's search */
export async function searchImages(
  registry: Pick<RegistryClient, 'search'>,
  request: SearchRequest,
  signal: AbortSignal
): Promise<readonly ImageSearchResponseItem[]> {
  const matches = matcherOf(request.filters)
  const limit = request.limit === 0 ? limits.default : request.limit
  if (limit < limits.least || limit > limits.most) {
    throw new EngineError('invalid_argument', `Limit ${limit} is outside the range of [${limits.least}, ${limits.most}]`, {
      details: { field: 'query.limit' }
    })
  }
  const { domain, term } = splitTerm(request.term)
  const found = await registry.search(domain, { term, limit, signal, ...(request.auth && { auth: request.auth }) })
  return found.filter(matches).map(({ name, description, starCount, isOfficial, isAutomated }) => ({
    name,
    description,
    star_count: starCount,
    is_official: isOfficial,
    is_automated: isAutomated
  }))
}

/** A term may begin with a registry, as references do. */
function splitTerm(text: string): { readonly domain: string; readonly term: string } {
  if (text.includes('://')) {
    throw new EngineError('invalid_argument', 'Invalid repository name (ex: "registry.domain.tld/myrepos")', {
      details: { field: 'query.term' }
    })
  }
  const slash = text.indexOf('/')
  const first = text.slice(0, Math.max(slash, 0))
  const isHost = /[.:]/.test(first) || first === 'localhost'
  const term = isHost ? text.slice(slash + 1) : text
  const isHub = !isHost || first === 'docker.io' || first === 'index.docker.io'
  return isHub ? { domain: 'docker.io', term: term.replace(/^library\//, '') } : { domain: first, term }
}

function matcherOf(filters: Filters): (result: SearchResult) => boolean {
  const strange = Object.keys(filters).find(key => !['is-official', 'is-automated', 'stars'].includes(key))
  if (strange !== undefined) throw new EngineError('invalid_argument', `Invalid filter '${strange}'`, { details: { filter: strange } })
  const official = readFlag(filters, 'is-official')
  const automated = readFlag(filters, 'is-automated')
  const stars = (filters.stars ?? []).map(value => {
    if (/^\d+$/.test(value)) return Number(value)
    throw new EngineError('invalid_argument', `Invalid filter 'stars=${value}'`, { details: { filter: 'stars', value } })
  })
  const leastStars = Math.max(0, ...stars)
  return ({ isOfficial, isAutomated, starCount }) =>
    (official ?? isOfficial) === isOfficial && (automated ?? isAutomated) === isAutomated && starCount >= leastStars
}

function readFlag(filters: Filters, key: string): boolean | undefined {
  const values = filters[key] ?? []
  if (values.length === 0) return undefined
  const isTrue = values.some(value => value === 'true' || value === '1')
  const isFalse = values.some(value => value === 'false' || value === '0')
  if (isTrue !== isFalse) return isTrue
  throw new EngineError('invalid_argument', `Invalid filter '${key}=[${values.join(' ')}]'`, { details: { filter: key } })
}
