import type { Handlers } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { RegistryAuth } from '../images/image-service.js'
import type { RegistryClient } from '../registry/registry-client.js'

/** The check of credentials behind `docker login`. */
export function authHandlers(registry: Pick<RegistryClient, 'checkLogin'>): Handlers {
  return {
    async SystemAuth({ body }, { signal }) {
      const auth = credentialsOf(body ?? {})
      const { identityToken = '' } = await registry.checkLogin(domainOf(body?.serveraddress ?? ''), { auth, signal })
      return { IdentityToken: identityToken, Status: 'Login Succeeded' }
    }
  }
}

function credentialsOf(body: {
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly identitytoken?: string | undefined
  readonly registrytoken?: string | undefined
}): RegistryAuth {
  if (body.identitytoken) return { identityToken: body.identitytoken }
  if (body.registrytoken) return { registryToken: body.registrytoken }
  if (body.username) return { username: body.username, password: body.password ?? '' }
  throw new EngineError('invalid_argument', 'username: credentials are needed to log in', { details: { field: 'username' } })
}

/** A server address as clients write it, URL or host, as the registry's name in references. */
function domainOf(address: string): string {
  const host = address.replace(/^https?:\/\//, '').split('/')[0] ?? ''
  return host === '' || host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host
}
