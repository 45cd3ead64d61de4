import { EngineError } from '../../src/errors/index.js'
import { isLoopbackHost, type RegistrySettings } from '../registry/endpoints.js'
import { defaultDomain } from '../registry/reference.js'
import { createRegistryClient, type RegistryClientOptions } from '../registry/registry-client.js'
import type { Storage } from './storage.js'
import { Upstream } from './upstream.js'

/** Whoever asks waits meanwhile, so it is not tried for long. */
const retry = { attempts: 2, baseMs: 200, maxMs: 2_000, maxRetryAfterMs: 2_000 }

/** As long as a client would wait by itself. In milliseconds. */
const stallMs = 20_000

/** Names of Docker Hub. */
const hubNames: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com'])

/** How the other registry is reached: as the engine reaches registries when it pulls. */
export type Reach = Pick<RegistryClientOptions, 'registries' | 'settle' | 'proxies'>

/**
 * The registry that another one is a cache of.
 *
 * @param url - `https://host[:port]`; `http://` says that it has no TLS
 * @throws EngineError `invalid_argument` for what is no such URL
 */
export function openUpstream(url: string, { storage, reach }: { readonly storage: Storage; readonly reach: Reach }): Upstream {
  const { host, protocol } = parseProxy(url)
  const domain = hubNames.has(host) ? defaultDomain : host
  const registries = reach.registries ?? {}
  const settings: RegistrySettings = {
    ...registries[domain],
    ...(protocol === 'http:' && !isLoopbackHost(host) && { insecure: true })
  }
  const client = createRegistryClient({ ...reach, registries: { ...registries, [domain]: settings }, retry, stallMs })
  return new Upstream({ storage, client, domain })
}

/** @throws EngineError `invalid_argument`, without the URL's credentials */
export function parseProxy(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url !== undefined && ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.password === ''
  if (isPlain && url.pathname === '/' && url.search === '' && url.hash === '') return url
  throw new EngineError(
    'invalid_argument',
    `proxy: ${JSON.stringify(text.replace(/\/\/[^/]*@/, '//***@'))} is not written as https://host[:port], without a path and credentials`,
    { details: { field: 'proxy' } }
  )
}
