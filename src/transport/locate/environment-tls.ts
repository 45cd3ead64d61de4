import { EngineError } from '../../errors/index.js'
import type { TlsOptions } from '../tls-options.js'
import { readPemFolder } from './context-store.js'
import { dockerConfigFolder } from './docker-config.js'
import type { LocatePorts } from './ports.js'

/**
 * TLS as the docker CLI's variables ask for it: `DOCKER_TLS_VERIFY` (or `DOCKER_TLS`, without verification), any value
 * that is not empty; certificates from `DOCKER_CERT_PATH`, else the docker folder. Undefined when neither is set, or
 * the endpoint is not `tcp://`.
 *
 * @throws not_found when verification is asked for and there is no `ca.pem`
 */
export async function environmentTls(ports: LocatePorts, endpoint: string): Promise<TlsOptions | undefined> {
  const verify = Boolean(ports.env.DOCKER_TLS_VERIFY)
  if (!endpoint.startsWith('tcp:') || !(verify || ports.env.DOCKER_TLS)) return undefined
  const folder = ports.env.DOCKER_CERT_PATH || dockerConfigFolder(ports)
  const files = await readPemFolder(ports, folder)
  if (verify && files.ca === undefined) {
    throw new EngineError(
      'not_found',
      `DOCKER_TLS_VERIFY is set but there is no ca.pem in ${folder}. Point DOCKER_CERT_PATH at the folder with ca.pem, cert.pem and key.pem`,
      { details: { path: folder } }
    )
  }
  return { ...files, verify }
}
