import { EngineError } from '../../src/errors/index.js'

/** Words of a Dockerfile line: separated by blanks, with quotes and backslashes as a shell has them. Quotes are taken away. */
export function wordsOf(text: string): readonly string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    if (char === '\\' && quote !== "'" && at + 1 < text.length) {
      word = (word ?? '') + text[++at]
    } else if (quote !== '') {
      if (char === quote) quote = ''
      else word = (word ?? '') + char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else {
      word = (word ?? '') + char
    }
  }
  return word === undefined ? words : [...words, word]
}

/** `A=1 B="x y"`, or `A the rest of the line`. @throws EngineError `invalid_argument` */
export function pairsOf(instruction: string, text: string): readonly (readonly [string, string])[] {
  const words = wordsOf(text)
  const [first = ''] = words
  if (first === '') throw new EngineError('invalid_argument', `${instruction} requires at least one argument`)
  if (!first.includes('=')) {
    const value = /^\S+\s+(.*)$/s.exec(text)?.[1]
    if (value === undefined) throw new EngineError('invalid_argument', `${instruction} must have two arguments`)
    return [[first, value]]
  }
  return words.map(word => {
    const equals = word.indexOf('=')
    if (equals < 1) {
      throw new EngineError('invalid_argument', `Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`)
    }
    return [word.slice(0, equals), word.slice(equals + 1)]
  })
}

/** A JSON array of texts, or undefined for anything else: that is a command for a shell. */
export function jsonWords(text: string): readonly string[] | undefined {
  if (!text.startsWith('[')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) && value.every((item): item is string => typeof item === 'string') ? value : undefined
  } catch {
    return undefined
  }
}
