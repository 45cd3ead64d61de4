/**
 * The closed list of reasons a call can fail with.
 *
 * The list is part of the public API: code that branches on `error.code` keeps working when a
 * message changes. `src/api/status.ts` maps each code to an HTTP status and back.
 */
export const errorCodes = [
  'invalid_argument',
  'not_found',
  'already_exists',
  'conflict',
  'unauthenticated',
  'permission_denied',
  'not_implemented',
  'not_supported',
  'unavailable',
  'deadline_exceeded',
  'resource_exhausted',
  'data_loss',
  'failed',
  'exited',
  'not_ready',
  'build_failed',
  'untrusted',
  'internal'
] as const

/** One of {@link errorCodes}. */
export type ErrorCode = (typeof errorCodes)[number]
