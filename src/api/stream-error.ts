import { EngineError, type ErrorCode } from '../errors/index.js'
import { codeOf, statusOf } from './status.js'

// Once an answer has begun with status 200, an error can only be told in the stream. Docker's form is
//
//   {"errorDetail":{"code":404,"message":"..."},"error":"..."}
//
// where `code` is often missing and `error` repeats the message for old clients (newer engines leave it out).

/** The error that a message of a stream reports; undefined for all other messages. */
export function streamError(value: unknown): EngineError | undefined {
  const { errorDetail, error } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Record<string, unknown>>
  const detail = (typeof errorDetail === 'object' && errorDetail !== null ? errorDetail : {}) as Partial<Record<string, unknown>>
  const message = [detail.message, error].find(text => typeof text === 'string' && text !== '')
  if (typeof message !== 'string') return undefined
  const status = typeof detail.code === 'number' && detail.code >= 400 && detail.code < 600 ? detail.code : undefined
  const code = status === undefined || status === 500 || tellsUntrusted(status, message) ? codeOfMessage(message) : codeOf(status)
  return new EngineError(code ?? 'failed', message, { details: { streamed: true, ...(status !== undefined && { status }) } })
}

/** The message that reports an error in a stream. */
export function streamErrorMessage(error: unknown): {
  readonly errorDetail: { readonly code: number; readonly message: string }
  readonly error: string
} {
  const message = error instanceof Error ? error.message : String(error)
  const code = EngineError.is(error) ? statusOf(error.code) : statusOf('internal')
  return { errorDetail: { code, message }, error: message }
}

/** Whether a refusal is Gantry's for an image without the right signature: its status alone says less. */
export function tellsUntrusted(status: number, message: string): boolean {
  return status === statusOf('untrusted') && untrusted.test(message)
}

const untrusted = /: it is not trusted: /

/**
 * What an engine's words say where its status does not: dockerd answers 500, or a message in the stream, for most of what a registry
 * refuses. The words are those of the distribution specification's error codes and of Go's network errors.
 */
export function codeOfMessage(message: string): ErrorCode | undefined {
  return phrases.find(([pattern]) => pattern.test(message))?.[1]
}

// In this order: "pull access denied ... repository does not exist" is Docker's answer for an image that is not there.
const phrases: readonly (readonly [RegExp, ErrorCode])[] = [
  [untrusted, 'untrusted'],
  [/repository does not exist|manifest unknown|name unknown|blob unknown|manifest for \S+ not found|: not found$/i, 'not_found'],
  [/toomanyrequests|too many requests/i, 'resource_exhausted'],
  [/unauthorized|authentication required|no basic auth credentials/i, 'unauthenticated'],
  [/\bdenied\b/i, 'permission_denied'],
  [/verification failed|digest mismatch|does not match digest|unexpected EOF|invalid checksum/i, 'data_loss'],
  [/no space left on device/i, 'resource_exhausted'],
  [
    /connection refused|connection reset|no such host|i\/o timeout|handshake timeout|no route to host|network is unreachable/i,
    'unavailable'
  ],
  [/deadline exceeded|Client\.Timeout exceeded/i, 'deadline_exceeded']
]
