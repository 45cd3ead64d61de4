import { rootCertificates } from 'node:tls'
import type { Agent } from 'undici'
import { type RegistriesSettings, settingsFor, verifiesCertificate } from './endpoints.js'
import type { Fetch } from './exchange.js'

/**
 * Which `fetch` reaches a URL: the one given, or undici's with an agent of its own where the certificate of a host is
 * checked in another way than the system does. undici is loaded only then.
 */
export class FetchPool {
  readonly #fetch: Fetch
  readonly #registries: RegistriesSettings
  readonly #agents = new Map<string, Promise<{ readonly agent: Agent; readonly fetch: Fetch }>>()

  constructor(fetch: Fetch | undefined, registries: RegistriesSettings) {
    // Looked up at each call: what replaces the global (a recorder, a proxy set-up) is then seen.
    this.#fetch = fetch ?? ((...parameters) => globalThis.fetch(...parameters))
    this.#registries = registries
  }

  async fetchFor(url: URL): Promise<Fetch> {
    const { host } = url
    const { ca } = settingsFor(host, this.#registries)
    const verified = verifiesCertificate(host, this.#registries)
    if (url.protocol === 'http:' || (ca === undefined && verified)) return this.#fetch
    const known = this.#agents.get(host)
    if (known !== undefined) return (await known).fetch
    const made = makeAgent(ca, verified)
    this.#agents.set(host, made)
    return (await made).fetch
  }

  async close(): Promise<void> {
    const agents = await Promise.all(this.#agents.values())
    this.#agents.clear()
    await Promise.all(agents.map(({ agent }) => agent.destroy()))
  }
}

async function makeAgent(ca: string | undefined, verified: boolean): Promise<{ readonly agent: Agent; readonly fetch: Fetch }> {
  const undici = await import('undici')
  const agent = new undici.Agent({
    connect: { rejectUnauthorized: verified, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) },
    // Stalls are watched by whoever reads, with the deadline that the user set.
    headersTimeout: 0,
    bodyTimeout: 0
  })
  // The npm package and the copy inside Node implement one fetch, under two sets of type names.
  const fetch = ((url: string, init: object) => undici.fetch(url, { ...init, dispatcher: agent })) as unknown as Fetch
  return { agent, fetch }
}
