import type { ErrorCode } from '../errors/index.js'

/**
 * Error codes and HTTP statuses, both ways; the one place where they meet.
 *
 * A call that changed nothing because it was so already (304) is no error: it is `modified: false` in the answer. Neither is an
 * abort: it rejects with its signal's reason and never has a status.
 */
const statuses: Readonly<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  untrusted: 403,
  not_found: 404,
  conflict: 409,
  already_exists: 409,
  resource_exhausted: 429,
  internal: 500,
  failed: 500,
  exited: 500,
  not_ready: 500,
  build_failed: 500,
  data_loss: 500,
  not_implemented: 501,
  not_supported: 501,
  unavailable: 503,
  deadline_exceeded: 504
}

/** Of several codes with one status, the one that a status alone can mean. */
const codes: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_argument',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  // A request for a method that the path does not have, or a version that the engine does not speak any more.
  405: 'not_implemented',
  406: 'not_supported',
  408: 'deadline_exceeded',
  409: 'conflict',
  413: 'resource_exhausted',
  422: 'invalid_argument',
  429: 'resource_exhausted',
  500: 'failed',
  501: 'not_implemented',
  502: 'unavailable',
  503: 'unavailable',
  504: 'deadline_exceeded',
  507: 'resource_exhausted'
}

/** Header of an answer whose status means less than the error's code: the code. Docker's clients take no notice of it. */
export const errorCodeHeader = 'gantry-error-code'

/** Operations that make something under a name, or give something a name. Their only 409 is that the name is taken. */
const naming: ReadonlySet<string> = new Set([
  'ContainerCreate',
  'ContainerRename',
  'NetworkCreate',
  'SecretCreate',
  'ConfigCreate',
  'ServiceCreate'
])

/** The status that an error is answered with. */
export function statusOf(code: ErrorCode): number {
  return statuses[code]
}

/**
 * The code of an error status.
 *
 * 409 is `conflict`, except where the operation gives a name and Docker answers 409 for a taken one: there it is `already_exists`.
 */
export function codeOf(status: number, operationId?: string): ErrorCode {
  if (status === 409 && operationId !== undefined && naming.has(operationId)) return 'already_exists'
  return codes[status] ?? (status >= 400 && status < 500 ? 'invalid_argument' : 'failed')
}
