import { EngineError } from '../../errors/index.js'
import type { LocatePorts } from './ports.js'

/** A file's text, or undefined when there is none. @throws permission_denied naming the file when it cannot be read. */
export async function readText(ports: LocatePorts, path: string): Promise<string | undefined> {
  try {
    return await ports.readFile(path)
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    throw new EngineError('permission_denied', `cannot read ${path}: ${said}. Make it readable for this user`, { details: { path }, cause })
  }
}

/** The object a JSON file holds, or undefined when there is no such file. @throws invalid_argument naming the file when it is malformed. */
export async function readJsonObject(ports: LocatePorts, path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = await readText(ports, path)
  if (text === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new EngineError('invalid_argument', `${path} is not valid JSON. Correct the file, or move it away`, { details: { path }, cause })
  }
  if (!isObject(value)) {
    throw new EngineError('invalid_argument', `${path} must hold a JSON object. Correct the file, or move it away`, { details: { path } })
  }
  return value
}

/** Whether a parsed JSON value is an object (not an array, not null). */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
