import { compareVersions, parseVersion } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { DaemonEngine } from './daemon-engine.js'

/** Where a request goes. */
export interface RequestTarget {
  /** Without the version, ready for the router: slashes inside a name are escaped. */
  readonly path: string
  readonly query: URLSearchParams
  /** The version that the path begins with; undefined where it has none. */
  readonly version: string | undefined
}

/**
 * Resources whose names may hold slashes. Everything between the resource and a last word that is one of the resource's verbs is the
 * name.
 */
const slashedNames: Readonly<Record<string, ReadonlySet<string>>> = {
  images: new Set(['json', 'attestations', 'history', 'push', 'tag', 'get', 'verify', 'signing-subject', 'sign']),
  distribution: new Set(['json']),
  plugins: new Set(['json', 'enable', 'disable', 'upgrade', 'push', 'set'])
}

/** Take a request's target apart. */
export function parseTarget(url: string): RequestTarget {
  const mark = url.indexOf('?')
  const whole = mark === -1 ? url : url.slice(0, mark)
  const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1))
  const match = /^\/v(\d{1,9}\.\d{1,9})(\/.*)$/.exec(whole)
  return { path: escapeName(match?.[2] ?? whole), query, version: match?.[1] }
}

/**
 * The API version to answer a request in.
 *
 * @throws EngineError `invalid_argument` in Docker's words for one that is too new or too old
 */
export function versionOf({ version }: RequestTarget, engine: DaemonEngine): string {
  if (version === undefined) return engine.apiVersion
  if (compareVersions(version, engine.newestApiVersion) > 0) {
    throw new EngineError(
      'invalid_argument',
      `client version ${version} is too new. Maximum supported API version is ${engine.newestApiVersion}`,
      { details: { version } }
    )
  }
  if (compareVersions(version, engine.smallestApiVersion) < 0) {
    throw new EngineError(
      'invalid_argument',
      `client version ${version} is too old. Minimum supported API version is ${engine.smallestApiVersion}, please upgrade your client to a newer version`,
      { details: { version } }
    )
  }
  const { major, minor } = parseVersion(version)
  return `${major}.${minor}`
}

function escapeName(path: string): string {
  // Gantry's own calls have its name before the resource.
  if (path.startsWith('/gantry/')) return `/gantry${escapeName(path.slice('/gantry'.length))}`
  const [, resource = '', ...rest] = path.split('/')
  const verbs = slashedNames[resource]
  if (verbs === undefined || rest.length < 2) return path
  const last = rest.at(-1) ?? ''
  const name = verbs.has(last) ? rest.slice(0, -1) : rest
  return `/${resource}/${name.join('%2F')}${verbs.has(last) ? `/${last}` : ''}`
}
