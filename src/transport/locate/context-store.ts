import { createHash } from 'node:crypto'
import { EngineError } from '../../errors/index.js'
import type { TlsOptions } from '../tls-options.js'
import { dockerConfigFolder, pathOf } from './docker-config.js'
import type { LocatePorts } from './ports.js'
import { isObject, readJsonObject, readText } from './read-text.js'

/** Where a docker context points. */
export interface ContextEndpoint {
  readonly endpoint: string
  readonly tls?: TlsOptions
}

/**
 * A context of the docker CLI.
 *
 * Layout (docker/cli, cli/context/store): `contexts/meta/<sha256 of the name>/meta.json` holds the endpoints, and
 * `contexts/tls/<sha256 of the name>/docker/{ca,cert,key}.pem` what TLS needs.
 *
 * @param askedBy what named the context, for messages
 * @throws not_found when there is no such context, invalid_argument when its file is malformed
 */
export async function readContext(ports: LocatePorts, name: string, askedBy: string): Promise<ContextEndpoint> {
  const { join } = pathOf(ports)
  const folder = join(dockerConfigFolder(ports), 'contexts')
  const id = createHash('sha256').update(name).digest('hex')
  const file = join(folder, 'meta', id, 'meta.json')
  const meta = await readJsonObject(ports, file)
  if (meta === undefined) {
    throw new EngineError(
      'not_found',
      `context ${JSON.stringify(name)} (${askedBy}) does not exist: there is no ${file}. See what there is with: docker context ls`,
      { details: { context: name, path: file } }
    )
  }
  const docker = isObject(meta.Endpoints) ? meta.Endpoints.docker : undefined
  if (!isObject(docker) || typeof docker.Host !== 'string' || docker.Host === '') {
    throw new EngineError(
      'invalid_argument',
      `${file} (context ${JSON.stringify(name)}) has no Endpoints.docker.Host. Make the context anew with: docker context create`,
      { details: { context: name, path: file } }
    )
  }
  const tls = await readTls(ports, join(folder, 'tls', id, 'docker'), docker.SkipTLSVerify === true)
  return { endpoint: docker.Host, ...(tls === undefined ? {} : { tls }) }
}

async function readTls(ports: LocatePorts, folder: string, skipVerify: boolean): Promise<TlsOptions | undefined> {
  const files = await readPemFolder(ports, folder)
  if (Object.keys(files).length === 0 && !skipVerify) return undefined
  return { ...files, ...(skipVerify ? { verify: false } : {}) }
}

/** `ca.pem`, `cert.pem` and `key.pem` of a folder, those that are there. */
export async function readPemFolder(ports: LocatePorts, folder: string): Promise<Pick<TlsOptions, 'ca' | 'cert' | 'key'>> {
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map(file => readText(ports, pathOf(ports).join(folder, file)))
  )
  return { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) }
}
