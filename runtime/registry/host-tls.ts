import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { EngineError } from '../../src/errors/index.js'
import { type RegistriesSettings, settingsFor, verifiesCertificate } from './endpoints.js'

/** How the TLS of a host differs from what the system does. */
export interface HostTls {
  readonly rejectUnauthorized: boolean
  readonly ca?: string[]
  /** The client's certificate, with `key`. */
  readonly cert?: string
  readonly key?: string
  /** The same for the same settings: connections made by others must not be used again. */
  readonly id: string
}

/** Where dockerd looks for certificates: a folder for each host. */
export const dockerCertificates = '/etc/docker/certs.d'

/**
 * What is set for the TLS of a host: in the settings, and in Docker's folder of certificates as dockerd reads it (`*.crt` are authorities beside the
 * system's, `*.cert` with the `*.key` of the same name is shown to the host). The settings come first.
 *
 * @param host - with its port
 * @returns undefined where nothing is set
 * @throws EngineError `invalid_argument` naming the file that misses its other half, `permission_denied` for one that cannot be read
 */
export async function hostTls(host: string, registries: RegistriesSettings, folder: string): Promise<HostTls | undefined> {
  const settings = settingsFor(host, registries)
  const files = settings.insecure === true ? nothing : await readFolder(folder, host)
  const authorities = [...(settings.ca === undefined ? [] : [settings.ca]), ...files.authorities]
  const pair = settings.cert !== undefined && settings.key !== undefined ? { cert: settings.cert, key: settings.key } : files.pair
  const rejectUnauthorized = verifiesCertificate(host, registries) || files.authorities.length > 0
  if (rejectUnauthorized && authorities.length === 0 && pair === undefined) return undefined
  const parts = { rejectUnauthorized, ...(authorities.length > 0 && { ca: [...rootCertificates, ...authorities] }), ...pair }
  return {
    ...parts,
    id: createHash('sha256')
      .update(JSON.stringify([authorities, pair, rejectUnauthorized]))
      .digest('hex')
  }
}

interface Files {
  readonly authorities: readonly string[]
  readonly pair?: { readonly cert: string; readonly key: string }
}

const nothing: Files = { authorities: [] }

async function readFolder(root: string, host: string): Promise<Files> {
  // What is no host is no folder's name either.
  if (!/^(?:[\w-][\w.-]*|\[[\da-f:.]+\])(?::\d+)?$/i.test(host)) return nothing
  const folder = join(root, host)
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw unreadable(folder, error)
  })
  const withExtension = (extension: string): string[] => names.filter(name => name.endsWith(extension)).sort()
  const keys = withExtension('.key')
  const certificates = withExtension('.cert')
  for (const name of certificates) {
    if (keys.includes(name.replace(/cert$/, 'key'))) continue
    const hint = 'Authorities must have the extension .crt'
    throw halfMissing(folder, `missing key ${name.replace(/cert$/, 'key')} for client certificate ${name}. ${hint}`)
  }
  for (const name of keys) {
    const certificate = name.replace(/key$/, 'cert')
    if (!certificates.includes(certificate)) throw halfMissing(folder, `missing client certificate ${certificate} for key ${name}`)
  }
  const read = (name: string): Promise<string> =>
    readFile(join(folder, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw unreadable(join(folder, name), error)
    })
  const authorities = await Promise.all(withExtension('.crt').map(read))
  const [first] = certificates
  if (first === undefined) return { authorities }
  return { authorities, pair: { cert: await read(first), key: await read(first.replace(/cert$/, 'key')) } }
}

function halfMissing(folder: string, problem: string): EngineError {
  return new EngineError('invalid_argument', `${folder}: ${problem}`, { details: { path: folder } })
}

function unreadable(path: string, cause: NodeJS.ErrnoException): EngineError {
  return new EngineError('permission_denied', `cannot read ${path}: ${cause.message}`, { details: { path, errno: cause.code }, cause })
}
