import { lazy, object, string } from '../schema.js'

/** Credentials for a registry. These names are lower case, unlike all others. */
export interface AuthConfig {
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Host of the registry; Docker Hub is `https://index.docker.io/v1/`. */
  readonly serveraddress?: string | undefined
  /** Gone after API 1.51. */
  readonly email?: string | undefined
}

/** Schema of {@link AuthConfig}. */
export const authConfig = lazy(() =>
  object<AuthConfig>({ username: string(), password: string(), serveraddress: string(), email: string() })
)
