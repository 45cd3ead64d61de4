import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** What a token allows: actions (`pull`, `push`, `delete`, `*`) by repository, and whose it is. */
export interface Grant {
  /** Absent: somebody without a name. */
  readonly user?: string
  readonly access: readonly { readonly repository: string; readonly actions: readonly string[] }[]
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** How long a token is good for, in seconds. Clients count on at least a minute. */
export const tokenSeconds = 300

/** Bearer tokens, signed by this process: nothing is kept of them, and after a restart clients ask for new ones. */
export class Tokens {
  readonly #key = randomBytes(32)

  issue(grant: Omit<Grant, 'expiresAt'>, now = Date.now()): string {
    const content = Buffer.from(JSON.stringify({ ...grant, expiresAt: now + tokenSeconds * 1000 })).toString('base64url')
    return `${content}.${this.#sign(content).toString('base64url')}`
  }

  /** @returns undefined for a token that is not ours, or no longer good */
  read(token: string, now = Date.now()): Grant | undefined {
    const [content = '', signature = ''] = token.split('.')
    const given = Buffer.from(signature, 'base64url')
    const right = this.#sign(content)
    if (given.byteLength !== right.byteLength || !timingSafeEqual(given, right)) return undefined
    // Signed: so it is what `issue` wrote.
    const grant = JSON.parse(Buffer.from(content, 'base64url').toString('utf8')) as Grant
    return grant.expiresAt > now ? grant : undefined
  }

  #sign(content: string): Buffer {
    return createHmac('sha256', this.#key).update(content).digest()
  }
}

/**
 * Read the scopes of a token request, `repository:<name>:<actions>`, several separated by spaces: Docker registry, "Token Scope". What is of
 * another kind is passed over.
 */
export function parseScopes(scopes: readonly string[]): Grant['access'] {
  return scopes
    .flatMap(text => text.split(' '))
    .flatMap(text => {
      const match = /^repository(?:\([a-z0-9]+\))?:([^:]+(?::\d+\/[^:]+)?):([a-z*,]+)$/.exec(text)
      return match === null ? [] : [{ repository: match[1] ?? '', actions: (match[2] ?? '').split(',').filter(action => action !== '') }]
    })
}
