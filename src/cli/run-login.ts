import { EngineError } from '../errors/index.js'
import { findCredentials } from '../registry-auth/find-credentials.js'
import { eraseCredentials, saveCredentials } from '../registry-auth/save-credentials.js'
import { hostOfServer, isHub, serverName } from '../registry-auth/server-address.js'
import { checkLoginFromHere } from '../transport/in-process/check-login.js'
import { askFor } from './ask-for.js'
import { Log } from './log.js'

/** What `gantry login` was told beside the server. */
export interface LoginFlags {
  readonly username?: string
  readonly passwordStdin?: boolean
  readonly insecure?: boolean
}

/**
 * Check a login with its registry and keep it. Without a user name the login that is known already is tried first, as docker does.
 *
 * @param address - of the registry, in any spelling; nothing is Docker Hub
 * @throws EngineError `invalid_argument` where there is nobody to ask; `unauthenticated` where the registry refuses; what keeping it throws
 */
export async function runLogin(address: string, flags: LoginFlags): Promise<void> {
  const log = new Log()
  const host = hostOf(address)
  const check = { insecure: flags.insecure === true, signal: stopOnInterrupt() }
  const isAsked = flags.username === undefined && flags.passwordStdin !== true
  if (isAsked && (await worksAlready(host, check, log))) return log.info('Login Succeeded')
  if (flags.passwordStdin && !flags.username)
    throw new EngineError('invalid_argument', '--password-stdin needs --username: who is to log in?')
  const username = (flags.username ?? (await askFor('Username: '))).trim()
  if (username === '') throw new EngineError('invalid_argument', 'the user name is empty')
  const password = flags.passwordStdin ? await textOfStdin() : await askFor('Password: ', { hidden: true })
  if (password === '') throw new EngineError('invalid_argument', 'the password is empty')
  const { identityToken } = await checkLoginFromHere(host, { ...check, auth: { username, password } })
  const saved = await saveCredentials(address, { username, password, ...(identityToken !== undefined && { identityToken }) })
  if (saved.passedOver !== undefined) log.warn(saved.passedOver)
  if (saved.helper === undefined) {
    log.warn(`the password is kept unencrypted in ${saved.path}: a credential helper, named there as credsStore, keeps it better`)
  }
  log.info('Login Succeeded')
}

/**
 * Forget a login.
 *
 * @throws EngineError what forgetting throws
 */
export async function runLogout(address: string): Promise<void> {
  const log = new Log()
  const server = serverName(address)
  hostOf(address)
  const wasKnown = await eraseCredentials(address)
  log.info(wasKnown ? `Removing login credentials for ${server}` : `Not logged in to ${server}`)
}

/** Whether the registry accepts what is known of it. What is refused, or cannot be had, is no reason not to ask. */
async function worksAlready(host: string, check: { readonly insecure: boolean; readonly signal: AbortSignal }, log: Log): Promise<boolean> {
  try {
    const auth = await findCredentials(host, { signal: check.signal }).catch(error => {
      throw check.signal.aborted || !EngineError.is(error) ? error : new EngineError('unauthenticated', error.message, { cause: error })
    })
    if (auth === undefined) return false
    log.info('Authenticating with existing credentials...')
    await checkLoginFromHere(host, { ...check, auth })
    return true
  } catch (error) {
    if (!EngineError.is(error) || error.code !== 'unauthenticated') throw error
    log.warn(error.message)
    return false
  }
}

function hostOf(address: string): string {
  if (address === '' || isHub(address)) return 'docker.io'
  const host = hostOfServer(address)
  // Somebody may have taken it for a place to write user:password@ at.
  if (/^[\w.-]+(:\d+)?$|^\[[\da-f:.]+\](:\d+)?$/i.test(host)) return host
  throw new EngineError('invalid_argument', 'the server is to be the host of a registry, such as registry.example.com:5000')
}

/** As docker does: an end of line at the end is none of the password. */
async function textOfStdin(): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

function stopOnInterrupt(): AbortSignal {
  const controller = new AbortController()
  process.once('SIGINT', () => controller.abort(new EngineError('failed', 'interrupted')))
  return controller.signal
}
