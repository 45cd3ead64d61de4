import type { IncomingHttpHeaders } from 'node:http'
import {
  decodeHeaders,
  decodeQuery,
  type InputOf,
  isAtLeast,
  type Operation,
  type OperationInput,
  type Parameters,
  supports,
  validateInput
} from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { checkDecoded } from './check-decoded.js'
import { readJsonBody } from './read-json-body.js'
import type { Route } from './routes.js'

/** A request's parts, wherever its body comes from. */
export interface RequestParts {
  readonly headers: IncomingHttpHeaders
  readonly query: URLSearchParams
  readonly version: string
  /** Its body; absent where the headers say that there is none. */
  readonly body: AsyncIterable<Uint8Array> | undefined
}

/**
 * An operation's input, checked. Parameters that the request's version does not have are ignored, as are fields nobody knows.
 *
 * @throws EngineError `invalid_argument` naming the field; `resource_exhausted` for a body that is too long
 */
export async function readInput({ operation, path }: Route, request: RequestParts): Promise<OperationInput> {
  const { query, headers } = operation.parameters
  const input = {
    path,
    ...(query && { query: withDefaults(operation, decodeQuery(known(query, request.version), request.query), request.version) }),
    ...(headers && { headers: decodeHeaders(known(headers, request.version), request.headers) }),
    ...(await bodyOf(operation, request))
  }
  // What was decoded has its types already; the schemas, which take long to load, are for bodies.
  if (operation.request !== 'json') return checkDecoded(operation, input)
  // The reason for the cast: the operation is known by name only, and this is the check.
  return validateInput(operation, input as InputOf<Operation>)
}

/** What is meant when nothing is said: in Docker's code the default stands beside the parameter, and changes with the version. */
function withDefaults(operation: Operation, query: Readonly<Record<string, unknown>>, version: string): Readonly<Record<string, unknown>> {
  if (operation.id === 'ContainerStats' && query.stream === undefined) return { ...query, stream: true }
  // Volumes with names stay since 1.42, unless `all` says otherwise.
  if (operation.id === 'VolumePrune' && !isAtLeast(version, '1.42')) {
    return { ...query, filters: { ...(query.filters as object | undefined), all: ['true'] } } // what decodeQuery makes of filters
  }
  return query
}

const knownParameters = new WeakMap<Parameters, Map<string, Parameters>>()

/** The parameters that a version has. */
function known(parameters: Parameters, version: string): Parameters {
  const byVersion = knownParameters.get(parameters) ?? new Map<string, Parameters>()
  knownParameters.set(parameters, byVersion)
  const already = byVersion.get(version)
  if (already !== undefined) return already
  const those = Object.fromEntries(Object.entries(parameters).filter(([, parameter]) => supports(parameter, version)))
  byVersion.set(version, those)
  return those
}

async function bodyOf(operation: Operation, request: RequestParts): Promise<{ readonly body?: unknown }> {
  const { body, headers } = request
  switch (operation.request) {
    case 'none':
      if (operation.id === 'ContainerStart' && body !== undefined && isAtLeast(request.version, '1.24')) await refuseStartBody(body)
      return {}
    case 'tar':
      return { body: body ?? nothing() }
    case 'json': {
      if (body === undefined) return {}
      refuseOtherTypes(headers['content-type'])
      const value = await readJsonBody(body, operation.id)
      return value === undefined ? {} : { body: value }
    }
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}

/** Docker took settings here once; clients that still send some must not believe that they were heard. */
async function refuseStartBody(body: AsyncIterable<Uint8Array>): Promise<void> {
  const value = await readJsonBody(body, 'ContainerStart')
  if (value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)) return
  throw new EngineError(
    'invalid_argument',
    'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24'
  )
}

function refuseOtherTypes(contentType: string | undefined): void {
  const type = contentType?.split(';')[0]?.trim().toLowerCase()
  // Docker takes a body without a type.
  if (type === undefined || type === '' || type === 'application/json') return
  throw new EngineError('invalid_argument', `unsupported Content-Type header (${contentType}): must be 'application/json'`, {
    details: { field: 'Content-Type', value: contentType }
  })
}
