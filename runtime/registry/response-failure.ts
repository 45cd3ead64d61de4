import { EngineError } from '../../src/errors/index.js'
import { parseChallenges } from './challenge.js'
import type { Exchange } from './exchange.js'
import { pushRefusal } from './push-refusal.js'
import { familiar, familiarName } from './reference.js'
import type { Evidence, FailureContext, Verdict } from './refusal.js'
import { redact } from './registry-auth.js'

const bodyLimitBytes = 64 * 1024
const excerptLength = 160

/** What a registry's refusal means, in dockerd's words where it has any. Reads the body. */
export async function responseFailure(exchange: Exchange, context: FailureContext): Promise<EngineError> {
  const body = Buffer.from((await exchange.read(bodyLimitBytes).catch(() => undefined)) ?? '').toString('utf8')
  const said = registryError(body)
  const challenge = parseChallenges(exchange.headers.get('www-authenticate')).find(({ scheme }) => scheme === 'bearer')
  const denied = said?.code === 'DENIED' || challenge?.parameters.error === 'insufficient_scope'
  const explanation = redact(said === undefined ? excerpt(body, exchange) : `${words(said.code)}: ${said.message}`, context.secrets)
  const retryAfterMs = exchange.status === 429 || exchange.status === 503 ? parseRetryAfter(exchange.headers.get('retry-after')) : undefined
  const evidence = { registryCode: said?.code, explanation, context, retryAfterMs }
  const verdict = (context.isPush ? pushRefusal(exchange.status, denied, evidence) : undefined) ?? judge(exchange.status, denied, evidence)
  return new EngineError(verdict.code, verdict.message, {
    details: {
      registry: context.host,
      reference: familiar(context.reference),
      status: exchange.status,
      ...(said === undefined ? {} : { registryCode: said.code }),
      ...(verdict.retryable === true ? { retryable: true } : {}),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs })
    }
  })
}

function judge(status: number, denied: boolean, { registryCode, explanation, context, retryAfterMs }: Evidence): Verdict {
  const { reference, host } = context
  const verb = context.isPush ? 'push' : 'pull'
  const answered = `registry ${host} answered ${status}${explanation === '' ? '' : ` (${explanation})`}`
  // dockerd gives 404 here on purpose: a registry does not tell a private repository from one that is not there.
  if (denied) return { code: 'not_found', message: accessDenied(context, explanation) }
  if (status === 401) {
    return { code: 'unauthenticated', message: accessDenied(context, explanation === '' ? 'authentication required' : explanation) }
  }
  if (status === 403)
    return { code: 'permission_denied', message: `cannot ${verb} ${familiar(reference)}: ${answered}; ${accessAdvice(context)}` }
  if (status === 404) return notThere(registryCode, explanation, context)
  if (status === 429) {
    const wait = retryAfterMs === undefined ? 'later' : `in ${Math.ceil(retryAfterMs / 1000)} s`
    const advice = context.authenticated ? '' : '; registries allow more pulls to those who log in'
    return { code: 'resource_exhausted', message: `too many requests: ${answered}; try again ${wait}${advice}`, retryable: true }
  }
  if (status >= 500 || status === 408) {
    return { code: 'unavailable', message: `cannot ${verb} ${familiar(reference)}: ${answered}; try again later`, retryable: true }
  }
  return { code: 'failed', message: `cannot ${verb} ${familiar(reference)}: ${answered}` }
}

function notThere(registryCode: string | undefined, explanation: string, context: FailureContext): Verdict {
  const { reference, host, wanted, target } = context
  const said = explanation === '' ? 'the registry answered 404' : explanation
  if (wanted === 'blob') {
    const message = `registry ${host} has no blob ${target}, which its manifest of ${familiar(reference)} names (${said}); push the image again`
    return { code: 'data_loss', message }
  }
  if (registryCode === 'NAME_UNKNOWN') {
    return { code: 'not_found', message: `repository ${familiarName(reference)} not found: ${said}; check its spelling` }
  }
  return { code: 'not_found', message: `manifest for ${familiar(reference)} not found: ${said}; check the name and the tag` }
}

function accessDenied(context: FailureContext, explanation: string): string {
  const denial = `pull access denied for ${familiarName(context.reference)}, repository does not exist or may require authentication`
  return `${denial}: ${explanation || 'denied'}; ${accessAdvice(context)}`
}

function accessAdvice(context: FailureContext): string {
  return context.authenticated
    ? `check the spelling, and that the given credentials for ${context.reference.domain} may read it`
    : `check the spelling, or give credentials for ${context.reference.domain}`
}

/** The first error of the body the distribution spec describes (spec.md#error-codes). */
export function registryError(body: string): { readonly code: string; readonly message: string } | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return undefined
  }
  const errors = isObject(parsed) ? parsed.errors : undefined
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined
  if (isObject(first)) return { code: textOr(first.code, 'UNKNOWN'), message: textOr(first.message, '') }
  // Token services and some registries answer {"details": "..."} or {"error": "..."}.
  const details = isObject(parsed) ? (parsed.details ?? parsed.message ?? parsed.error_description ?? parsed.error) : undefined
  return typeof details === 'string' ? { code: 'UNKNOWN', message: details } : undefined
}

/** The beginning of a body that is not what was asked for, on one line. */
export function excerpt(body: string, exchange: Pick<Exchange, 'headers'>): string {
  const type = exchange.headers.get('content-type')?.split(';')[0] ?? ''
  const text = body.replace(/\s+/g, ' ').trim()
  if (text === '') return ''
  const shown = text.length > excerptLength ? `${text.slice(0, excerptLength)}...` : text
  return type === '' ? shown : `${type}: ${shown}`
}

/** RFC 9110, section 10.2.3: seconds or a date. */
export function parseRetryAfter(header: string | null): number | undefined {
  if (header === null || header.trim() === '') return undefined
  const seconds = Number(header)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now())
}

function words(code: string): string {
  return code.toLowerCase().replaceAll('_', ' ')
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback
}
