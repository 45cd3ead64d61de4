import type { Operation, OperationInput } from '../../api/operation.js'
import { encodeHeaders, encodeQuery } from '../../api/parameter-codec.js'
import { EngineError } from '../../errors/index.js'
import type { HttpRequest } from './exchange.js'
import { streamedBody } from './request-body.js'

/** Hijacking asks for any protocol but HTTP; BuildKit's session speaks HTTP/2 in it. */
const upgradeProtocols: Readonly<Record<string, string>> = { Session: 'h2c' }

/**
 * Write a call as a request.
 *
 * @param prefix goes before the operation's path: the endpoint's own path and the API version
 * @throws invalid_argument for a path parameter that would name another path
 */
export function encodeRequest(operation: Operation, input: OperationInput, prefix: string): Omit<HttpRequest, 'timeoutMs'> {
  const query = encodeQuery(operation.parameters.query ?? {}, input.query ?? {})
  const headers: Record<string, string> = encodeHeaders(operation.parameters.headers ?? {}, input.headers ?? {})
  const body = encodeBody(operation, input.body)
  if (body !== undefined && !Object.keys(headers).some(name => name.toLowerCase() === 'content-type')) {
    headers['content-type'] = operation.request === 'tar' ? 'application/x-tar' : 'application/json'
  }
  return {
    method: operation.method,
    path: `${prefix}${fillPath(operation, input.path ?? {})}${query === '' ? '' : `?${query}`}`,
    headers,
    ...(body === undefined ? {} : { body }),
    ...(operation.response === 'hijack' ? { upgrade: upgradeProtocols[operation.id] ?? 'tcp' } : {})
  }
}

function encodeBody(operation: Operation, body: unknown): HttpRequest['body'] {
  if (body === undefined || operation.request === 'none') return undefined
  if (operation.request === 'json') return JSON.stringify(body)
  // The reason for the cast: the operation's type says so, and a check would only repeat it.
  return streamedBody(body as AsyncIterable<Uint8Array>)
}

function fillPath(operation: Operation, values: Readonly<Record<string, string>>): string {
  return operation.path.replace(/\{([^}]+)\}/g, (_match, name: string) => {
    const value = values[name] ?? ''
    const segments = value.split('/')
    // An empty part, "." or ".." would be resolved on the way and call something else.
    if (segments.some(segment => segment === '' || segment === '.' || segment === '..')) {
      throw new EngineError('invalid_argument', `${operation.id}: ${name} must be a name or an id, not ${JSON.stringify(value)}`, {
        details: { operation: operation.id, field: `path.${name}`, value }
      })
    }
    // Image names hold slashes, which engines expect as they are.
    return segments.map(encodeURIComponent).join('/')
  })
}
