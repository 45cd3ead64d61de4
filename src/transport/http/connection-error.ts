import { EngineError, type ErrorCode } from '../../errors/index.js'
import { permissionFix } from '../permission-fix.js'
import type { Endpoint } from './endpoint.js'
import { RequestBodyError } from './request-body.js'

/** The call that a failure belongs to. */
export interface CallFacts {
  readonly operation: string
  readonly method: string
  readonly path: string
}

/** What a failed connection means to the caller: what failed, at which engine, and what to do. */
export function connectionError(error: unknown, endpoint: Endpoint, call: CallFacts, headArrived: boolean): EngineError {
  if (error instanceof RequestBodyError && EngineError.is(error.cause)) return error.cause
  const code = errnoOf(error)
  const details = { endpoint: endpoint.display, ...call, ...(code === undefined ? {} : { errno: code }) }
  const make = (as: ErrorCode, message: string): EngineError => new EngineError(as, message, { details, cause: error })
  const said = error instanceof Error ? error.message : String(error)
  const at = endpoint.display
  if (error instanceof RequestBodyError) return make('failed', `${call.operation}: what was to be sent could not be read: ${said}`)
  if (EngineError.is(error)) return make(error.code, `no connection to ${at}: ${error.message}`)
  switch (code) {
    case 'ENOENT':
      return make('unavailable', endpoint.kind === 'ssh' ? 'there is no program ssh on this machine: install it' : missingSocket(endpoint))
    case 'EACCES':
    case 'EPERM':
      return make('unavailable', `permission denied for ${at}: ${'socketPath' in endpoint ? permissionFix(endpoint.socketPath) : said}`)
    case 'ECONNREFUSED':
      return make('unavailable', `nothing listens on ${at} (connection refused): is the engine running?`)
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return make('unavailable', `the host of ${at} cannot be resolved (${code}): check the name and the network`)
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return make('unavailable', `${at} did not take the connection in time: check the address and any firewall`)
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return make('unavailable', `there is no route to ${at} (${code}): check the address and the network`)
    case 'UND_ERR_HEADERS_TIMEOUT':
      return make('deadline_exceeded', `${call.operation}: ${at} did not answer in time. Look at the engine's log, or try again`)
    case 'UND_ERR_BODY_TIMEOUT':
      return make(
        'deadline_exceeded',
        `${call.operation}: ${at} stopped in the middle of its answer. Look at the engine's log, or try again`
      )
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return make('data_loss', `${call.operation}: the answer of ${at} ended before its announced length. Try again`)
    case 'UND_ERR_HEADERS_OVERFLOW':
      return make('data_loss', `${call.operation}: the answer of ${at} has more headers than an engine sends: is it one?`)
    case 'UND_ERR_CLOSED':
    case 'UND_ERR_DESTROYED':
      return closedError(at, call)
  }
  if (error instanceof Error && error.name === 'HTTPParserError') {
    return make('unavailable', `what listens on ${at} does not speak HTTP (${said}): is it an engine, and does it expect TLS?`)
  }
  if (!headArrived && isTlsFailure(code, said)) {
    return make('unavailable', `TLS with ${at} failed (${said}): check ca, cert and key, and that the engine's certificate names this host`)
  }
  if (headArrived) return make('unavailable', `${call.operation}: the connection to ${at} was lost in the middle of the answer (${said})`)
  return make('unavailable', `${call.operation}: the connection to ${at} failed (${said}): is the engine running?`)
}

/** A call on a transport that was closed. */
export function closedError(endpoint: string, call: CallFacts): EngineError {
  return new EngineError('unavailable', `${call.operation}: the connection to ${endpoint} was closed by close(). Open the engine anew`, {
    details: { endpoint, ...call }
  })
}

function missingSocket(endpoint: Endpoint): string {
  return `there is no socket at ${endpoint.display}: is the engine running?`
}

function isTlsFailure(code: string | undefined, said: string): boolean {
  return (
    code !== undefined && (/^(ERR_TLS|ERR_SSL|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|EPROTO)/.test(code) || /\b(SSL|TLS)\b/.test(said))
  )
}

function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  // Several addresses of one host: each attempt failed, the first tells as much as any.
  if (error instanceof AggregateError && error.errors.length > 0) return errnoOf(error.errors[0])
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
