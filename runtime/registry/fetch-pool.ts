import http from 'node:http'
import https from 'node:https'
import type { RegistriesSettings } from './endpoints.js'
import type { Fetch } from './exchange.js'
import { dockerCertificates, hostTls } from './host-tls.js'
import { httpFetch } from './http-fetch.js'

/** Set by whoever tells Node's own fetch how to connect: undici, in this process or by its package. */
const dispatcherOfFetch = Symbol.for('undici.globalDispatcher.1')

/** As Node's own agents do: a connection that nobody uses is closed after five seconds. */
const keptOpen = { keepAlive: true, timeout: 5_000 }

const builtInFetch = globalThis.fetch

/**
 * Which `fetch` reaches a URL: the one given, or ours over node:http, with an agent of its own where the certificate of a host is checked in
 * another way than the system does. Where the process has its own idea of how to fetch (a recorder, a proxy), that is kept to.
 */
export class FetchPool {
  readonly #given: Fetch | undefined
  readonly #registries: RegistriesSettings
  readonly #certificates: string
  /** Its own: connections that are kept open for the next request go when the pool is closed. */
  readonly #plainAgents = { http: new http.Agent(keptOpen), https: new https.Agent(keptOpen) }
  readonly #plain = httpFetch(this.#plainAgents)
  readonly #agents = new Map<string, { readonly agent: https.Agent; readonly fetch: Fetch }>()

  /** @param certificates - folder of certificates by host. @default Docker's */
  constructor(fetch: Fetch | undefined, registries: RegistriesSettings, certificates = dockerCertificates) {
    this.#given = fetch
    this.#registries = registries
    this.#certificates = certificates
  }

  /** @throws EngineError `invalid_argument`, `permission_denied` for files of a host's certificates */
  async fetchFor(url: URL): Promise<Fetch> {
    const { host } = url
    const tls = url.protocol === 'http:' ? undefined : await hostTls(host, this.#registries, this.#certificates)
    if (tls === undefined) return this.#given ?? (isFetchTouched() ? globalThis.fetch : this.#plain)
    // Settings and files may change: an agent is for one way of checking.
    const { id, ...settings } = tls
    const key = `${host} ${id}`
    const known = this.#agents.get(key)
    if (known !== undefined) return known.fetch
    const agent = new https.Agent({ keepAlive: true, ...settings })
    const fetch = httpFetch({ https: agent })
    this.#agents.set(key, { agent, fetch })
    return fetch
  }

  async close(): Promise<void> {
    for (const { agent } of this.#agents.values()) agent.destroy()
    this.#plainAgents.http.destroy()
    this.#plainAgents.https.destroy()
    this.#agents.clear()
  }
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
