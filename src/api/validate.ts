import type { core } from 'zod'
import { EngineError } from '../errors/index.js'
import type { InputOf, Operation, OperationInput } from './operation.js'

/** One thing that is wrong with an input. */
export interface InputIssue {
  /** Where: `body.HostConfig.Memory`, `query.t`, `body.Env[2]`. */
  readonly path: string
  readonly expected: string
  readonly received: string
}

const parts = ['path', 'query', 'headers', 'body'] as const

/**
 * Check an operation's input and bring it into the shape of its types: null for absent properties goes away, a word where a list of
 * words is meant becomes that list. What the schemas do not know passes through.
 *
 * @throws EngineError `invalid_argument`. The message names the first field that is wrong, `details.issues` all of them.
 */
export function validateInput<Op extends Operation>(operation: Op, input: InputOf<Op>): InputOf<Op> {
  const given = input as OperationInput
  const checked: Record<string, unknown> = {}
  const issues: InputIssue[] = []
  for (const part of parts) {
    const schema = operation.schemas[part]?.()
    if (schema === undefined) continue
    // An absent set of parameters is an empty one; an absent body is no body.
    const value = given[part] ?? (part === 'body' ? undefined : {})
    const result = schema.safeParse(value)
    if (!result.success) issues.push(...result.error.issues.flatMap(issue => describe(issue, part, value)))
    else if (result.data !== undefined) checked[part] = result.data
  }
  const first = issues[0]
  // The reason for the cast: the schemas are what InputOf is made from.
  if (first === undefined) return checked as unknown as InputOf<Op>
  const more =
    issues.length === 1
      ? ''
      : ` (and ${issues.length - 1} more: ${issues
          .slice(1, 4)
          .map(issue => issue.path)
          .join(', ')}${issues.length > 4 ? ', ...' : ''})`
  throw new EngineError('invalid_argument', `${first.path}: expected ${first.expected}, got ${first.received}${more}`, {
    details: { operation: operation.id, issues }
  })
}

function describe(issue: core.$ZodIssue, part: string, value: unknown): readonly InputIssue[] {
  const path = issue.path.reduce<string>((text, key) => text + segment(key), part)
  return [{ path, expected: expectation(issue), received: reception(at(value, issue.path), part) }]
}

function segment(key: PropertyKey): string {
  if (typeof key === 'number') return `[${key}]`
  return /^[\w-]+$/.test(String(key)) ? `.${String(key)}` : `[${JSON.stringify(String(key))}]`
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined), value)
}

const articles: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object'
}

function expectation(issue: core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return articles[issue.expected] ?? issue.expected
    case 'invalid_value':
      return `one of ${issue.values
        .filter(value => value !== '')
        .map(value => JSON.stringify(value))
        .join(', ')}`
    case 'too_small':
      return 'something that is not empty'
    case 'custom':
      return typeof issue.params?.expected === 'string' ? issue.params.expected : issue.message
    default:
      return issue.message
  }
}

/** What was given, short, and never the text of a header: it may hold credentials. */
function reception(value: unknown, part: string): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string')
    return part === 'headers' ? 'a string' : `the string ${JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value)}`
  if (typeof value === 'function') return 'a function'
  return `the ${typeof value} ${String(value)}`
}
