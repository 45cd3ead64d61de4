import { environmentTls } from './environment-tls.js'
import type { Strategy } from './strategy.js'

/** The variable `DOCKER_HOST`, with `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`. */
export const dockerHost: Strategy = async ports => {
  const host = ports.env.DOCKER_HOST
  if (!host) return [{ name: 'DOCKER_HOST', explicit: false, skipped: 'not set' }]
  const tls = await environmentTls(ports, host)
  return [{ name: 'DOCKER_HOST', endpoint: host, explicit: true, ...(tls === undefined ? {} : { tls }) }]
}
