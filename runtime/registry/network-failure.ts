import { EngineError, type ErrorCode } from '../../src/errors/index.js'
import { ProxyFailure } from './proxy-tunnel.js'

interface Diagnosis {
  readonly code: ErrorCode
  readonly problem: string
  readonly advice: string
  readonly retryable: boolean
}

/** A body that ended before its length: undici's word for it, used here whoever made the request. */
export const closedEarly = 'UND_ERR_SOCKET'

const down = (problem: string, advice: string, retryable = false): Diagnosis => ({ code: 'unavailable', problem, advice, retryable })
const untrustedCertificate = down(
  'its certificate is not trusted',
  'give its authority as `ca` in the registries setting of that host, or set `insecure: true` there'
)
const noTls = down('it does not speak TLS', 'if it speaks plain http, set `insecure: true` in the registries setting of that host')
const slow: Diagnosis = { code: 'deadline_exceeded', problem: 'it stopped answering', advice: 'try again later', retryable: false }

/** By errno, OpenSSL's or undici's code. */
const diagnoses: Readonly<Record<string, Diagnosis>> = {
  ECONNREFUSED: down('the connection was refused', 'check that the registry runs and that host and port are right'),
  ENOTFOUND: down('the host name was not found', 'check its spelling and the DNS of this machine'),
  EAI_AGAIN: down('the host name could not be looked up', 'check the network and the DNS of this machine', true),
  EHOSTUNREACH: down('there is no route to the host', 'check the network of this machine'),
  ENETUNREACH: down('there is no route to the network', 'check the network of this machine'),
  ETIMEDOUT: down('the connection timed out', 'check the network, firewall and proxy of this machine'),
  UND_ERR_CONNECT_TIMEOUT: down('the connection timed out', 'check the network, firewall and proxy of this machine'),
  ECONNRESET: down('the connection was reset', 'try again; if it lasts, check the registry and what is between it and here', true),
  EPIPE: down('the connection was closed', 'try again; if it lasts, check the registry and what is between it and here', true),
  [closedEarly]: down(
    'the connection was closed early',
    'try again; if it lasts, check the registry and what is between it and here',
    true
  ),
  UND_ERR_HEADERS_TIMEOUT: slow,
  UND_ERR_BODY_TIMEOUT: slow,
  EPROTO: noTls,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrustedCertificate,
  SELF_SIGNED_CERT_IN_CHAIN: untrustedCertificate,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrustedCertificate,
  UNABLE_TO_GET_ISSUER_CERT: untrustedCertificate,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrustedCertificate,
  CERT_HAS_EXPIRED: down('its certificate has expired', 'renew it, or check the clock of this machine'),
  CERT_NOT_YET_VALID: down('its certificate is not valid yet', 'check the clock of this machine'),
  ERR_TLS_CERT_ALTNAME_INVALID: down('its certificate is for another host name', 'use the name that the certificate is for')
}

/**
 * A request that got no answer, as an error that names host and errno and says what to do.
 *
 * @param doing what the request was for, e.g. `pull alpine:latest`
 */
export function networkFailure(error: unknown, context: { readonly host: string; readonly doing: string }): EngineError {
  if (error instanceof ProxyFailure) {
    const message = `cannot ${context.doing}: registry ${context.host}: ${error.message}; check HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or what was set in their place`
    return new EngineError('unavailable', message, {
      details: { registry: context.host, network: true, retryable: error.retryable },
      cause: error
    })
  }
  const { errno, message } = rootCause(error)
  const known = errno === undefined ? undefined : diagnoses[errno]
  const diagnosis = known ?? down(message, 'check that a registry listens there')
  const shown = errno === undefined ? '' : ` (${errno})`
  return new EngineError(
    diagnosis.code,
    `cannot ${context.doing}: registry ${context.host}: ${diagnosis.problem}${shown}; ${diagnosis.advice}`,
    {
      details: { registry: context.host, ...(errno === undefined ? {} : { errno }), network: true, retryable: diagnosis.retryable },
      cause: error
    }
  )
}

/** Whether the request got no answer at all: another way to the same place may do better. */
export function isNetworkFailure(error: unknown): error is EngineError {
  return EngineError.is(error) && error.details.network === true
}

/** fetch wraps what happened (`fetch failed`), and happy eyeballs wraps it again with one error an address. */
function rootCause(error: unknown): { readonly errno?: string; readonly message: string } {
  let current = error
  for (let depth = 0; depth < 5; depth++) {
    const inner = current instanceof AggregateError ? current.errors[0] : current instanceof Error ? current.cause : undefined
    if (!(inner instanceof Error)) break
    current = inner
  }
  if (!(current instanceof Error)) return { message: String(current) }
  const code = (current as NodeJS.ErrnoException).code // system, OpenSSL and undici errors all have one; others do not
  return { ...(typeof code === 'string' ? { errno: code } : {}), message: current.message }
}
