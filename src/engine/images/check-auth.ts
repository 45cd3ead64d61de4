import { EngineError } from '../../errors/index.js'
import { checkKeys, checkString, wrongSetting } from '../checks.js'
import type { Auth } from '../values.js'

/** Check an {@link Auth}. Messages never repeat what was given. @throws EngineError `invalid_argument` */
export function checkAuth(path: string, auth: unknown): Auth {
  if (auth === 'docker-config' || auth === 'anonymous') return auth
  if (typeof auth !== 'object' || auth === null) {
    throw wrongSetting(path, "{ username, password }, { identityToken }, 'docker-config' or 'anonymous'", undefined)
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
