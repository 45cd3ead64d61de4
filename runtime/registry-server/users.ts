import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { EngineError } from '../../src/errors/index.js'
import { PasswordThread } from './password-thread.js'
import { Refusal } from './refusal.js'

/** How a user's password is checked: against itself, or against its bcrypt hash. */
export type Secret = { readonly password: string } | { readonly bcrypt: string }

/** A hash as htpasswd -B writes it: `$2y$<cost>$<salt><checksum>`. */
const hashPattern = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/

/** Passwords that were right are remembered so many at a time: a hash takes a tenth of a second. */
const remembered = 1000

/** Passwords that wait to be checked against hashes; more are turned away. */
const crowd = 32

/** A hash that no password has, of the usual cost: checking an unknown user takes as long as checking a known one. */
const nobodysHash = `$2y$10$${'.'.repeat(53)}`

/** Who may come in. */
export class Users {
  readonly #secrets: ReadonlyMap<string, Secret>
  readonly #key = randomBytes(32)
  readonly #right = new Set<string>()
  readonly #slow: boolean
  /** One hash after the other: many wrong passwords at once must not take the time of everybody else. */
  readonly #thread = new PasswordThread()

  constructor(secrets: ReadonlyMap<string, Secret>) {
    this.#secrets = secrets
    this.#slow = [...secrets.values()].some(secret => 'bcrypt' in secret)
  }

  /** Whether a password is a user's. Takes the same time whoever is asked about. @throws Refusal `TOOMANYREQUESTS` */
  async check(name: string, password: string): Promise<boolean> {
    const secret = this.#secrets.get(name)
    const shown = this.#mac(`${name}\0${password}`)
    if (this.#right.has(shown.toString('base64'))) return true
    const isRight = await this.#isRight(secret, password)
    if (isRight && this.#right.size < remembered) this.#right.add(shown.toString('base64'))
    return isRight
  }

  async #isRight(secret: Secret | undefined, password: string): Promise<boolean> {
    if (secret !== undefined && 'password' in secret) return timingSafeEqual(this.#mac(secret.password), this.#mac(password))
    if (!this.#slow) return false
    const hash = secret?.bcrypt ?? nobodysHash
    if (this.#thread.length >= crowd)
      throw new Refusal('TOOMANYREQUESTS', 'too many passwords are being checked', { headers: { 'retry-after': '1' } })
    return (await this.#thread.check(password, hash)) && secret !== undefined
  }

  /** Equally long for everything, so that comparing tells nothing. */
  #mac(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest()
  }
}

/** Whether text is a bcrypt hash that can be checked: of cost 4 to 17, so that a wrong line in a file does not keep the thread busy for hours. */
export function isBcryptHash(text: string): boolean {
  const cost = Number(hashPattern.exec(text)?.[1])
  return cost >= 4 && cost <= 17
}

/**
 * Read an htpasswd file: a line `name:hash` for each user, hashes by bcrypt (`htpasswd -B`). Empty lines and comments are passed over.
 *
 * @param source - for messages
 * @throws EngineError `invalid_argument` that names the line, and never shows it
 */
export function parseHtpasswd(text: string, source: string): Map<string, Secret> {
  const users = new Map<string, Secret>()
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    const hash = line.slice(colon + 1)
    const problem =
      colon < 1 ? 'it is not name:hash' : isBcryptHash(hash) ? undefined : 'its hash is not of bcrypt: make it with htpasswd -B'
    if (problem !== undefined)
      throw new EngineError('invalid_argument', `${source}, line ${index + 1}: ${problem}`, { details: { source } })
    users.set(line.slice(0, colon), { bcrypt: hash })
  }
  if (users.size > 0) return users
  throw new EngineError('invalid_argument', `${source} has no users`, { details: { source } })
}

/** Users with their passwords. @throws EngineError `invalid_argument` for a name or a password that cannot be sent */
export function usersOf(passwords: Readonly<Record<string, string>>): Map<string, Secret> {
  const entries = Object.entries(passwords)
  for (const [name, password] of entries) {
    if (name === '' || name.includes(':'))
      throw new EngineError('invalid_argument', `auth: ${JSON.stringify(name)} cannot be a user's name`)
    if (password === '') throw new EngineError('invalid_argument', `auth: user ${JSON.stringify(name)} has an empty password`)
  }
  return new Map(entries.map(([name, password]) => [name, { password }]))
}
