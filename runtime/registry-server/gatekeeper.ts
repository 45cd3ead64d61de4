import type { IncomingMessage } from 'node:http'
import { Refusal } from './refusal.js'
import { type Grant, parseScopes, Tokens, tokenSeconds } from './tokens.js'
import type { Users } from './users.js'

/** What somebody wants to do. */
export interface Wish {
  /** `look`: ask whether this is a registry, or what repositories there are. */
  readonly action: 'look' | 'pull' | 'push' | 'delete'
  /** Absent where it is about the registry as a whole. */
  readonly repository?: string
}

/** Who may do what. */
export interface GatekeeperOptions {
  /** Absent: everybody may do everything. */
  readonly users?: Users
  /** Whether those without a name may pull. Then clients are sent to ask for a token, with or without showing a password. */
  readonly anonymousPull: boolean
  /** Whether clients come over TLS. */
  readonly isSecure: boolean
}

const service = 'gantry'

/**
 * Lets requests in by HTTP's Basic authentication. Clients decide by the first answer of a registry how they show who they are, and Basic has no
 * way to say "only where you must": so where nobody needs a name to pull, it is the token protocol of Docker's registry ("Token
 * Authentication"), answered by this server itself.
 */
export class Gatekeeper {
  readonly #options: GatekeeperOptions
  readonly #tokens = new Tokens()

  constructor(options: GatekeeperOptions) {
    this.#options = options
  }

  /** @throws Refusal `UNAUTHORIZED` with a challenge */
  async admit(request: IncomingMessage, wish: Wish): Promise<void> {
    const { users, anonymousPull } = this.#options
    if (users === undefined) return
    const [scheme, value] = credentialsOf(request)
    if (scheme === 'basic' && (await this.#userOf(users, value)) !== undefined) return
    const grant = scheme === 'bearer' && anonymousPull ? this.#tokens.read(value) : undefined
    if (grant !== undefined && allows(grant, wish)) return
    throw this.#challenge(request, wish, scheme !== undefined)
  }

  /**
   * A token for what is asked for, as far as it is allowed: the body of the answer.
   *
   * @throws Refusal `UNAUTHORIZED` for a wrong password; `UNSUPPORTED` where there are no tokens
   */
  async token(request: IncomingMessage, query: URLSearchParams): Promise<string> {
    const { users, anonymousPull } = this.#options
    if (users === undefined || !anonymousPull) throw new Refusal('UNSUPPORTED', 'this registry has no tokens', { status: 404 })
    const [scheme, value] = credentialsOf(request)
    const user = scheme === 'basic' ? await this.#userOf(users, value) : undefined
    if (scheme !== undefined && user === undefined) throw wrongPassword({})
    const wanted = parseScopes(query.getAll('scope'))
    const access =
      user === undefined ? wanted.map(scope => ({ ...scope, actions: scope.actions.filter(action => action === 'pull') })) : wanted
    const token = this.#tokens.issue({ ...(user !== undefined && { user }), access })
    return JSON.stringify({ token, access_token: token, expires_in: tokenSeconds, issued_at: new Date().toISOString() })
  }

  async #userOf(users: Users, value: string): Promise<string | undefined> {
    const text = Buffer.from(value, 'base64').toString('utf8')
    const colon = text.indexOf(':')
    if (colon < 1) return undefined
    const name = text.slice(0, colon)
    return (await users.check(name, text.slice(colon + 1))) ? name : undefined
  }

  #challenge(request: IncomingMessage, wish: Wish, hasTried: boolean): Refusal {
    const { anonymousPull, isSecure } = this.#options
    if (!anonymousPull) return hasTried ? wrongPassword(basic) : nameNeeded(basic)
    const host = (request.headers.host ?? 'localhost').replace(/[^\w.:[\]-]/g, '')
    const scope = wish.repository === undefined ? '' : `,scope="repository:${wish.repository}:${actionsFor(wish.action)}"`
    const challenge = `Bearer realm="${isSecure ? 'https' : 'http'}://${host}/token",service="${service}"${scope}`
    return nameNeeded({ 'www-authenticate': challenge })
  }
}

const basic = { 'www-authenticate': 'Basic realm="Gantry registry"' }

function nameNeeded(headers: Readonly<Record<string, string>>): Refusal {
  return new Refusal('UNAUTHORIZED', 'who are you? Log in to this registry first', { headers })
}

function wrongPassword(headers: Readonly<Record<string, string>>): Refusal {
  return new Refusal('UNAUTHORIZED', 'the name or the password is wrong', { headers })
}

function credentialsOf(request: IncomingMessage): readonly [scheme: string | undefined, value: string] {
  const match = /^(basic|bearer)\s+(\S+)$/i.exec(request.headers.authorization ?? '')
  return match === null ? [request.headers.authorization === undefined ? undefined : '', ''] : [match[1]?.toLowerCase(), match[2] ?? '']
}

function allows(grant: Grant, { action, repository }: Wish): boolean {
  if (action === 'look') return true
  const actions = grant.access.filter(scope => scope.repository === repository).flatMap(scope => scope.actions)
  return actions.includes(action) || actions.includes('*')
}

/** Who pushes also looks at what is there. */
function actionsFor(action: Wish['action']): string {
  return action === 'push' ? 'pull,push' : action === 'delete' ? 'delete' : 'pull'
}
