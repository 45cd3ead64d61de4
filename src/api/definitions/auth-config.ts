import { lazy, object, string } from '../schema.js'

export interface AuthConfig {
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly serveraddress?: string | undefined
  /** Gone after API 1.51. */
  readonly email?: string | undefined
}

/** Schema of {@link AuthConfig}. */
export const authConfig = lazy(() =>
  object<AuthConfig>({ username: string(), password: string(), serveraddress: string(), email: string() })
)
