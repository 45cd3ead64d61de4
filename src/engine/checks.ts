import { EngineError } from '../errors/index.js'
import { parseDuration } from '../util/parse-duration.js'
import { parseSize } from '../util/parse-size.js'

// Checks of what users give to the fluent API. Each takes the setting's path as the user wrote it, and throws `invalid_argument` naming
// the path, what was expected and what came.

/** The error of a setting that has the wrong type or value. */
export function wrongSetting(path: string, expected: string, value: unknown): EngineError {
  return new EngineError('invalid_argument', `${path}: expected ${expected}, got ${describe(value)}`, { details: { path, expected } })
}

export function checkString(path: string, value: unknown, expected = 'text'): string {
  if (typeof value !== 'string' || value === '') throw wrongSetting(path, expected, value)
  return value
}

export function checkBoolean(path: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrongSetting(path, 'true or false', value)
  return value
}

/** A list of texts, copied. */
export function checkStrings(path: string, value: unknown, expected = 'a list of texts'): readonly string[] {
  if (!Array.isArray(value)) throw wrongSetting(path, expected, value)
  return value.map((item: unknown, index) => {
    if (typeof item !== 'string') throw wrongSetting(`${path}[${index}]`, 'text', item)
    return item
  })
}

/** A command as words. No words at all are none for an entry point, or the image's own. */
export function checkCommand(path: string, value: unknown): readonly string[] {
  const argv = checkStrings(path, value, 'a command as a list of words')
  if (argv[0] === '') throw new EngineError('invalid_argument', `${path}[0]: the program's name is empty`)
  return argv
}

/** Texts by name, copied. */
export function checkTexts(path: string, value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(checkObject(path, value))
  for (const [name, text] of entries) {
    if (typeof text !== 'string') throw wrongSetting(`${path}.${name}`, 'text', text)
    if (name === '') throw new EngineError('invalid_argument', `${path}: a name is empty`)
  }
  // The reason for the cast: every value was just checked.
  return Object.fromEntries(entries) as Record<string, string>
}

export function checkObject(path: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongSetting(path, 'an object', value)
  return value as Readonly<Record<string, unknown>>
}

/** An options object that has no other keys than these, so that a misspelt option is not silently without effect. */
export function checkKeys(path: string, value: unknown, keys: readonly string[]): Readonly<Record<string, unknown>> {
  const given = checkObject(path, value)
  for (const key of Object.keys(given)) {
    if (!keys.includes(key)) {
      throw new EngineError('invalid_argument', `${path}.${key}: there is no such option. There are: ${keys.join(', ')}`, {
        details: { path: `${path}.${key}` }
      })
    }
  }
  return given
}

export function checkOneOf<const T extends string>(path: string, value: unknown, words: readonly T[]): T {
  const found = words.find(word => word === value)
  if (found === undefined) throw wrongSetting(path, `one of ${words.join(', ')}`, value)
  return found
}

/** A number above 0. */
export function checkPositive(path: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) throw wrongSetting(path, 'a number above 0', value)
  return value
}

/** A whole number, 0 or more. */
export function checkCount(path: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw wrongSetting(path, 'a whole number, 0 or more', value)
  return value
}

/** A time in milliseconds. */
export function checkDuration(path: string, value: unknown): number {
  const parsed = parseDuration(value)
  if (parsed === undefined) throw wrongSetting(path, 'a duration such as 10s or a number of milliseconds', value)
  return parsed
}

/** An amount of bytes. */
export function checkSize(path: string, value: unknown): number {
  const parsed = parseSize(value)
  if (parsed === undefined) throw wrongSetting(path, 'a size such as 512m or a number of bytes', value)
  return parsed
}

/** A container's port, as the Engine API writes it: `80/tcp`. */
export function checkPort(path: string, value: unknown): `${number}/${'tcp' | 'udp' | 'sctp'}` {
  const match = typeof value === 'number' || typeof value === 'string' ? /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(String(value)) : null
  const port = Number(match?.[1] ?? 0)
  if (port < 1 || port > 65_535) throw wrongSetting(path, 'a port such as 80 or 53/udp', value)
  // The reason for the cast: the pattern allows these words and nothing else.
  return `${port}/${(match?.[2] ?? 'tcp') as 'tcp' | 'udp' | 'sctp'}`
}

/** One text, or a list of them. */
export function checkTextOrTexts(path: string, value: unknown): readonly string[] {
  return typeof value === 'string' ? [checkString(path, value)] : checkStrings(path, value, 'text or a list of texts')
}

export function checkDate(path: string, value: unknown): Date {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) throw wrongSetting(path, 'a valid Date', value)
  return value
}

export function checkSignal(path: string, value: unknown): AbortSignal {
  if (!(value instanceof AbortSignal)) throw wrongSetting(path, 'an AbortSignal', value)
  return value
}

/** The value after its check, or nothing where there is none: for optional settings. */
export function optional<T>(check: (path: string, value: unknown) => T, path: string, value: unknown): T | undefined {
  return value === undefined ? undefined : check(path, value)
}

function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > 60 ? `text of ${value.length} characters` : JSON.stringify(value)
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'function':
      return 'a function'
    default:
      if (value === null) return 'null'
      return Array.isArray(value) ? 'a list' : `${value instanceof Date ? 'an invalid Date' : `an ${typeof value}`}`
  }
}
