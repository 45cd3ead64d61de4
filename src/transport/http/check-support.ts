import type { Operation, OperationInput } from '../../api/operation.js'
import { supports } from '../../api/versions.js'
import { EngineError } from '../../errors/index.js'

/** Whose support is asked for. */
interface Engine {
  readonly endpoint: string
  readonly apiVersion: string
  readonly isGantry: boolean
}

interface Versioned {
  readonly since?: string
  readonly until?: string
}

/**
 * Refuse what an engine of this version does not have. A parameter it does not know it would ignore without a word, so
 * one that is given is checked as well.
 *
 * @throws not_supported naming both versions; not_implemented for what this transport cannot do
 */
export function checkSupport(operation: Operation, input: OperationInput, engine: Engine): void {
  if (operation.id === 'ContainerAttachWebsocket') {
    throw new EngineError('not_implemented', `${operation.id} is not implemented by this transport: use ContainerAttach`, {
      details: { operation: operation.id }
    })
  }
  check(operation.id, operation, operation, engine)
  if (operation.path.startsWith('/gantry/')) checkGantry(operation.id, operation, engine)
  for (const part of ['query', 'headers'] as const) {
    const given = input[part]
    if (given === undefined) continue
    for (const [name, parameter] of Object.entries(operation.parameters[part] ?? {})) {
      if (Reflect.get(given, name) === undefined) continue
      check(`${operation.id} with ${part}.${name}`, parameter, operation, engine)
      if (name.startsWith('X-Gantry-')) checkGantry(`${operation.id} with ${part}.${name}`, operation, engine)
    }
  }
}

/** Other engines answer 404 to what they do not know, or ignore it without a word. */
function checkGantry(what: string, operation: Operation, { endpoint, isGantry }: Engine): void {
  if (isGantry) return
  throw new EngineError(
    'not_supported',
    `${what} is Gantry's own; the engine at ${endpoint} is another one: use the in-process engine or gantry daemon`,
    {
      details: { operation: operation.id, endpoint }
    }
  )
}

function check(what: string, versions: Versioned, operation: Operation, { endpoint, apiVersion }: Engine): void {
  if (supports(versions, apiVersion)) return
  const { since, until } = versions
  const isTooOld = since !== undefined && !supports({ since }, apiVersion)
  const message = isTooOld
    ? `${what} needs API ${since}; the engine at ${endpoint} speaks ${apiVersion}: upgrade it, or do without`
    : `${what} went away after API ${until}; the engine at ${endpoint} speaks ${apiVersion}`
  throw new EngineError('not_supported', message, {
    details: { operation: operation.id, endpoint, apiVersion, ...(isTooOld ? { since } : { until }) }
  })
}
