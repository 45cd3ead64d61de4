import type { ErrorCode } from '../../src/errors/index.js'
import type { Reference } from './reference.js'

/** What a failing request was for. */
export interface FailureContext {
  readonly reference: Reference
  /** The registry asked: after redirects another host may have answered. */
  readonly host: string
  readonly wanted: 'manifest' | 'blob' | 'upload' | 'referrers'
  /** Whether it belongs to a push. */
  readonly isPush: boolean
  /** The digest or tag asked for. */
  readonly target: string
  /** Whether credentials were shown. */
  readonly authenticated: boolean
  /** Strings that must not be repeated. */
  readonly secrets: readonly string[]
}

/** What an answer means. */
export interface Verdict {
  readonly code: ErrorCode
  readonly message: string
  readonly retryable?: boolean
}

/** What there is to judge by. */
export interface Evidence {
  readonly registryCode: string | undefined
  readonly explanation: string
  readonly context: FailureContext
  readonly retryAfterMs: number | undefined
}
