import { EngineError } from '../errors/index.js'

/**
 * Whose signature an image has to have.
 *
 * - `{ keyPem }`: of one of these keys. PEM of public keys: ECDSA (P-256, P-384, P-521), Ed25519, RSA from 2048 bits.
 * - `{ identity, issuer, trustedRoot }`: of somebody whom `issuer` knows as `identity`, by a certificate that comes from `trustedRoot`.
 *   Both are compared as they are written.
 * - `reject-unsigned`: as the engine's rule for the image says, which then has to name a key or an identity.
 */
export type TrustPolicy =
  | { readonly keyPem: string }
  | { readonly identity: string; readonly issuer: string; readonly trustedRoot?: TrustedRoot }
  | 'reject-unsigned'

/** Whom certificates and times are believed. PEM texts, each of one or more. */
export interface TrustedRoot {
  /** Certificates of the authorities that sign signers' certificates, intermediate ones too. */
  readonly certificateAuthorities: string
  /** Public keys of transparency logs. With them, a signature has to be in one of these logs. @default none */
  readonly transparencyLogs?: string
  /** Certificates of timestamp authorities (RFC 3161), those of their issuers too. @default none */
  readonly timestampAuthorities?: string
}

/** What an engine does with the images of some repositories: take them, refuse them, or ask for a signature. */
export type TrustRule = 'accept' | 'reject' | TrustPolicy

/** Rules by pattern: `*`, `ghcr.io`, `*.example.com`, `ghcr.io/owner/*`, `ghcr.io/owner/app`. The most specific one counts. */
export type TrustRules = Readonly<Record<string, TrustRule>>

/** Longest policy that fits into a request's head. In characters, encoded. */
const headerLimit = 12_000

/** A {@link TrustPolicy} from outside. @param path - its name in messages @throws EngineError `invalid_argument` */
export function checkTrustPolicy(path: string, value: unknown): TrustPolicy {
  if (value === 'reject-unsigned') return value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(path, "{ keyPem }, { identity, issuer, trustedRoot } or 'reject-unsigned'")
  }
  if ('keyPem' in value) {
    checkNames(path, value, ['keyPem'])
    return { keyPem: text(`${path}.keyPem`, value.keyPem, 'PEM text of public keys') }
  }
  checkNames(path, value, ['identity', 'issuer', 'trustedRoot'])
  const given: Readonly<Record<string, unknown>> = { ...value }
  const identity = text(`${path}.identity`, given.identity, 'text, such as somebody@example.com')
  const issuer = text(`${path}.issuer`, given.issuer, 'text, such as https://accounts.example.com')
  if (given.trustedRoot === undefined) {
    const why = 'none is built in: give the certificates of the authority, and the keys of its log, as PEM texts'
    throw new EngineError('invalid_argument', `${path}.trustedRoot: an identity is checked against a trusted root, and ${why}`)
  }
  return { identity, issuer, trustedRoot: checkTrustedRoot(`${path}.trustedRoot`, given.trustedRoot) }
}

/** {@link TrustRules} from outside; whether patterns and keys are any is for the engine to say. @throws EngineError `invalid_argument` */
export function checkTrustRules(path: string, value: unknown): TrustRules {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(path, "an object with rules by repository, as in { '*': 'reject', 'ghcr.io/owner/*': { keyPem } }")
  }
  const rules = Object.entries(value).map(([pattern, rule]): readonly [string, TrustRule] => {
    const checked = rule === 'accept' || rule === 'reject' ? rule : checkTrustPolicy(`${path}[${JSON.stringify(pattern)}]`, rule)
    return [pattern, checked]
  })
  return Object.fromEntries(rules)
}

/** The `X-Gantry-Verify` header: a {@link TrustPolicy} as JSON in base64url. @throws EngineError `invalid_argument` for one that is too long */
export function encodeTrustPolicy(policy: TrustPolicy): string {
  const header = Buffer.from(JSON.stringify(policy)).toString('base64url')
  if (header.length <= headerLimit) return header
  throw new EngineError(
    'invalid_argument',
    `verify: it has ${header.length} characters, at most ${headerLimit} fit into a request: give fewer keys or certificates, or set it for the engine`
  )
}

/** Read an `X-Gantry-Verify` header. @throws EngineError `invalid_argument` */
export function decodeTrustPolicy(header: string): TrustPolicy {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'))
  } catch (cause) {
    throw new EngineError('invalid_argument', 'X-Gantry-Verify: it is not JSON in base64url', { cause })
  }
  return checkTrustPolicy('X-Gantry-Verify', value)
}

function checkTrustedRoot(path: string, value: unknown): TrustedRoot {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'an object with PEM texts')
  checkNames(path, value, ['certificateAuthorities', 'transparencyLogs', 'timestampAuthorities'])
  const given: Readonly<Record<string, unknown>> = { ...value }
  const pem = (name: string) => (given[name] === undefined ? undefined : text(`${path}.${name}`, given[name], 'PEM text'))
  const [transparencyLogs, timestampAuthorities] = [pem('transparencyLogs'), pem('timestampAuthorities')]
  return {
    certificateAuthorities: text(`${path}.certificateAuthorities`, given.certificateAuthorities, 'PEM text of certificates'),
    ...(transparencyLogs !== undefined && { transparencyLogs }),
    ...(timestampAuthorities !== undefined && { timestampAuthorities })
  }
}

/** A misspelt name must not leave something unchecked. */
function checkNames(path: string, value: object, names: readonly string[]): void {
  const unknown = Object.keys(value).find(name => !names.includes(name))
  if (unknown === undefined) return
  throw new EngineError('invalid_argument', `${path}.${unknown}: there is no such option. There are: ${names.join(', ')}`)
}

function text(path: string, value: unknown, expected: string): string {
  if (typeof value === 'string' && value.trim() !== '') return value
  throw wrong(path, expected)
}

function wrong(path: string, expected: string): EngineError {
  return new EngineError('invalid_argument', `${path}: expected ${expected}`, { details: { path, expected } })
}
