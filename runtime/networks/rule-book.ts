import type { Host } from '../host/host.js'
import type { HostNetwork } from '../host/host-network.js'
import type { MetadataStore } from '../metadata/metadata-store.js'
import { bridgeSettings } from './bridge-settings.js'
import { installRules, removeRules } from './forwarding-rules.js'
import type { StoredNetwork, StoredPort } from './network-record.js'
import type { RuleNetwork } from './rule-table.js'

export interface RuleBookOptions {
  readonly host: Pick<Host, 'lock'> & { readonly network: HostNetwork }
  readonly metadata: MetadataStore
  readonly table: string
  /** Excludes other processes of this data root. */
  readonly lockPath: string
}

/** Keeps a data root's rules as its records say: networks that are up, and published ports. */
export class RuleBook {
  readonly table: string
  readonly #options: RuleBookOptions
  #waiting: Promise<void> | undefined

  constructor(options: RuleBookOptions) {
    this.#options = options
    this.table = options.table
  }

  /**
   * Make the rules what the records say. The caller holds the data root's lock.
   *
   * @param options.fresh false: only where the table is missing
   */
  async apply(options: { readonly fresh: boolean }): Promise<void> {
    const { host, metadata, table } = this.#options
    const networks = metadata
      .list<StoredNetwork>('networks')
      .map(({ value }) => value)
      .filter(({ state, driver }) => state === 'up' && driver === 'bridge')
    const ports = metadata.list<StoredPort>('ports').map(({ value }) => value)
    if (networks.length === 0) await removeRules(host.network, { table })
    else await installRules(host.network, { table, networks: networks.map(ruleNetwork), ports }, options)
  }

  /** As {@link RuleBook.apply}, taking the lock. Whoever asks while others wait for it is served together with them. */
  sync(): Promise<void> {
    this.#waiting ??= this.#sync()
    return this.#waiting
  }

  async #sync(): Promise<void> {
    const { host, lockPath } = this.#options
    const lock = await host.lock(lockPath, { signal: new AbortController().signal }).finally(() => {
      // Records change before their rules do: from here on they are read, and later changes need another turn.
      this.#waiting = undefined
    })
    try {
      await this.apply({ fresh: true })
    } finally {
      lock.release()
    }
  }
}

function ruleNetwork({ id, bridge, subnet, internal, options }: StoredNetwork): RuleNetwork {
  const { communication, masquerade } = bridgeSettings(options)
  return { id, bridge, subnet, internal, communication, masquerade }
}
