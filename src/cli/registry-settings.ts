import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { EngineError } from '../errors/index.js'
import { type LocalRegistryOptions, readHtpasswd } from '../transport/in-process/open-registry.js'

/** A user, and the file that the password is in: on a command line everybody could read it. */
export interface UserFile {
  readonly name: string
  readonly file: string
}

/** The flags of `gantry registry`. */
export interface RegistrySettings {
  readonly listen?: { readonly host: string; readonly port: number }
  readonly storage?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly htpasswd?: string
  readonly user?: readonly UserFile[]
  readonly anonymousPull?: boolean
  readonly readOnly?: boolean
  readonly proxy?: string
  readonly proxyUser?: UserFile
  /** An age in milliseconds; true where none was said. */
  readonly gc?: number | true
  readonly debug?: boolean
}

/** Root's is the one that the engine of this host uses; others have one of their own. */
export function defaultStorage(): string {
  if (process.getuid?.() === 0) return '/var/lib/gantry/registry'
  return join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'gantry', 'registry')
}

/**
 * What the flags say, with the files they name.
 *
 * @throws EngineError `invalid_argument` naming the flag
 */
export async function registryOptions(settings: RegistrySettings): Promise<LocalRegistryOptions> {
  const {
    listen = { host: '127.0.0.1', port: 5000 },
    tlsCert,
    tlsKey,
    proxy,
    proxyUser,
    anonymousPull = false,
    readOnly = false
  } = settings
  if ((tlsCert === undefined) !== (tlsKey === undefined)) throw wrong('--tls-cert and --tls-key belong together: give both')
  if (proxyUser !== undefined && proxy === undefined) throw wrong('--proxy-user has a meaning only with --proxy')
  const users = await usersOf(settings)
  if (anonymousPull && users === undefined) throw wrong('--anonymous-pull has a meaning only with --htpasswd or --user')
  return {
    storage: settings.storage ?? defaultStorage(),
    ...listen,
    anonymousPull,
    readOnly,
    ...(users && { users }),
    ...(tlsCert !== undefined && tlsKey !== undefined && { tls: { cert: tlsCert, key: tlsKey } }),
    ...(proxy !== undefined && { proxy }),
    ...(proxy !== undefined && proxyUser !== undefined && { reach: { registries: await proxyRegistries(proxy, proxyUser) } })
  }
}

async function usersOf({ htpasswd, user = [] }: RegistrySettings): Promise<LocalRegistryOptions['users']> {
  if (htpasswd === undefined && user.length === 0) return undefined
  const hashed = htpasswd === undefined ? [] : await readHtpasswd(await fileText('--htpasswd', htpasswd), htpasswd)
  const plain = await Promise.all(user.map(async ({ name, file }) => [name, { password: await passwordOf('--user', file) }] as const))
  return new Map([...hashed, ...plain])
}

async function proxyRegistries(
  proxy: string,
  { name, file }: UserFile
): Promise<Readonly<Record<string, { readonly auth: { readonly username: string; readonly password: string } }>>> {
  const auth = { username: name, password: await passwordOf('--proxy-user', file) }
  const host = URL.canParse(proxy) ? new URL(proxy).host : ''
  const names = /(^|\.)docker\.io$/.test(host) ? [host, 'docker.io'] : [host]
  return Object.fromEntries(names.map(each => [each, { auth }]))
}

/** The first line of a file. */
async function passwordOf(flag: string, file: string): Promise<string> {
  const [password = ''] = (await fileText(flag, file)).split(/\r?\n/)
  if (password === '') throw wrong(`${flag}: the first line of ${file} is to be the password, and it is empty`)
  return password
}

async function fileText(flag: string, file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: Error) => {
    throw new EngineError('invalid_argument', `${flag}: ${cause.message}`, { cause })
  })
}

function wrong(message: string): EngineError {
  return new EngineError('invalid_argument', message)
}
