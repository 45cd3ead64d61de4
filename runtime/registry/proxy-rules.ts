import { BlockList, isIP } from 'node:net'
import { EngineError } from '../../src/errors/index.js'

/** Which proxies lead to where: the values of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. */
export interface ProxySettings {
  readonly http?: string
  readonly https?: string
  /** Hosts that are reached without: names (`example.com`, also those below it; `.example.com` only those), addresses, `10.0.0.0/8`, `*`; with a port or not. */
  readonly none?: string
}

/** Those of the environment: upper case before lower, as Go reads them. */
export function proxiesOfEnvironment(env: Readonly<Record<string, string | undefined>>): ProxySettings {
  // A web server's program gets the header Proxy of its clients under that name.
  const http = env.REQUEST_METHOD ? undefined : env.HTTP_PROXY || env.http_proxy
  const https = env.HTTPS_PROXY || env.https_proxy
  const none = env.NO_PROXY || env.no_proxy
  return { ...(http && { http }), ...(https && { https }), ...(none && { none }) }
}

/** What was set for the engine, each in place of its variable of the environment. */
export function proxiesOf(
  set: { readonly httpProxy?: string; readonly httpsProxy?: string; readonly noProxy?: string },
  env: Readonly<Record<string, string | undefined>> = process.env
): ProxySettings {
  const { httpProxy: http, httpsProxy: https, noProxy: none } = set
  return { ...proxiesOfEnvironment(env), ...(http && { http }), ...(https && { https }), ...(none && { none }) }
}

/** A proxy's URL as it may be shown: Docker's `MaskCredentials`. */
export function withoutCredentials(proxy: string): string {
  return proxy.replace(/^((?:[a-z][a-z0-9+.-]*:)?\/\/)?.*@/is, '$1xxxxx:xxxxx@')
}

/** Where each request goes: the rules of Go's golang.org/x/net/http/httpproxy, which dockerd and the docker CLI follow. */
export class ProxyRules {
  readonly #http: URL | undefined
  readonly #https: URL | undefined
  readonly #exceptions: readonly Exception[]

  /** @throws EngineError `invalid_argument` for what is no proxy's URL */
  constructor(settings: ProxySettings) {
    this.#http = parseProxy('HTTP_PROXY', settings.http)
    this.#https = parseProxy('HTTPS_PROXY', settings.https)
    this.#exceptions = (settings.none ?? '').split(',').flatMap(parseException)
  }

  /** The proxy for a URL; undefined where it is reached directly. */
  proxyFor(url: URL): URL | undefined {
    const proxy = url.protocol === 'https:' ? this.#https : this.#http
    if (proxy === undefined) return undefined
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase()
    const port = url.port || (url.protocol === 'https:' ? '443' : '80')
    return isLoopback(host) || this.#exceptions.some(matches => matches(host, port)) ? undefined : proxy
  }
}

/** Whether a host, with its port, is an exception. */
type Exception = (host: string, port: string) => boolean

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

function isLoopback(host: string): boolean {
  return host === 'localhost' || contains(loopback, host)
}

function contains(list: BlockList, host: string): boolean {
  const version = isIP(host)
  return version !== 0 && list.check(host, version === 6 ? 'ipv6' : 'ipv4')
}

/** A proxy without a scheme speaks plain HTTP. Messages never hold its credentials. */
function parseProxy(name: string, text: string | undefined): URL | undefined {
  if (text === undefined || text.trim() === '') return undefined
  const written = text.trim()
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(written) ? tryUrl(written) : tryUrl(`http://${written}`)
  if (url !== undefined && url.hostname !== '' && (url.protocol === 'http:' || url.protocol === 'https:')) return url
  const problem = url === undefined || url.hostname === '' ? 'it is no URL' : `a proxy of the kind ${url.protocol}// is not supported`
  throw new EngineError('invalid_argument', `invalid proxy ${name}: ${problem}; write it as http://host:port`, {
    details: { setting: name }
  })
}

function tryUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

function parseException(text: string): readonly Exception[] {
  const entry = text.trim().toLowerCase()
  if (entry === '') return []
  if (entry === '*') return [() => true]
  const range = parseRange(entry)
  if (range !== undefined) return [host => contains(range, host)]
  const [, bracketed, plain = '', exceptPort] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [undefined, undefined, entry]
  const name = bracketed ?? plain
  const isPort: (port: string) => boolean = port => exceptPort === undefined || port === exceptPort
  if (name === '') return []
  if (isIP(name) !== 0) {
    const address = listOf(name)
    return [(host, port) => contains(address, host) && isPort(port)]
  }
  const domain = name.startsWith('*.') ? name.slice(1) : name
  if (domain.startsWith('.')) return [(host, port) => host.endsWith(domain) && isPort(port)]
  return [(host, port) => (host === domain || host.endsWith(`.${domain}`)) && isPort(port)]
}

function listOf(address: string): BlockList {
  const list = new BlockList()
  list.addAddress(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  return list
}

function parseRange(text: string): BlockList | undefined {
  const [, address = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? []
  const version = isIP(address)
  if (version === 0 || Number(digits) > (version === 4 ? 32 : 128)) return undefined
  const list = new BlockList()
  list.addSubnet(address, Number(digits), version === 6 ? 'ipv6' : 'ipv4')
  return list
}
