import type { ContainerRecord } from './container-record.js'
import { expandLogTag } from './log-tag.js'

/**
 * What the options of a log have each of its entries say about the container: labels and variables, by name or by pattern, and a tag. Of a
 * label and a variable of one name it is the variable.
 *
 * @throws Error in Go's words: a pattern or a tag that is none
 */
export function logAttributes(record: ContainerRecord, options: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const labels = record.config.Labels ?? {}
  const variables = Object.fromEntries((record.config.Env ?? []).map(splitVariable))
  const attributes = {
    ...chosen(labels, options.labels, options['labels-regex']),
    ...chosen(variables, options.env, options['env-regex'])
  }
  const tag = options.tag ? expandLogTag(options.tag, record) : ''
  return tag === '' ? attributes : { ...attributes, tag }
}

function chosen(all: Readonly<Record<string, string>>, names = '', pattern = ''): Readonly<Record<string, string>> {
  if (names === '' && pattern === '') return {}
  const named = new Set(names.split(','))
  const matches = pattern === '' ? undefined : compile(pattern)
  return Object.fromEntries(Object.entries(all).filter(([name]) => named.has(name) || matches?.test(name)))
}

function splitVariable(variable: string): readonly [string, string] {
  const at = variable.indexOf('=')
  return at === -1 ? [variable, ''] : [variable.slice(0, at), variable.slice(at + 1)]
}

/** Go's flags for a whole pattern, which JavaScript has beside it. */
const leadingFlags = /^\(\?([ims]+)\)/

/**
 * A pattern of Go's (RE2). What JavaScript understands and RE2 does not is refused, in Go's words where they are known.
 *
 * @throws Error
 */
function compile(pattern: string): RegExp {
  const perl = /\(\?(?:[=!]|<[=!])/.exec(pattern)
  if (perl !== null) throw new Error(`error parsing regexp: invalid or unsupported Perl syntax: \`${perl[0]}\``)
  const reference = /(?:^|[^\\])(?:\\\\)*(\\[1-9])/.exec(pattern)
  if (reference !== null) throw new Error(`error parsing regexp: invalid escape sequence: \`${reference[1]}\``)
  const flags = leadingFlags.exec(pattern)?.[1] ?? ''
  const body = pattern.replace(leadingFlags, '').replaceAll('(?P<', '(?<')
  try {
    return new RegExp(body, [...new Set(`u${flags}`)].join(''))
  } catch (cause) {
    throw new Error(`error parsing regexp: ${whatIsMissing(cause, body)}: \`${pattern}\``, { cause })
  }
}

function whatIsMissing(error: unknown, pattern: string): string {
  const message = error instanceof Error ? error.message : String(error)
  if (message.includes('Unterminated group')) return 'missing closing )'
  if (message.includes('Unterminated character class')) return 'missing closing ]'
  if (message.includes('Nothing to repeat')) return 'missing argument to repetition operator'
  return message.replace(`Invalid regular expression: /${pattern}/u: `, '')
}
