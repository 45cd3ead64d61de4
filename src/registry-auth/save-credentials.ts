import { delimiter, join } from 'node:path'
import { EngineError } from '../errors/index.js'
import { isExecutable } from '../util/is-executable.js'
import { type ConfigFile, isObject, readConfigFile } from './config-file.js'
import { eraseFromHelper, helperProgram, storeInHelper } from './credential-helper.js'
import { encodeBasic, tokenUsername } from './credentials.js'
import { type AuthEnvironment, dockerConfigPath, processEnvironment } from './environment.js'
import { helperFor } from './find-credentials.js'
import { findServerKey, serverName } from './server-address.js'
import { updateConfigFile } from './update-config.js'

/** How credentials are kept or forgotten. */
export interface SaveOptions {
  /** @default of this process */
  readonly environment?: AuthEnvironment
  readonly signal?: AbortSignal
  /** How long a helper may take, in milliseconds. @default 60000 */
  readonly timeoutMs?: number
}

/** A login that a registry accepted. */
export interface Login {
  readonly username: string
  readonly password: string
  /** In the password's place, where the registry gave one. */
  readonly identityToken?: string
}

/** Where credentials went. */
export interface Saved {
  /** The docker CLI's file. */
  readonly path: string
  /** The helper that keeps the secret; undefined: it is in the file, readable for its owner. */
  readonly helper?: string
  /** Why a helper that is installed was passed over. */
  readonly passedOver?: string
}

/**
 * Keep a login where the docker CLI finds it: with the credential helper that `config.json` names for the server, else in the file. Where it says
 * nothing yet and the system's own helper is installed, that one is used and named in the file, as the docker CLI does.
 *
 * @param address - the registry's address in any spelling; nothing is Docker Hub
 * @throws EngineError `invalid_argument`, `permission_denied` for the file; `not_found`, `failed`, `deadline_exceeded` for the helper
 */
export async function saveCredentials(address: string, login: Login, options: SaveOptions = {}): Promise<Saved> {
  const environment = options.environment ?? processEnvironment()
  const server = serverName(address)
  const path = dockerConfigPath(environment)
  const file = await readConfigFile(path)
  const named = helperFor(file, server)
  const detected = named === undefined && saysNothing(file) ? systemHelper(environment) : undefined
  const entry = {
    server,
    username: login.identityToken === undefined ? login.username : tokenUsername,
    secret: login.identityToken ?? login.password
  }
  const helper = named ?? detected
  const helping = { ...options, env: environment.env }
  if (helper !== undefined) {
    try {
      await storeInHelper(helper, entry, helping)
      await updateConfigFile(
        path,
        config => withEntry(config, server, { ...(detected !== undefined && { credsStore: detected }) }, {}),
        options
      )
      return { path, helper }
    } catch (error) {
      // One that nobody asked for must not stand in the way.
      if (named !== undefined || !EngineError.is(error) || error.details.program === undefined) throw error
      await saveInFile(path, server, login, options)
      return { path, passedOver: error.message }
    }
  }
  await saveInFile(path, server, login, options)
  return { path }
}

/**
 * Forget a server's credentials, in the file and in its helper.
 *
 * @returns whether there were any, as far as the file tells
 * @throws EngineError as {@link saveCredentials}
 */
export async function eraseCredentials(address: string, options: SaveOptions = {}): Promise<boolean> {
  const environment = options.environment ?? processEnvironment()
  const server = serverName(address)
  const path = dockerConfigPath(environment)
  const file = await readConfigFile(path)
  const known = findServerKey(file.auths, server) !== undefined
  const helper = helperFor(file, server)
  if (helper !== undefined) await eraseFromHelper(helper, server, { ...options, env: environment.env })
  if (known) await updateConfigFile(path, config => withoutEntry(config, server), options)
  return known
}

function saveInFile(path: string, server: string, login: Login, options: SaveOptions): Promise<void> {
  const { username, password, identityToken } = login
  const entry =
    identityToken === undefined
      ? { auth: encodeBasic({ username, password }) }
      : { auth: encodeBasic({ username, password: '' }), identitytoken: identityToken }
  return updateConfigFile(path, config => withEntry(config, server, {}, entry), options)
}

/** The fields of an entry that are credentials; what else is in it stays. */
const credentialFields: ReadonlySet<string> = new Set(['auth', 'username', 'password', 'identitytoken', 'registrytoken'])

function withEntry(
  config: Readonly<Record<string, unknown>>,
  server: string,
  settings: Readonly<Record<string, unknown>>,
  credentials: Readonly<Record<string, unknown>>
): Readonly<Record<string, unknown>> {
  const auths = isObject(config.auths) ? config.auths : {}
  const old = auths[findServerKey(auths, server) ?? '']
  const kept = isObject(old) ? Object.entries(old).filter(([name]) => !credentialFields.has(name)) : []
  return { ...config, ...settings, auths: { ...without(auths, server), [server]: { ...Object.fromEntries(kept), ...credentials } } }
}

function withoutEntry(config: Readonly<Record<string, unknown>>, server: string): Readonly<Record<string, unknown>> {
  return { ...config, auths: without(isObject(config.auths) ? config.auths : {}, server) }
}

/** Other spellings of the same server go too. */
function without(auths: Readonly<Record<string, unknown>>, server: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(auths).filter(([key]) => key === '' || serverName(key) !== server))
}

function saysNothing({ auths, credHelpers, credsStore }: ConfigFile): boolean {
  return credsStore === undefined && Object.keys(credHelpers).length === 0 && Object.keys(auths).length === 0
}

/** Docker's choice by system: the helper of its keychain, where that is installed. */
function systemHelper({ env }: AuthEnvironment): string | undefined {
  const unix = isOnPath('pass', env) ? 'pass' : 'secretservice'
  const name = process.platform === 'darwin' ? 'osxkeychain' : process.platform === 'win32' ? 'wincred' : unix
  return isOnPath(helperProgram(name), env) ? name : undefined
}

function isOnPath(program: string, env: AuthEnvironment['env']): boolean {
  const names = process.platform === 'win32' ? [`${program}.exe`, `${program}.cmd`] : [program]
  return (env.PATH ?? '').split(delimiter).some(folder => names.some(name => isExecutable(join(folder, name))))
}
