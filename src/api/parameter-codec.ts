import { EngineError } from '../errors/index.js'
import type { Filters, Parameter, Parameters } from './parameter.js'

/**
 * Write a query, without the question mark. Absent values are left out; false and 0 are written, because some parameters are true
 * or not 0 by default. Names the operation does not declare are left out.
 *
 * Expects values that are valid for the parameters: `validateInput` is the check.
 */
export function encodeQuery(parameters: Parameters, values: object): string {
  const query = new URLSearchParams()
  for (const [name, parameter] of Object.entries(parameters)) {
    for (const text of encode(parameter, Reflect.get(values, name))) query.append(name, text)
  }
  return query.toString()
}

/**
 * Read a query. Parameters the operation does not declare are ignored, as Docker ignores them; so are empty ones, except of
 * text.
 *
 * @throws EngineError `invalid_argument` where a value cannot be read.
 */
export function decodeQuery(parameters: Parameters, query: URLSearchParams): Readonly<Record<string, unknown>> {
  return decodeAll(parameters, 'query', name => query.getAll(name))
}

/** Write header parameters. Absent values are left out. */
export function encodeHeaders(parameters: Parameters, values: object): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, parameter] of Object.entries(parameters)) {
    const [text] = encode(parameter, Reflect.get(values, name))
    if (text !== undefined) headers[name] = text
  }
  return headers
}

/**
 * Read header parameters, whatever the case of their names; the result has the names as declared.
 *
 * @throws EngineError `invalid_argument` where a value cannot be read.
 */
export function decodeHeaders(
  parameters: Parameters,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>
): Readonly<Record<string, unknown>> {
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  return decodeAll(parameters, 'headers', name => [lower.get(name.toLowerCase()) ?? []].flat())
}

function decodeAll(parameters: Parameters, part: string, read: (name: string) => readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [name, parameter] of Object.entries(parameters)) {
    const texts = read(name)
    if (texts.length === 0) continue
    const value = decode(parameter, texts, `${part}.${name}`)
    if (value !== undefined) values[name] = value
  }
  return values
}

function encode(parameter: Parameter, value: unknown): readonly string[] {
  if (value === undefined || value === null) return []
  switch (parameter.codec) {
    case 'boolean':
      return [value === true ? '1' : '0']
    case 'integer':
    case 'string':
      return [String(value)]
    case 'filters':
    case 'json':
      return [JSON.stringify(value)]
    case 'strings':
      return value as readonly string[]
    case 'jsons':
      return (value as readonly unknown[]).map(item => JSON.stringify(item))
  }
}

function decode(parameter: Parameter, texts: readonly string[], path: string): unknown {
  // Where a parameter that has one value is repeated, the first counts, as in Go's FormValue.
  const text = texts[0] as string
  switch (parameter.codec) {
    case 'boolean':
      return !falseWords.has(text.trim().toLowerCase())
    case 'integer':
      return text === '' ? undefined : readInteger(text, path)
    case 'string':
      return text
    case 'strings':
      return texts
    case 'filters':
      return text === '' ? undefined : readFilters(readJson(text, path), path)
    case 'json':
      return text === '' ? undefined : readJson(text, path)
    case 'jsons':
      return texts.filter(item => item !== '').map(item => readJson(item, path))
  }
}

// moby's httputils.BoolValue.
const falseWords: ReadonlySet<string> = new Set(['', '0', 'no', 'false', 'none'])

function readInteger(text: string, path: string): number {
  if (/^[+-]?\d+$/.test(text)) return Number(text)
  throw unreadable(path, 'an integer', text)
}

function readJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw unreadable(path, 'JSON', text)
  }
}

/** Old clients write the values of a filter as a set, `{"label":{"a=b":true}}`. */
function readFilters(value: unknown, path: string): Filters {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unreadable(path, 'an object of lists', JSON.stringify(value))
  return Object.fromEntries(Object.entries(value).map(([name, values]) => [name, filterValues(values, `${path}.${name}`)]))
}

function filterValues(values: unknown, path: string): readonly string[] {
  if (Array.isArray(values) && values.every(value => typeof value === 'string')) return values
  if (typeof values === 'object' && values !== null && !Array.isArray(values)) {
    return Object.entries(values).flatMap(([value, given]) => (given === true ? [value] : []))
  }
  if (values === null) return []
  throw unreadable(path, 'a list of strings', JSON.stringify(values))
}

function unreadable(path: string, expected: string, text: string): EngineError {
  const received = `the string ${JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text)}`
  return new EngineError('invalid_argument', `${path}: expected ${expected}, got ${received}`, {
    details: { issues: [{ path, expected, received }] }
  })
}
