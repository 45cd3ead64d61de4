import { EngineError } from '../../errors/index.js'
import type { TlsOptions } from '../tls-options.js'
import { environmentTls } from './environment-tls.js'
import type { LocatePorts } from './ports.js'
import { readText } from './read-text.js'
import type { Strategy } from './strategy.js'

/** The `host` option of `createEngine`, with its `tls`, else TLS from the environment. */
export const optionHost: Strategy = async (ports, options) => {
  const { host } = options
  if (host === undefined) return []
  const tls = options.tls === undefined ? await environmentTls(ports, host) : await resolveTls(ports, options.tls)
  return [{ name: 'option host', endpoint: host, explicit: true, ...(tls === undefined ? {} : { tls }) }]
}

/** PEM parts may be given as text or as a path. */
async function resolveTls(ports: LocatePorts, tls: TlsOptions): Promise<TlsOptions> {
  const resolved: { -readonly [K in keyof TlsOptions]: TlsOptions[K] } = tls.verify === undefined ? {} : { verify: tls.verify }
  for (const field of ['ca', 'cert', 'key'] as const) {
    const value = tls[field]
    if (value === undefined) continue
    if (value.includes('-----BEGIN ')) {
      resolved[field] = value
      continue
    }
    const text = await readText(ports, value)
    if (text === undefined) {
      throw new EngineError('not_found', `tls.${field}: there is no file ${value}. Give the path of a PEM file, or its text`, {
        details: { field: `tls.${field}`, path: value }
      })
    }
    resolved[field] = text
  }
  return resolved
}
