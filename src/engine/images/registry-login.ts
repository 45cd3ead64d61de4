import type { AuthConfig } from '../../api/index.js'
import { encodeRegistryAuth } from '../../api/registry-auth.js'
import { EngineError } from '../../errors/index.js'
import { checkKeys, checkString, wrongSetting } from '../checks.js'
import type { RegistryOptions } from '../engine.js'
import type { Auth } from '../values.js'
import { registryOf } from './image-reference.js'

/**
 * The value of the Engine API's X-Registry-Auth header for an image; nothing for an anonymous pull.
 *
 * @param auth - What the call was given; otherwise what the engine was given for the registry counts.
 * @throws EngineError `invalid_argument`, `not_implemented`
 */
export function registryLogin(
  reference: string,
  auth: Auth | undefined,
  registries: Readonly<Record<string, RegistryOptions>>
): string | undefined {
  const registry = registryOf(reference)
  const chosen = auth ?? registries[registry]?.auth
  if (chosen === undefined || chosen === 'anonymous') return undefined
  const login = checkAuth('auth', chosen)
  const serveraddress = registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry
  // An identity token is in no published description of the API, and every engine takes it.
  const config: AuthConfig & { readonly identitytoken?: string } =
    'identityToken' in login
      ? { identitytoken: login.identityToken, serveraddress }
      : { username: login.username, password: login.password, serveraddress }
  return encodeRegistryAuth(config)
}

/** Check an {@link Auth} that is not `anonymous`. Messages never repeat what was given. */
export function checkAuth(path: string, auth: unknown): Exclude<Auth, string> {
  if (auth === 'docker-config') {
    throw new EngineError(
      'not_implemented',
      `${path}: 'docker-config' (credentials of the docker CLI and its helpers) is not implemented yet. Give { username, password }`
    )
  }
  if (typeof auth !== 'object' || auth === null) {
    throw wrongSetting(path, "{ username, password }, { identityToken } or 'anonymous'", undefined)
  }
  if ('identityToken' in auth) {
    checkKeys(path, auth, ['identityToken'])
    return { identityToken: checkSecret(`${path}.identityToken`, auth.identityToken) }
  }
  const { username, password } = checkKeys(path, auth, ['username', 'password'])
  return { username: checkString(`${path}.username`, username), password: checkSecret(`${path}.password`, password) }
}

function checkSecret(path: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new EngineError('invalid_argument', `${path}: expected text that is not empty`, { details: { path } })
}
