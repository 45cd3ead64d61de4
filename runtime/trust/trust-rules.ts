import type { TrustPolicy, TrustRule, TrustRules } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { parseReference, type Reference } from '../registry/reference.js'
import { registryName } from './registry-name.js'
import { compileRequirement, type Requirement } from './requirement.js'

/** What a rule says, ready to be gone by. */
export type CompiledRule = 'accept' | 'reject' | 'reject-unsigned' | Requirement

/** A rule that was found for an image, and the pattern it stands under. */
export interface FoundRule {
  readonly pattern: string
  readonly rule: CompiledRule
}

interface Entry extends FoundRule {
  /** @param reference - its registry in one spelling */
  matches(reference: Reference): boolean
  /** The higher, the more it says: what counts first is first. */
  readonly rank: readonly [kind: number, length: number]
}

/** From the least to the most specific. */
const kinds = { everything: 0, hostSuffix: 1, host: 2, prefix: 3, repository: 4 } as const

/** Rules by pattern, the most specific first. */
export class CompiledRules {
  readonly #entries: readonly Entry[]

  /** @throws EngineError `invalid_argument`, `not_supported` naming the pattern */
  constructor(rules: TrustRules) {
    const entries = Object.entries(rules).map(([pattern, rule]) => entryOf(pattern, rule))
    this.#entries = entries.sort(({ rank: [a, b] }, { rank: [c, d] }) => c - a || d - b)
  }

  /** The rule for an image's repository; undefined where nothing is said about it. */
  find(reference: Reference): FoundRule | undefined {
    const named = { ...reference, domain: registryName(reference.domain) }
    return this.#entries.find(entry => entry.matches(named))
  }
}

/** A policy or rule of the contract, its keys and certificates read. @throws EngineError `invalid_argument`, `not_supported` */
export function compileRule(path: string, rule: TrustRule | TrustPolicy): CompiledRule {
  return typeof rule === 'string' ? rule : compileRequirement(path, rule)
}

function entryOf(pattern: string, rule: TrustRule): Entry {
  return { pattern, rule: compileRule(`trust[${JSON.stringify(pattern)}]`, rule), ...matcherOf(pattern) }
}

function matcherOf(pattern: string): Pick<Entry, 'matches' | 'rank'> {
  if (pattern === '*') return { matches: () => true, rank: [kinds.everything, 0] }
  const suffix = /^\*(\.[^/*]+)$/.exec(pattern)?.[1]?.toLowerCase()
  if (suffix !== undefined) return { matches: ({ domain }) => domain.endsWith(suffix), rank: [kinds.hostSuffix, suffix.length] }
  const above = /^(.+)\/\*$/.exec(pattern)?.[1]
  const named = above ?? pattern
  if (isHost(named)) {
    const domain = registryName(named)
    return { matches: reference => reference.domain === domain, rank: [kinds.host, 0] }
  }
  const { domain, path } = repositoryOf(named, pattern, above !== undefined)
  if (above === undefined) {
    return { matches: reference => reference.domain === domain && reference.path === path, rank: [kinds.repository, 0] }
  }
  return { matches: reference => reference.domain === domain && reference.path.startsWith(`${path}/`), rank: [kinds.prefix, path.length] }
}

/** A registry alone: what reads as a registry where more follows. */
function isHost(text: string): boolean {
  return !text.includes('/') && /^(localhost|[^*]*[.:][^*]*)$/.test(text)
}

function repositoryOf(text: string, pattern: string, isPrefix: boolean): { readonly domain: string; readonly path: string } {
  try {
    const { domain, path, digest } = parseReference(isPrefix ? `${text}/any` : text)
    if (digest !== undefined || /:[^/]*$/.test(text)) throw new EngineError('invalid_argument', 'it names a tag or a digest')
    return { domain: registryName(domain), path: isPrefix ? path.slice(0, -'/any'.length) : path }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new EngineError(
      'invalid_argument',
      `trust[${JSON.stringify(pattern)}]: the pattern is not one of *, host, *.domain, host/path/*, host/path: ${why}`,
      { cause }
    )
  }
}
