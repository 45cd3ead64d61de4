import type { CheckedLogin } from '../../../runtime/registry/check-login.js'
import type { RegistryAuth } from '../../../runtime/registry/registry-auth.js'

/** How a registry is shown credentials. */
export interface LoginCheck {
  readonly auth: RegistryAuth
  /** Accept any certificate, and plain HTTP where HTTPS does not answer. */
  readonly insecure: boolean
  readonly signal: AbortSignal
}

/**
 * Show credentials to a registry from this process, through the proxies of its environment: no engine is needed, and no root.
 *
 * @param host - with its port; `docker.io` is Docker Hub
 * @throws EngineError `unauthenticated` where they are refused; `unavailable`, `deadline_exceeded`, `resource_exhausted`, `invalid_argument`
 */
export async function checkLoginFromHere(host: string, { auth, insecure, signal }: LoginCheck): Promise<CheckedLogin> {
  const [{ createRegistryClient }, { proxiesOf }] = await Promise.all([
    import('../../../runtime/registry/registry-client.js'),
    import('../../../runtime/registry/proxy-rules.js')
  ])
  const client = createRegistryClient({ registries: insecure ? { [host]: { insecure } } : {}, proxies: () => proxiesOf({}) })
  try {
    return await client.checkLogin(host, { auth, signal })
  } finally {
    await client.close()
  }
}
