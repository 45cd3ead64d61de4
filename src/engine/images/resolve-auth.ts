import type { AuthConfig } from '../../api/index.js'
import { encodeRegistryAuth } from '../../api/registry-auth.js'
import { EngineError } from '../../errors/index.js'
import type { Credentials } from '../../registry-auth/credentials.js'
import { type FindOptions, findCredentials } from '../../registry-auth/find-credentials.js'
import { findServerKey, serverName } from '../../registry-auth/server-address.js'
import type { RegistryOptions } from '../engine.js'
import type { Auth } from '../values.js'
import { registryOf, repositoryOf } from './image-reference.js'

/** What a call to a registry is given for its login. */
export interface ResolvedAuth {
  /** Value of the Engine API's X-Registry-Auth header; absent where there are no credentials. */
  readonly header?: string
  /** A failure of the call, which says why there were no credentials, if they could have helped. */
  explain(error: unknown): unknown
}

/** Where credentials are looked for. */
export interface AuthSources extends Pick<FindOptions, 'environment' | 'timeoutMs' | 'signal'> {
  /** What the engine was given by registry host. */
  readonly registries: Readonly<Record<string, RegistryOptions>>
}

/**
 * The login for what an image reference names: what the call was given, else what the engine was given for the registry, else what the docker CLI
 * would show (`docker-config`).
 *
 * Credentials that nobody asked for by name must not stand in the way: as with the docker CLI, a helper that does not work means none, and the
 * failure of the call says so.
 *
 * @throws EngineError `invalid_argument`; where `docker-config` was asked for also what {@link findCredentials} throws
 */
export async function resolveAuth(reference: string, auth: Auth | undefined, sources: AuthSources): Promise<ResolvedAuth> {
  const server = serverName(registryOf(reference))
  const key = findServerKey(sources.registries, server)
  const chosen = auth ?? (key === undefined ? undefined : sources.registries[key]?.auth)
  // Said aloud, so that nothing else is looked up for it.
  if (chosen === 'anonymous') return { header: encodeRegistryAuth({}), explain: error => error }
  if (chosen !== undefined && chosen !== 'docker-config') return withCredentials(chosen, server)
  try {
    const { registries, ...options } = sources
    return withCredentials(await findCredentials(server, { ...options, repository: repositoryOf(reference) }), server)
  } catch (error) {
    if (chosen === 'docker-config' || sources.signal?.aborted || !EngineError.is(error)) throw error
    return { explain: failure => explained(failure, error) }
  }
}

function withCredentials(credentials: Credentials | undefined, serveraddress: string): ResolvedAuth {
  const explain = (error: unknown): unknown => error
  return credentials === undefined ? { explain } : { header: encodeRegistryAuth(configOf(credentials, serveraddress)), explain }
}

function configOf(credentials: Credentials, serveraddress: string): AuthConfig {
  if ('identityToken' in credentials) return { identitytoken: credentials.identityToken, serveraddress }
  if ('registryToken' in credentials) return { registrytoken: credentials.registryToken, serveraddress }
  return { username: credentials.username, password: credentials.password, serveraddress }
}

/** Registries say "not found" to strangers, too. */
const loginMayHelp: ReadonlySet<string> = new Set(['unauthenticated', 'permission_denied', 'not_found'])

function explained(failure: unknown, problem: EngineError): unknown {
  if (!EngineError.is(failure) || !loginMayHelp.has(failure.code)) return failure
  return new EngineError(failure.code, `${failure.message} (asked without credentials: ${problem.message})`, {
    details: { ...failure.details, credentials: { code: problem.code, ...problem.details } },
    cause: failure.cause ?? problem
  })
}
