import { EngineError } from '../../errors/index.js'

/** Where an engine listens, taken apart. */
export type Endpoint =
  | { readonly kind: 'unix' | 'npipe'; readonly display: string; readonly socketPath: string }
  | {
      readonly kind: 'tcp'
      readonly display: string
      readonly hostname: string
      readonly port: number | undefined
      readonly basePath: string
    }
  | { readonly kind: 'ssh'; readonly display: string; readonly target: SshTarget }

/** What an `ssh://` endpoint names; what it leaves out is up to the user's ssh configuration. */
export interface SshTarget {
  readonly hostname: string
  readonly user?: string
  readonly port?: string
  /** The engine's socket over there, where it is not the default one. */
  readonly socketPath?: string
}

const examples = 'unix:///var/run/docker.sock, tcp://192.0.2.1:2376, ssh://me@box or npipe:////./pipe/docker_engine'

/**
 * Take an endpoint apart, as `DOCKER_HOST` spells it.
 *
 * @throws invalid_argument naming the endpoint and what is expected; a password in it is not repeated
 */
export function parseEndpoint(host: string): Endpoint {
  const scheme = /^([a-z]+):\/\//.exec(host)?.[1]
  switch (scheme) {
    case 'unix':
      return socketEndpoint('unix', host, host.slice('unix://'.length))
    case 'npipe':
      return socketEndpoint('npipe', host, host.slice('npipe://'.length).replaceAll('/', '\\'))
    case 'tcp':
      return tcpEndpoint(host)
    case 'ssh':
      return sshEndpoint(host)
    default:
      throw invalid(host, host.startsWith('/') ? `write unix://${host}` : `expected something like ${examples}`)
  }
}

function socketEndpoint(kind: 'unix' | 'npipe', host: string, socketPath: string): Endpoint {
  if (!/^[/\\]./.test(socketPath)) throw invalid(host, `${kind}:// must be followed by an absolute path, as in ${examples}`)
  return { kind, display: host, socketPath }
}

function tcpEndpoint(host: string): Endpoint {
  const url = parseUrl(host)
  if (url.username !== '' || url.password !== '')
    throw invalid(withoutUser(host), 'a user in a tcp:// endpoint means nothing; leave it out')
  const port = url.port === '' ? undefined : Number(url.port)
  return { kind: 'tcp', display: host, hostname: url.hostname, port, basePath: url.pathname.replace(/\/+$/, '') }
}

function sshEndpoint(host: string): Endpoint {
  const url = parseUrl(host)
  if (url.password !== '') throw invalid(withoutUser(host), 'a password cannot be given here; use a key or an ssh agent')
  const user = decodeURIComponent(url.username)
  // ssh would take a leading dash for an option, "-oProxyCommand=..." among them.
  if (url.hostname.startsWith('-') || user.startsWith('-')) throw invalid(host, 'a host or user must not begin with "-"')
  const target: SshTarget = {
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    ...(user === '' ? {} : { user }),
    ...(url.port === '' ? {} : { port: url.port }),
    ...(url.pathname === '' || url.pathname === '/' ? {} : { socketPath: decodeURIComponent(url.pathname) })
  }
  return { kind: 'ssh', display: host, target }
}

function parseUrl(host: string): URL {
  let url: URL
  try {
    url = new URL(host)
  } catch {
    throw invalid(withoutUser(host), `expected something like ${examples}`)
  }
  if (url.hostname === '') throw invalid(withoutUser(host), `a host name is missing; expected something like ${examples}`)
  return url
}

function withoutUser(host: string): string {
  return host.replace(/^([a-z]+:\/\/)[^/]*@/, '$1')
}

function invalid(host: string, why: string): EngineError {
  return new EngineError('invalid_argument', `${JSON.stringify(host)} is not an engine's address: ${why}`, { details: { host } })
}
