import { SignatureProblem } from './signature.js'

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @param what - for the message @throws SignatureProblem for what is no JSON object in UTF-8 */
export function parseJson(bytes: Uint8Array, what: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new SignatureProblem(`${what} is not JSON`)
  }
  if (isObject(value)) return value
  throw new SignatureProblem(`${what} is no JSON object`)
}

/** An object below another one; an empty one where there is none. */
export function objectAt(value: JsonObject, ...path: readonly string[]): JsonObject {
  let at: unknown = value
  for (const name of path) at = isObject(at) ? at[name] : undefined
  return isObject(at) ? at : {}
}

export function listAt(value: JsonObject, name: string): readonly JsonObject[] {
  const found = value[name]
  return Array.isArray(found) ? found.filter(isObject) : []
}

/** Bytes that are written in base64. @throws SignatureProblem */
export function base64At(value: JsonObject, name: string): Buffer {
  const text = value[name]
  if (typeof text === 'string' && text !== '' && /^[A-Za-z0-9+/\-_]+={0,2}$/.test(text)) return Buffer.from(text, 'base64')
  throw new SignatureProblem(`its ${name} is not base64`)
}

/** A whole number; JSON of protocol buffers writes large ones as text. @throws SignatureProblem */
export function countAt(value: JsonObject, name: string): number {
  const found = value[name]
  const count = typeof found === 'string' && /^\d{1,16}$/.test(found) ? Number(found) : found
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count
  throw new SignatureProblem(`its ${name} is not a whole number`)
}
