import { readFileSync } from 'node:fs'
import { checkTrustRules, type TrustRules } from '../api/index.js'
import { EngineError } from '../errors/index.js'

const words: ReadonlySet<string> = new Set(['accept', 'reject', 'reject-unsigned'])

/**
 * Rules of a configuration file: as those of the library, except that a path may stand where PEM text is expected.
 *
 * @throws EngineError `invalid_argument` naming the rule
 */
export function trustOfFile(value: unknown): TrustRules {
  return checkTrustRules('trust-policy', withFiles(value))
}

/** `pattern=accept`, `pattern=reject`, `pattern=reject-unsigned` or `pattern=/path/of/key.pub`; undefined for anything else. */
export function trustOfFlag(text: string, before: TrustRules = {}): TrustRules | undefined {
  const [, pattern, rule = ''] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (pattern === undefined) return undefined
  if (words.has(rule)) return { ...before, ...checkTrustRules('trust-policy', { [pattern]: rule }) }
  return rule.startsWith('/') ? { ...before, [pattern]: { keyPem: readPem(rule) } } : undefined
}

function withFiles(value: unknown): unknown {
  if (typeof value === 'string' && value.startsWith('/')) return readPem(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withFiles(item)]))
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new EngineError('invalid_argument', `trust-policy: ${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}
