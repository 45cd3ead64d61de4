/** What a caller may show to a registry. `identityToken` is an OAuth2 refresh token, `registryToken` a bearer token used as it is. */
export type RegistryAuth =
  | { readonly username: string; readonly password: string }
  | { readonly identityToken: string }
  | { readonly registryToken: string }

/** Credentials, or where they are to be had when they are needed. `anonymous`: none, whatever the settings say. */
export type AuthSetting = RegistryAuth | 'anonymous' | (() => Promise<RegistryAuth | undefined>)

/** The credentials that a setting means now. */
export async function settledAuth(setting: AuthSetting | undefined): Promise<RegistryAuth | undefined> {
  if (typeof setting === 'function') return setting()
  return setting === 'anonymous' ? undefined : setting
}

/** The parts that must never appear in a message. */
export function secretsOf(auth: RegistryAuth | undefined): readonly string[] {
  if (auth === undefined) return []
  if ('password' in auth) return [auth.password, basicCredentials(auth)]
  return 'identityToken' in auth ? [auth.identityToken] : [auth.registryToken]
}

/** RFC 7617: `base64(username:password)`. */
export function basicCredentials(auth: { readonly username: string; readonly password: string }): string {
  return Buffer.from(`${auth.username}:${auth.password}`, 'utf8').toString('base64')
}

/** Take secrets out of text that came from elsewhere. */
export function redact(text: string, secrets: readonly string[]): string {
  return secrets.filter(secret => secret !== '').reduce((clean, secret) => clean.replaceAll(secret, '***'), text)
}
