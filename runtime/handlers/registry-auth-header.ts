import { decodeRegistryAuth } from '../../src/api/index.js'
import type { RegistryAuth } from '../images/image-service.js'

/** What an `X-Registry-Auth` header says: nothing where there is none, nobody where it holds no credentials. */
export function registryAuthOf(header: string | undefined): RegistryAuth | 'anonymous' | undefined {
  if (!header) return undefined
  const { username, password, identitytoken, registrytoken } = decodeRegistryAuth(header)
  if (identitytoken) return { identityToken: identitytoken }
  if (registrytoken) return { registryToken: registrytoken }
  return username ? { username, password: password ?? '' } : 'anonymous'
}
