import type { Operation, OperationInput, Parameters } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'

/**
 * Check parameters that were read from a request, as `validateInput` would: those that are needed are there, and those that take some words
 * have one of them. The empty word stands for none.
 *
 * @throws EngineError `invalid_argument` naming the parameter
 */
export function checkDecoded(operation: Operation, input: OperationInput): OperationInput {
  const { query, headers } = operation.parameters
  for (const [name, value] of Object.entries(input.path ?? {}))
    if (value === '') throw wrong(`path.${name}`, 'something that is not empty', value)
  return {
    ...input,
    ...(query && { query: checked(query, 'query', input.query ?? {}) }),
    ...(headers && { headers: checked(headers, 'headers', input.headers ?? {}) })
  }
}

function checked(parameters: Parameters, part: string, values: object): object {
  const given = values as Readonly<Record<string, unknown>>
  const empty: string[] = []
  for (const [name, { required, values: words }] of Object.entries(parameters)) {
    const value = given[name]
    const isEmpty = value === undefined || (value === '' && words !== undefined)
    if (isEmpty && required) throw wrong(`${part}.${name}`, words === undefined ? 'a value' : oneOf(words), value)
    if (isEmpty) empty.push(name)
    else if (words !== undefined && !words.includes(String(value))) throw wrong(`${part}.${name}`, oneOf(words), value)
  }
  if (!empty.some(name => name in given)) return given
  return Object.fromEntries(Object.entries(given).filter(([name]) => !empty.includes(name)))
}

function oneOf(words: readonly string[]): string {
  return `one of ${words.map(word => JSON.stringify(word)).join(', ')}`
}

function wrong(path: string, expected: string, value: unknown): EngineError {
  const received = value === undefined ? 'nothing' : `the string ${JSON.stringify(String(value).slice(0, 80))}`
  return new EngineError('invalid_argument', `${path}: expected ${expected}, got ${received}`, {
    details: { issues: [{ path, expected, received }] }
  })
}
