import { EngineError } from '../../src/errors/index.js'
import { checkRegistries, isLoopbackHost, type RegistriesSettings, type RegistrySettings } from './endpoints.js'
import { InsecureRanges, isRange } from './insecure-ranges.js'
import { defaultDomain } from './reference.js'

/** What a daemon is told about registries, beside the settings by host. */
export interface RegistryLists {
  /** Of Docker Hub: URLs, in order. */
  readonly mirrors: readonly string[]
  /** Hosts, and ranges of addresses. */
  readonly insecure: readonly string[]
}

/**
 * Settings by registry host that may change while the engine runs: `settings` stays the same object, what is in it changes. A host of an
 * insecure range is in it from when it was first asked about.
 */
export class LiveRegistries {
  readonly #given: RegistriesSettings
  readonly #settings: Record<string, RegistrySettings> = {}
  #ranges = new InsecureRanges([])

  /** @throws EngineError `invalid_argument` for what cannot work */
  constructor(given: RegistriesSettings, lists: RegistryLists = { mirrors: [], insecure: [] }) {
    this.#given = given
    this.change(lists)
  }

  get settings(): RegistriesSettings {
    return this.#settings
  }

  /** All or nothing. @throws EngineError `invalid_argument` for what cannot work */
  change(lists: RegistryLists): void {
    const next: Record<string, RegistrySettings> = { ...this.#given }
    if (lists.mirrors.length > 0) {
      const { mirrors = [], ...hub } = next[defaultDomain] ?? {}
      next[defaultDomain] = { ...hub, mirrors: [...mirrors, ...lists.mirrors.map(checkMirror)] }
    }
    for (const host of lists.insecure.filter(entry => !isRange(entry)).map(checkHost)) next[host] = { ...next[host], insecure: true }
    const ranges = new InsecureRanges(lists.insecure.filter(isRange))
    checkRegistries(next)
    for (const host of Object.keys(this.#settings)) delete this.#settings[host]
    Object.assign(this.#settings, next)
    this.#ranges = ranges
  }

  /** See whether a host, or a mirror of it, is in an insecure range, before it is asked for something. */
  readonly settle = async (domain: string): Promise<void> => {
    const mirrors = (this.#settings[domain]?.mirrors ?? []).map(mirror => mirror.replace(/^https?:\/\//i, '').replace(/\/.*$/, ''))
    for (const host of [domain, ...mirrors]) {
      // Docker Hub is nobody's own; what says something about itself is taken at its word.
      if (host === defaultDomain || isLoopbackHost(host) || this.#settings[host]?.insecure !== undefined) continue
      const ranges = this.#ranges
      if ((await ranges.has(host)) && ranges === this.#ranges) this.#settings[host] = { ...this.#settings[host], insecure: true }
    }
  }
}

function checkMirror(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text
  throw new EngineError('invalid_argument', `invalid mirror ${JSON.stringify(text)}: expected a URL such as https://mirror.example.com`)
}

function checkHost(text: string): string {
  if (!text.includes('://') && text !== '') return text
  throw new EngineError(
    'invalid_argument',
    `insecure registry ${text} should not contain '://': write the host, such as registry.example.com:5000, or a range of addresses`
  )
}
