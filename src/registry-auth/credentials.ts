/** What a registry wants to see. `identityToken` is an OAuth2 refresh token, `registryToken` a bearer token used as it is. */
export type Credentials =
  | { readonly username: string; readonly password: string }
  | { readonly identityToken: string }
  | { readonly registryToken: string }

/** The user name that credential helpers keep an identity token under. */
export const tokenUsername = '<token>'

/** `auth` of the docker CLI's file: `base64(username:password)`. */
export function encodeBasic({ username, password }: { readonly username: string; readonly password: string }): string {
  return Buffer.from(`${username}:${password}`, 'utf8').toString('base64')
}

/** Read what {@link encodeBasic} wrote; undefined where it is no such text. NULs at the end of the password are padding of old versions. */
export function decodeBasic(text: string): { readonly username: string; readonly password: string } | undefined {
  // Node reads past what is no base64 where Go stops.
  if (!/^[\w+/-]*={0,2}$/.test(text.trim())) return undefined
  const decoded = Buffer.from(text, 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  if (colon < 0) return undefined
  let end = decoded.length
  while (end > colon + 1 && decoded.charCodeAt(end - 1) === 0) end--
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1, end) }
}
