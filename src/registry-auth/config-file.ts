import { readFile } from 'node:fs/promises'
import { EngineError } from '../errors/index.js'
import { type Credentials, decodeBasic } from './credentials.js'

/** What the docker CLI's `config.json` says of credentials. */
export interface ConfigFile {
  readonly path: string
  /** By server, as it is spelled in the file. */
  readonly auths: Readonly<Record<string, unknown>>
  /** Name of the credential helper for all servers. */
  readonly credsStore?: string
  /** Names of credential helpers, by server. */
  readonly credHelpers: Readonly<Record<string, unknown>>
}

/**
 * Read a configuration file; one that isn't there says nothing. Messages never repeat what is in the file.
 *
 * @throws EngineError `invalid_argument` naming the file, `permission_denied` where it cannot be read
 */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  return parseConfigFile(await readIfThere(path), path)
}

/** As {@link readConfigFile}, from its text. @throws EngineError `invalid_argument` */
export function parseConfigFile(text: string | undefined, path: string): ConfigFile {
  const { auths, credsStore, credHelpers } = parseObject(text, path)
  if (credsStore !== undefined && typeof credsStore !== 'string') throw malformed(path, 'credsStore must be the name of a helper')
  return {
    path,
    auths: objectAt(auths, path, 'auths'),
    credHelpers: objectAt(credHelpers, path, 'credHelpers'),
    ...(credsStore && { credsStore })
  }
}

/** The object that a configuration file holds. @throws EngineError `invalid_argument` */
export function parseObject(text: string | undefined, path: string): Readonly<Record<string, unknown>> {
  // An empty file says nothing: docker makes such ones when it is interrupted.
  if (text === undefined || text.trim() === '') return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own message would repeat what is in the file.
    throw malformed(path, 'it is not JSON')
  }
  if (!isObject(value)) throw malformed(path, 'it must hold a JSON object')
  return value
}

/**
 * Credentials of an entry of `auths`; undefined for one that holds none.
 *
 * @throws EngineError `invalid_argument` naming file and server
 */
export function credentialsOfEntry(entry: unknown, server: string, path: string): Credentials | undefined {
  if (!isObject(entry)) throw malformed(path, `auths[${JSON.stringify(server)}] must be an object`)
  const { auth, username, password, identitytoken, registrytoken } = entry
  for (const [name, value] of Object.entries({ auth, username, password, identitytoken, registrytoken })) {
    if (value !== undefined && typeof value !== 'string') throw malformed(path, `auths[${JSON.stringify(server)}].${name} must be a text`)
  }
  if (typeof identitytoken === 'string' && identitytoken !== '') return { identityToken: identitytoken }
  if (typeof registrytoken === 'string' && registrytoken !== '') return { registryToken: registrytoken }
  if (typeof auth === 'string' && auth !== '') {
    const decoded = decodeBasic(auth)
    if (decoded === undefined) throw malformed(path, `auths[${JSON.stringify(server)}].auth must be user:password in base64`)
    return decoded.username === '' ? undefined : decoded
  }
  return typeof username === 'string' && username !== '' ? { username, password: String(password ?? '') } : undefined
}

/** Whether a parsed JSON value is an object, and no list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException // readFile rejects with nothing else
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new EngineError('permission_denied', `cannot read ${path}: ${message}. Make it a file that this user can read`, {
      details: { path, errno: code },
      cause
    })
  }
}

function objectAt(value: unknown, path: string, name: string): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {}
  if (!isObject(value)) throw malformed(path, `${name} must be an object`)
  return value
}

function malformed(path: string, problem: string): EngineError {
  return new EngineError('invalid_argument', `${path}: ${problem}. Correct the file, or move it away`, { details: { path } })
}
