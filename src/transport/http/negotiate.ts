import { compareVersions, newestVersion, oldestVersion } from '../../api/versions.js'
import { EngineError } from '../../errors/index.js'
import type { CallFacts } from './connection-error.js'
import type { HttpResponse } from './exchange.js'
import { responseError } from './response-error.js'

/** What pings are answered with when all is well. */
const pong = 'OK'

/**
 * Agree on an API version with an engine: the newest that both sides speak.
 *
 * @param ping sends a ping, without a version in its path
 * @param options.methods what to ask with; undici gives up the connection of a HEAD, so GET alone saves one where they are dear
 * @throws not_supported when the engine is older than 1.24, unavailable when what answers is not an engine
 */
export async function negotiate(
  ping: (method: 'HEAD' | 'GET') => Promise<HttpResponse>,
  endpoint: string,
  options: { readonly methods: 'HEAD, then GET' | 'GET' }
): Promise<string> {
  const said = options.methods === 'GET' ? undefined : await askWithHead(ping)
  return chooseVersion(said ?? (await askWithGet(ping, endpoint)), endpoint)
}

async function askWithHead(ping: (method: 'HEAD') => Promise<HttpResponse>): Promise<string | undefined> {
  const head = await ping('HEAD')
  await read(head)
  return head.status < 400 ? head.headers['api-version'] : undefined
}

/** Engines before API 1.40, and some proxies, have no HEAD. */
async function askWithGet(ping: (method: 'GET') => Promise<HttpResponse>, endpoint: string): Promise<string> {
  const response = await ping('GET')
  if (response.status >= 400) throw await responseError(response, endpoint, pingFacts('GET'))
  const text = await read(response)
  const said = response.headers['api-version']
  if (said !== undefined) return said
  // Engines that do not say their version are as old as can be.
  if (text.trim() === pong) return oldestVersion
  throw notAnEngine(endpoint, `it answered a ping with ${JSON.stringify(text.slice(0, 80))}`)
}

/** The version to speak with an engine whose newest is `said`. */
export function chooseVersion(said: string, endpoint: string): string {
  if (!/^\d{1,9}\.\d{1,9}$/.test(said)) throw notAnEngine(endpoint, `it calls its API version ${JSON.stringify(said)}`)
  if (compareVersions(said, oldestVersion) < 0) {
    throw new EngineError(
      'not_supported',
      `the engine at ${endpoint} speaks API ${said}; at least ${oldestVersion} is needed: upgrade it`,
      {
        details: { endpoint, apiVersion: said, needed: oldestVersion }
      }
    )
  }
  return compareVersions(said, newestVersion) > 0 ? newestVersion : said
}

/** What is being done while a version is agreed on, for messages. */
export function pingFacts(method: 'HEAD' | 'GET'): CallFacts {
  return { operation: method === 'HEAD' ? 'SystemPingHead' : 'SystemPing', method, path: '/_ping' }
}

function notAnEngine(endpoint: string, why: string): EngineError {
  return new EngineError('unavailable', `what answers at ${endpoint} is not a container engine: ${why}. Check the address`, {
    details: { endpoint }
  })
}

async function read(response: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
