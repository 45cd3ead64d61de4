import http from 'node:http'
import https from 'node:https'
import type { RegistriesSettings } from './endpoints.js'
import type { Fetch } from './exchange.js'
import { dockerCertificates, hostTls } from './host-tls.js'
import { httpFetch } from './http-fetch.js'
import { ProxyRules, type ProxySettings } from './proxy-rules.js'
import { TunnelAgent } from './proxy-tunnel.js'

/** Set by whoever tells Node's own fetch how to connect: undici, in this process or by its package. */
const dispatcherOfFetch = Symbol.for('undici.globalDispatcher.1')

/** As Node's own agents do: a connection that nobody uses is closed after five seconds. */
const keptOpen = { keepAlive: true, timeout: 5_000 }

const builtInFetch = globalThis.fetch

/** How hosts are reached. */
export interface FetchPoolOptions {
  /** A way of the caller's own, for all hosts without certificates of their own. */
  readonly fetch?: Fetch | undefined
  readonly registries: RegistriesSettings
  /** Folder of certificates by host. @default Docker's */
  readonly certificates?: string | undefined
  /** Asked for each request, because an environment may change. @default none */
  readonly proxies?: (() => ProxySettings) | undefined
}

/**
 * Which `fetch` reaches a URL: the one given, or ours over node:http, with an agent of its own where a host is reached through a proxy or its
 * certificate is checked in another way than the system does. Where the process has its own idea of how to fetch (a recorder, a proxy), that is
 * kept to.
 */
export class FetchPool {
  readonly #options: FetchPoolOptions
  /** Its own: connections that are kept open for the next request go when the pool is closed. */
  readonly #plainAgents = { http: new http.Agent(keptOpen), https: new https.Agent(keptOpen) }
  readonly #plain = httpFetch(this.#plainAgents)
  readonly #special = new Map<string, { readonly agent: http.Agent; readonly fetch: Fetch }>()
  #proxyRules: { readonly key: string; readonly rules: ProxyRules } | undefined

  constructor(options: FetchPoolOptions) {
    this.#options = options
  }

  /** @throws EngineError `invalid_argument`, `permission_denied` for files of a host's certificates; `invalid_argument` for a proxy */
  async fetchFor(url: URL): Promise<Fetch> {
    const { fetch: given, registries, certificates = dockerCertificates } = this.#options
    const isSecure = url.protocol === 'https:'
    const tls = isSecure ? await hostTls(url.host, registries, certificates) : undefined
    if (tls === undefined) {
      if (given !== undefined) return given
      if (isFetchTouched()) return globalThis.fetch
    }
    const proxy = this.#proxyFor(url)
    if (tls === undefined && proxy === undefined) return this.#plain
    // Settings and files may change: an agent is for one way of checking and one proxy.
    const key = `${isSecure ? url.host : 'http'} ${tls?.id} ${proxy?.href}`
    const known = this.#special.get(key)
    if (known !== undefined) return known.fetch
    const { id, ...options } = { ...keptOpen, id: '', ...tls }
    const special = isSecure ? secureFetch(proxy, options) : proxiedFetch(proxy)
    this.#special.set(key, special)
    return special.fetch
  }

  async close(): Promise<void> {
    for (const { agent } of this.#special.values()) agent.destroy()
    this.#plainAgents.http.destroy()
    this.#plainAgents.https.destroy()
    this.#special.clear()
  }

  #proxyFor(url: URL): URL | undefined {
    const settings = this.#options.proxies?.()
    if (settings === undefined) return undefined
    const key = JSON.stringify(settings)
    if (this.#proxyRules?.key !== key) this.#proxyRules = { key, rules: new ProxyRules(settings) }
    return this.#proxyRules.rules.proxyFor(url)
  }
}

function secureFetch(proxy: URL | undefined, options: https.AgentOptions) {
  const agent = proxy === undefined ? new https.Agent(options) : new TunnelAgent(proxy, options)
  return { agent, fetch: httpFetch({ https: agent }) }
}

function proxiedFetch(proxy: URL | undefined) {
  const agent = proxy?.protocol === 'https:' ? new https.Agent(keptOpen) : new http.Agent(keptOpen)
  return { agent, fetch: httpFetch({ http: agent, ...(proxy && { proxy }) }) }
}

/** Looked at for each request, because it can change. */
function isFetchTouched(): boolean {
  return (
    globalThis.fetch !== builtInFetch ||
    process.env.NODE_USE_ENV_PROXY === '1' ||
    !isOwnDispatcher(Reflect.get(globalThis, dispatcherOfFetch))
  )
}

/**
 * Whether a dispatcher is the one that Node's fetch makes for itself when somebody first uses it: an agent that was told nothing.
 * What cannot be recognised counts as somebody's.
 */
function isOwnDispatcher(dispatcher: unknown): boolean {
  if (dispatcher === undefined) return true
  if (typeof dispatcher !== 'object' || dispatcher === null || dispatcher.constructor.name !== 'Agent') return false
  const options = hidden(dispatcher, 'options')
  if (typeof options !== 'object' || options === null) return false
  const { connect, interceptors } = options as { readonly connect?: unknown; readonly interceptors?: unknown }
  const factory = hidden(dispatcher, 'factory')
  const isPlainFactory = factory === undefined || (typeof factory === 'function' && factory.name === 'defaultFactory')
  // Composed with interceptors: a proxy whose dispatch is another than its class's.
  const isComposed = Reflect.get(dispatcher, 'dispatch') !== Reflect.get(Object.getPrototypeOf(dispatcher), 'dispatch')
  return connect === undefined && interceptors === undefined && isPlainFactory && !isComposed
}

/** What undici keeps under a symbol of its own. */
function hidden(object: object, description: string): unknown {
  const symbol = Object.getOwnPropertySymbols(object).find(key => key.description === description)
  return symbol && Reflect.get(object, symbol)
}
