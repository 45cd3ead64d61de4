import type { ZodType } from 'zod'
import type { Operation } from '../../../src/api/operation.js'
import type { Parameter, Parameters } from '../../../src/api/parameter.js'
import { unwrap } from '../../../src/api/schema.js'

/** An operation as `scripts/engine-api-outline.mjs` describes it. */
export interface OperationOutline {
  readonly method: string
  readonly path: string
  readonly parameters: readonly string[]
  readonly body?: 'tar' | readonly string[]
}

/** What the published description calls the type of a parameter, by our codec. */
const publishedTypes: Readonly<Record<Parameter['codec'], readonly string[]>> = {
  boolean: ['boolean'],
  integer: ['integer'],
  string: ['string'],
  filters: ['string'],
  strings: ['array'],
  json: ['string'],
  jsons: ['array']
}

/** A parameter of the contract, in the outline's words; several where its type has several names. */
export function parameterLines(place: string, name: string, parameter: Parameter): readonly string[] {
  return publishedTypes[parameter.codec].map(type => `${place} ${name}${parameter.required ? '!' : ''}: ${type}`)
}

/** All parameters of an operation by the outline's words for place and name, e.g. `query t`. */
export function parametersOf(
  operation: Operation
): ReadonlyMap<string, { readonly parameter: Parameter; readonly lines: readonly string[] }> {
  const found = new Map<string, { parameter: Parameter; lines: readonly string[] }>()
  const add = (place: string, parameters: Parameters) => {
    for (const [name, parameter] of Object.entries(parameters)) {
      found.set(`${place} ${name}`, { parameter, lines: parameterLines(place, name, parameter) })
    }
  }
  const names = [...operation.path.matchAll(/\{([^}]+)\}/g)].map(match => match[1] as string)
  add('path', Object.fromEntries(names.map(name => [name, { codec: 'string', required: true }])))
  add('query', operation.parameters.query ?? {})
  add('header', operation.parameters.headers ?? {})
  return found
}

/** Every property of an operation's body, in the outline's words. */
export function bodyOf(operation: Operation): OperationOutline['body'] {
  const schema = operation.schemas.body?.()
  if (schema === undefined) return undefined
  return operation.request === 'tar' ? 'tar' : [...new Set(propertiesOf(schema, ''))].sort()
}

function propertiesOf(schema: ZodType, path: string): readonly string[] {
  const inner = unwrap(schema)
  const def = inner.def as {
    readonly type: string
    readonly shape?: Readonly<Record<string, ZodType>>
    readonly element?: ZodType
    readonly valueType?: ZodType
  }
  const line = (type: string) => (path === '' ? [] : [`${path}: ${type}`])
  switch (def.type) {
    case 'object':
      return [
        ...line('object'),
        ...Object.entries(def.shape ?? {}).flatMap(([name, property]) => propertiesOf(property, path === '' ? name : `${path}.${name}`))
      ]
    case 'array':
      return [...line('array'), ...propertiesOf(def.element as ZodType, `${path}[]`)]
    case 'record':
      return [...line('object'), ...propertiesOf(def.valueType as ZodType, `${path}{}`)]
    case 'enum':
    case 'string':
      return line('string')
    case 'number':
      // A refined number is a whole one.
      return line((inner.def as { readonly checks?: readonly unknown[] }).checks?.length ? 'integer' : 'number')
    default:
      return line(def.type)
  }
}
