import { spawn } from 'node:child_process'
import { EngineError } from '../errors/index.js'
import { type Credentials, tokenUsername } from './credentials.js'

/** How a credential helper is run. */
export interface HelperOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal
  /** How long it may take: it may ask its user for a password. In milliseconds. @default 60000 */
  readonly timeoutMs?: number
}

/** What a helper is told to keep. */
export interface HelperEntry {
  readonly server: string
  readonly username: string
  readonly secret: string
}

type Verb = 'get' | 'store' | 'erase' | 'list'

const defaultTimeoutMs = 60_000
const outputLimitBytes = 1024 * 1024
/** In the words of github.com/docker/docker-credential-helpers, which every helper uses. */
const notFoundMessage = 'credentials not found in native keychain'

/** How the program of a helper is called: `docker-credential-pass`. */
export function helperProgram(name: string): string {
  return `docker-credential-${name}`
}

/**
 * What a helper keeps for a server; undefined where it keeps nothing.
 *
 * @throws EngineError `not_found` without such a program, `deadline_exceeded` for one that hangs, `failed` for one that fails or answers something
 * else; the signal's reason on abort
 */
export async function getFromHelper(name: string, server: string, options: HelperOptions): Promise<Credentials | undefined> {
  const output = await runHelper(name, { verb: 'get', input: server }, options)
  if (output === undefined) return undefined
  const answer = parseAnswer(name, 'get', output)
  const { Username: username, Secret: secret } = answer
  if (typeof username !== 'string' || typeof secret !== 'string') throw strangeAnswer(name, 'get')
  if (username === tokenUsername) return { identityToken: secret }
  return username === '' ? undefined : { username, password: secret }
}

/** Let a helper keep credentials. @throws EngineError as {@link getFromHelper} */
export async function storeInHelper(name: string, { server, username, secret }: HelperEntry, options: HelperOptions): Promise<void> {
  const input = JSON.stringify({ ServerURL: server, Username: username, Secret: secret })
  await runHelper(name, { verb: 'store', input, secret }, options)
}

/** Let a helper forget a server; one that knows nothing of it is satisfied. @throws EngineError as {@link getFromHelper} */
export async function eraseFromHelper(name: string, server: string, options: HelperOptions): Promise<void> {
  await runHelper(name, { verb: 'erase', input: server }, options)
}

/**
 * The user names a helper keeps, by server.
 *
 * @throws EngineError as {@link getFromHelper}; `failed` for a helper that cannot list
 */
export async function listHelper(name: string, options: HelperOptions): Promise<Readonly<Record<string, string>>> {
  const answer = parseAnswer(name, 'list', (await runHelper(name, { verb: 'list', input: '' }, options)) ?? '{}')
  const entries = Object.entries(answer).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.fromEntries(entries)
}

interface HelperCall {
  readonly verb: Verb
  readonly input: string
  /** What must not be repeated in a message. */
  readonly secret?: string
}

/** Run a helper to its end. @returns what it said; undefined where it said that it has nothing */
async function runHelper(name: string, call: HelperCall, options: HelperOptions): Promise<string | undefined> {
  options.signal?.throwIfAborted()
  const program = helperProgram(name)
  // A path would run whatever a file of settings names.
  if (!/^[\w.+-]+$/.test(name)) {
    throw new EngineError(
      'invalid_argument',
      `${JSON.stringify(name)} is not the name of a credential helper: it is the end of docker-credential-...`
    )
  }
  const { exitCode, output } = await finished(program, call, options)
  if (exitCode === 0) return output
  const said = clean(output, call.secret)
  if (said.includes(notFoundMessage)) return undefined
  throw new EngineError(
    'failed',
    `the credential helper ${program} failed (${call.verb}, exit code ${exitCode})${said === '' ? '' : `: ${said}`}. Try it: echo SERVER | ${program} get`,
    { details: { program, verb: call.verb, exitCode } }
  )
}

interface Finished {
  readonly exitCode: number
  readonly output: string
}

function finished(program: string, { verb, input }: HelperCall, options: HelperOptions): Promise<Finished> {
  const { env, signal, timeoutMs = defaultTimeoutMs } = options
  return new Promise((resolve, reject) => {
    const child = spawn(program, [verb], { env: { ...env }, stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true })
    const chunks: Buffer[] = []
    let size = 0
    const end = (settle: () => void): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      // What a helper left running, such as a key agent, may hold the pipes open.
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy()
      settle()
    }
    const kill = (reason: unknown): void => {
      child.kill('SIGKILL')
      end(() => reject(reason))
    }
    const abort = (): void => kill(signal?.reason)
    const timer = setTimeout(() => kill(tooSlow(program, verb, timeoutMs)), timeoutMs)
    signal?.addEventListener('abort', abort, { once: true })
    // A helper that does not read what it is told says why it ended.
    child.stdin.on('error', () => {})
    child.stderr.resume()
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.byteLength
      if (size > outputLimitBytes)
        kill(new EngineError('failed', `the credential helper ${program} says more than ${outputLimitBytes} bytes`))
      chunks.push(chunk)
    })
    child.once('error', cause => end(() => reject(notStarted(program, cause))))
    const ended = (code: number | null): void =>
      end(() => resolve({ exitCode: code ?? 128, output: Buffer.concat(chunks).toString('utf8') }))
    child.once('close', ended)
    // All it wanted to say is in the pipe by then; nobody waits for what it left running.
    child.once('exit', code => void setTimeout(() => ended(code), leftRunningMs).unref())
    child.stdin.end(input)
  })
}

/** How long the output of a helper that ended may stay open. */
const leftRunningMs = 1000

function parseAnswer(name: string, verb: Verb, output: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(output)
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch {}
  // What it said may be a secret.
  throw strangeAnswer(name, verb)
}

function strangeAnswer(name: string, verb: Verb): EngineError {
  const program = helperProgram(name)
  return new EngineError('failed', `the credential helper ${program} gave no JSON that answers ${verb}; check that it is one`, {
    details: { program, verb }
  })
}

function notStarted(program: string, cause: NodeJS.ErrnoException): EngineError {
  const missing = cause.code === 'ENOENT'
  const problem = missing ? 'is not on the PATH; install it, or remove its name from config.json' : `cannot be started: ${cause.message}`
  return new EngineError(missing ? 'not_found' : 'failed', `the credential helper ${program} ${problem}`, { details: { program }, cause })
}

function tooSlow(program: string, verb: Verb, timeoutMs: number): EngineError {
  return new EngineError('deadline_exceeded', `the credential helper ${program} did not answer ${verb} within ${timeoutMs} ms`, {
    details: { program, verb, timeoutMs }
  })
}

/** One line, without the secret that it was given. */
function clean(output: string, secret: string | undefined): string {
  const text = secret ? output.replaceAll(secret, '***') : output
  return text.replace(/\s+/g, ' ').trim().slice(0, 300)
}
