import type { Host } from '../host/host.js'
import type { HostNetwork } from '../host/host-network.js'
import type { MetadataStore } from '../metadata/metadata-store.js'
import { bridgeSettings } from './bridge-settings.js'
import { installRules, removeRules } from './forwarding-rules.js'
import type { StoredNetwork, StoredPort } from './network-record.js'
import { portChanges, portKey } from './port-elements.js'
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
  #waiting: Turn | undefined

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

  /**
   * Add or take away ports, whose records have been changed already. Takes the lock; whoever asks while others wait for it is served
   * together with them.
   */
  change(changes: readonly PortChange[]): Promise<void> {
    const turn = this.#waiting
    if (turn !== undefined) {
      turn.changes.push(...changes)
      return turn.done
    }
    const own = [...changes]
    const done = this.#turn(own)
    this.#waiting = { changes: own, done }
    return done
  }

  async #turn(changes: readonly PortChange[]): Promise<void> {
    const { host, lockPath, table } = this.#options
    // Others get in while this is waited for; from then on they need a turn of their own.
    const lock = await host.lock(lockPath, { signal: new AbortController().signal }).finally(() => {
      this.#waiting = undefined
    })
    try {
      const elements = changes.filter(change => this.#stands(change)).flatMap(({ action, port }) => portChanges(action, [port]))
      if (elements.length > 0 && !(await host.network.changeElements(table, elements))) await this.apply({ fresh: true })
    } finally {
      lock.release()
    }
  }

  /** A port that was given up may be somebody else's by now, and one that was taken may be given up. */
  #stands({ action, port }: PortChange): boolean {
    const holder = this.#options.metadata.get<StoredPort>('ports', portKey(port))?.containerId
    return action === 'add' ? holder === port.containerId : holder === undefined
  }
}

/** A port whose record was added or removed. */
export interface PortChange {
  readonly action: 'add' | 'delete'
  readonly port: StoredPort
}

/** Changes that are made together. */
interface Turn {
  readonly changes: PortChange[]
  readonly done: Promise<void>
}

function ruleNetwork({ id, bridge, subnet, internal, options }: StoredNetwork): RuleNetwork {
  const { communication, masquerade } = bridgeSettings(options)
  return { id, bridge, subnet, internal, communication, masquerade }
}
