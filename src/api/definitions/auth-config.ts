import { lazy, object, string } from '../schema.js'

/** Credentials for a registry. These names are lower case, unlike all others. */
export interface AuthConfig {
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Host of the registry; Docker Hub is `https://index.docker.io/v1/`. */
  readonly serveraddress?: string | undefined
  /** Until API 1.51. */
  readonly email?: string | undefined
  /** User name and password as `user:password` in base64. The published description leaves it out, and the two below. */
  readonly auth?: string | undefined
  /** In place of a password: exchanged for access tokens. */
  readonly identitytoken?: string | undefined
  /** Sent to the registry as a bearer token. */
  readonly registrytoken?: string | undefined
}

/** Schema of {@link AuthConfig}. */
export const authConfig = lazy(() =>
  object<AuthConfig>({
    username: string(),
    password: string(),
    serveraddress: string(),
    email: string(),
    auth: string(),
    identitytoken: string(),
    registrytoken: string()
  })
)
