import { EngineError } from '../errors/index.js'
import { type ConfigFile, readConfigFile } from './config-file.js'
import { listHelper } from './credential-helper.js'
import type { Credentials } from './credentials.js'
import { dockerConfigPath, processEnvironment } from './environment.js'
import { type FindOptions, findCredentials } from './find-credentials.js'
import { serverName } from './server-address.js'

/** Everything that is known, and what could not be asked for. */
export interface AllCredentials {
  /** By server, as helpers spell it. */
  readonly credentials: Readonly<Record<string, Credentials>>
  /** Of single servers and helpers: one that does not work does not hide the others. */
  readonly problems: readonly EngineError[]
}

/**
 * The credentials of every server that this user is logged in to: what a build is given. A helper that cannot list is asked for the servers
 * that the docker CLI's file names.
 *
 * @throws EngineError `invalid_argument`, `permission_denied` for the file itself; the signal's reason on abort
 */
export async function allCredentials(options: Omit<FindOptions, 'repository'> = {}): Promise<AllCredentials> {
  const environment = options.environment ?? processEnvironment()
  const file = await readConfigFile(dockerConfigPath(environment))
  const problems: EngineError[] = []
  const collect = (error: unknown): void => {
    options.signal?.throwIfAborted()
    if (!EngineError.is(error)) throw error
    problems.push(error)
  }
  const listed = await serversOfStore(file, { ...options, env: environment.env }).catch(error => {
    collect(error)
    return []
  })
  const servers = new Set(
    [...Object.keys(file.auths), ...Object.keys(file.credHelpers), ...listed].filter(key => key !== '').map(serverName)
  )
  const credentials: Record<string, Credentials> = {}
  for (const server of servers) {
    const found = await findCredentials(server, { ...options, environment }).catch(collect)
    if (found) credentials[server] = found
  }
  return { credentials, problems }
}

async function serversOfStore({ credsStore }: ConfigFile, options: Parameters<typeof listHelper>[1]): Promise<readonly string[]> {
  return credsStore === undefined ? [] : Object.keys(await listHelper(credsStore, options))
}
