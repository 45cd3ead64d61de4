import { EngineError, type ErrorCode } from '../../src/errors/index.js'

/** The distribution specification's error codes, with the HTTP status of each ("Error Codes"). */
const statuses = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  PAGINATION_NUMBER_INVALID: 400,
  RANGE_INVALID: 416,
  SIZE_INVALID: 400,
  TAG_INVALID: 400,
  UNAUTHORIZED: 401,
  DENIED: 403,
  UNSUPPORTED: 405,
  TOOMANYREQUESTS: 429,
  UNKNOWN: 500
} as const

/** A code of the specification, or of Docker's registry before it. */
export type RefusalCode = keyof typeof statuses

const codes: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  405: 'not_supported',
  429: 'resource_exhausted',
  500: 'internal'
}

/** What else a refusal says. */
export interface RefusalOptions {
  /** @default what the specification has for the code */
  readonly status?: number
  /** The `detail` of the error body: JSON-shaped. */
  readonly detail?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/** An answer that says no, in the words of the distribution specification. */
export class Refusal extends EngineError {
  override readonly name: string = 'Refusal'
  readonly refusalCode: RefusalCode
  readonly status: number
  readonly detail: unknown
  readonly headers: Readonly<Record<string, string>>

  constructor(refusalCode: RefusalCode, message: string, options: RefusalOptions = {}) {
    const status = options.status ?? statuses[refusalCode]
    super(codes[status] ?? 'invalid_argument', message, { details: { refusalCode }, cause: options.cause })
    this.refusalCode = refusalCode
    this.status = status
    this.detail = options.detail
    this.headers = options.headers ?? {}
  }

  /** The body: `{ errors: [{ code, message, detail }] }`. */
  get body(): string {
    const error = { code: this.refusalCode, message: this.message, ...(this.detail !== undefined && { detail: this.detail }) }
    return `${JSON.stringify({ errors: [error] })}\n`
  }
}

/** Whether there was no room on the disk, or in a quota. */
export function isDiskFull(error: unknown): boolean {
  // Undefined on other errors.
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return code === 'ENOSPC' || code === 'EDQUOT'
}

/** What went wrong, as an answer. What was not meant for a client is told without its details. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  const options = { cause: error }
  if (isDiskFull(error)) return new Refusal('UNKNOWN', "there is no room on the registry's disk", { ...options, status: 507 })
  if (!EngineError.is(error)) return new Refusal('UNKNOWN', 'the registry has failed: see its log', options)
  switch (error.code) {
    case 'not_found':
      return new Refusal('BLOB_UNKNOWN', error.message, options)
    case 'data_loss':
      return new Refusal('DIGEST_INVALID', error.message, options)
    case 'resource_exhausted':
      return new Refusal('UNKNOWN', error.message, { ...options, status: 507 })
    case 'unavailable':
    case 'deadline_exceeded':
      return new Refusal('UNKNOWN', error.message, { ...options, status: 503 })
    default:
      return new Refusal('UNKNOWN', error.message, options)
  }
}
