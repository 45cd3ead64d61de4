import { EngineError } from '../../src/errors/index.js'

/**
 * A test for a pattern of Go's `path.Match`, as Docker's `reference` filter has it: `*` and `?` stop at a slash, `[a-z]` and `[^a-z]` are classes,
 * a backslash takes the next character as it is. The whole text has to match.
 *
 * @param field for messages
 * @throws EngineError `invalid_argument` for a class that does not end or has no sense, or a backslash at the end
 */
export function pathPattern(pattern: string, field: string): (text: string) => boolean {
  const parts: string[] = []
  for (let rest = pattern; rest !== ''; ) {
    const token = /^(?:\*|\?|\[\^?(?:\\.|[^\]\\])(?:\\.|[^\]\\])*\]|\\.|[^[\\])/s.exec(rest)?.[0]
    if (token === undefined) throw badPattern(pattern, field)
    parts.push(sourceOf(token))
    rest = rest.slice(token.length)
  }
  try {
    const expression = new RegExp(`^${parts.join('')}$`, 's')
    return text => expression.test(text)
  } catch {
    // A range whose end comes before its beginning.
    throw badPattern(pattern, field)
  }
}

function badPattern(pattern: string, field: string): EngineError {
  return new EngineError('invalid_argument', `invalid filter '${field}=${pattern}': syntax error in pattern`, {
    details: { filter: field, value: pattern }
  })
}

function sourceOf(token: string): string {
  if (token === '*') return '[^/]*'
  if (token === '?') return '[^/]'
  if (token.length > 2 && token.startsWith('[')) return token
  return (token.length === 2 ? token.slice(1) : token).replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
