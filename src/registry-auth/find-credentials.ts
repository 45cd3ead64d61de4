import { EngineError } from '../errors/index.js'
import { type ConfigFile, credentialsOfEntry, parseConfigFile, readConfigFile } from './config-file.js'
import { getFromHelper, type HelperOptions } from './credential-helper.js'
import type { Credentials } from './credentials.js'
import { type AuthEnvironment, dockerConfigPath, processEnvironment } from './environment.js'
import { findServerKey, serverName } from './server-address.js'

/** For whom credentials are looked for, and where. */
export interface FindOptions extends Partial<Omit<HelperOptions, 'env'>> {
  /** @default of this process */
  readonly environment?: AuthEnvironment
  /** Repository below the host, `team/app`: a file of `REGISTRY_AUTH_FILE` may name single ones. */
  readonly repository?: string
}

/** A variable that holds a configuration file's text, for one process: the docker CLI's. */
const textVariable = 'DOCKER_AUTH_CONFIG'
/** A variable that names podman's and skopeo's file. */
const fileVariable = 'REGISTRY_AUTH_FILE'

/**
 * The credentials that this user has for a registry, where the docker CLI finds them: `DOCKER_AUTH_CONFIG`, then `config.json` with its credential
 * helpers. The file that `REGISTRY_AUTH_FILE` names comes first, as for podman.
 *
 * @param address - a registry's host, or address in any spelling; nothing is Docker Hub
 * @returns undefined where there are none
 * @throws EngineError `invalid_argument` for a file that is malformed, `permission_denied` for one that cannot be read; `not_found`, `failed`,
 * `deadline_exceeded` for a helper that does not work; the signal's reason on abort
 */
export async function findCredentials(address: string, options: FindOptions = {}): Promise<Credentials | undefined> {
  const environment = options.environment ?? processEnvironment()
  const server = serverName(address)
  const { [fileVariable]: named, [textVariable]: text } = environment.env
  const helping = { ...options, env: environment.env }
  if (named) {
    const file = await readConfigFile(named)
    const found = (await findForRepository(file, server, options.repository)) ?? (await findIn(file, server, helping))
    if (found !== undefined) return found
  }
  if (text) {
    // Of such a text Docker reads `auths` and nothing else.
    const found = entryFor(parseConfigFile(text, textVariable), server)
    if (found !== undefined) return found
  }
  return findIn(await readConfigFile(dockerConfigPath(environment)), server, helping)
}

/** Name of the helper that keeps a server's credentials; undefined where the file itself does. @throws EngineError `invalid_argument` */
export function helperFor({ credHelpers, credsStore, path }: ConfigFile, server: string): string | undefined {
  const key = findServerKey(credHelpers, server)
  const name = key === undefined ? credsStore : credHelpers[key]
  if (name === undefined || name === '') return undefined
  if (typeof name === 'string') return name
  throw new EngineError('invalid_argument', `${path}: credHelpers[${JSON.stringify(key)}] must be the name of a helper. Correct the file`, {
    details: { path }
  })
}

async function findIn(file: ConfigFile, server: string, options: HelperOptions): Promise<Credentials | undefined> {
  const helper = helperFor(file, server)
  return helper === undefined ? entryFor(file, server) : getFromHelper(helper, server, options)
}

function entryFor({ auths, path }: ConfigFile, server: string): Credentials | undefined {
  const key = findServerKey(auths, server)
  return key === undefined ? undefined : credentialsOfEntry(auths[key], key, path)
}

/** Podman's rule: `host/team/app`, then `host/team`; the host alone is the ordinary case. */
function findForRepository({ auths, path }: ConfigFile, server: string, repository: string | undefined): Credentials | undefined {
  const host = server.startsWith('https://') ? 'docker.io' : server
  const parts = repository?.split('/') ?? []
  for (let count = parts.length; count > 0; count--) {
    const key = `${host}/${parts.slice(0, count).join('/')}`
    if (Object.hasOwn(auths, key)) return credentialsOfEntry(auths[key], key, path)
  }
  return undefined
}
