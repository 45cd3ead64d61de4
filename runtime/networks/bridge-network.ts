import { setTimeout as delay } from 'node:timers/promises'
import { EngineError } from '../../src/errors/engine-error.js'
import type { Host } from '../host/host.js'
import type { HostNetwork } from '../host/host-network.js'
import { parseIpv4, parseSubnet } from '../host/netlink/ipv4.js'
import { isAlive } from '../host/process-identity.js'
import { bridgeSettings } from './bridge-settings.js'
import { removeForeignRules } from './forwarding-rules.js'
import type { NetworkDefaults } from './network-defaults.js'
import type { StoredEndpoint, StoredNetwork } from './network-record.js'
import type { NetworkStore } from './network-store.js'
import type { RuleBook } from './rule-book.js'
import { chooseSubnet, findOverlap, gatewayOf, macAddressOf } from './subnet-pools.js'

/** Subnets are chosen one after the other on the whole machine, whatever the data root: each sees the ranges of those before. */
export const machineLock = '/run/gantry-networks.lock'

/** The kernel takes a namespace apart some tens of milliseconds after its last process. */
const teardownMs = 500
const teardownPollMs = 10

export interface BridgeNetworkOptions {
  readonly host: Pick<Host, 'lock'> & { readonly network: HostNetwork }
  readonly store: NetworkStore
  readonly rules: RuleBook
  /** Where subnets come from that nobody chose. */
  readonly defaults: NetworkDefaults
  /** Excludes other processes of this data root. */
  readonly lockPath: string
}

/** A network's bridge and its rules: there when a container needs them, gone when the last process that uses them is. */
export class BridgeNetwork {
  readonly id: string
  readonly #options: BridgeNetworkOptions
  readonly #closing: AbortSignal
  #up: Promise<StoredNetwork> | undefined
  /** What `#up` has resolved to: then nobody needs to wait for it. */
  #ready: StoredNetwork | undefined

  constructor(id: string, options: BridgeNetworkOptions, closing: AbortSignal) {
    this.id = id
    this.#options = options
    this.#closing = closing
  }

  /** The network as it was brought up, undefined when that has to be waited for. */
  get ready(): StoredNetwork | undefined {
    return this.#ready
  }

  /**
   * Make sure that the bridge, forwarding and the rules are there, and say that this process uses them. Once for all callers; a
   * failure is not remembered.
   *
   * @throws EngineError `conflict` when the subnet's addresses are used by someone else by now and containers are on it or the caller
   *   chose it, `resource_exhausted` when no subnet is free, `not_found` when the network is gone
   */
  bringUp(): Promise<StoredNetwork> {
    if (this.#up === undefined) {
      const up = this.#bringUp(this.#closing)
      this.#up = up
      up.then(
        network => {
          if (this.#up === up) this.#ready = network
        },
        () => {
          if (this.#up === up) this.#up = undefined
        }
      )
    }
    return this.#up
  }

  /** Somebody took the bridge away, or it was a reboot: the next to ask brings it up again for all. */
  missed(): void {
    this.#up = undefined
    this.#ready = undefined
  }

  /** Say that this process no longer uses the bridge; the last one takes it away. */
  async letGo(): Promise<void> {
    const { store } = this.#options
    await this.#up?.catch(() => undefined)
    this.missed()
    if (store.get(this.id)?.state !== 'up') return
    await this.#locked(new AbortController().signal, async () => {
      const network = await store.leave(this.id)
      if (network !== undefined) await this.#takeDown(network)
    })
  }

  /**
   * Forget the network, and take away what it has on the host. False when there is none.
   *
   * @throws EngineError `permission_denied` while containers are in it
   */
  async remove(): Promise<boolean> {
    const { store } = this.#options
    await this.#up?.catch(() => undefined)
    return this.#locked(new AbortController().signal, async () => {
      const network = await store.remove(this.id)
      if (network === undefined) return false
      this.missed()
      await this.#takeDown(network)
      return true
    })
  }

  async #takeDown({ bridge }: StoredNetwork): Promise<void> {
    const { host, rules } = this.#options
    await host.network.removeLink(bridge)
    await removeForeignRules(host.network, rules.table, bridge)
    await rules.apply({ fresh: true })
  }

  async #bringUp(signal: AbortSignal): Promise<StoredNetwork> {
    const { host, store, rules } = this.#options
    return this.#locked(signal, async () => {
      const machine = await host.lock(machineLock, { signal })
      try {
        const before = this.#record()
        const subnet = await this.#subnet(before)
        const gateway = before.pool.gateway ?? gatewayOf(subnet)
        const changed = before.subnet !== subnet
        if (changed) await host.network.removeLink(before.bridge)
        const { mtu } = bridgeSettings(before.options)
        await host.network.bringBridgeUp({
          name: before.bridge,
          macAddress: bridgeMac(gateway),
          address: gateway,
          prefixLength: parseSubnet(subnet)?.prefixLength ?? 16,
          ...(mtu !== undefined && { mtu })
        })
        await store.markUp(this.id, { subnet, gateway })
        try {
          await rules.apply({ fresh: changed || before.state === 'down' })
        } catch (error) {
          await store.markDown(this.id)
          throw error
        }
        return this.#record()
      } finally {
        machine.release()
      }
    })
  }

  #record(): StoredNetwork {
    const network = this.#options.store.get(this.id)
    if (network === undefined) throw new EngineError('not_found', `network ${this.id} not found`, { details: { network: this.id } })
    return network
  }

  /** The recorded subnet while it is ours alone, else a free one. */
  async #subnet({ name, subnet, bridge, pool }: StoredNetwork): Promise<string> {
    const { host, store } = this.#options
    const taken = (await host.network.addressing()).subnets.filter(({ link }) => link !== bridge)
    const overlap = findOverlap(
      subnet,
      taken.map(other => other.subnet)
    )
    if (overlap === undefined) return subnet
    await sweepEndpoints(this.#options, { patient: true })
    const users = store.endpoints(this.id)
    const others = store.list().flatMap(other => (other.id === this.id || other.subnet === '' ? [] : [other.subnet]))
    if (users.length === 0 && pool.subnet === undefined) {
      return chooseSubnet([...taken.map(other => other.subnet), ...others], this.#options.defaults.pools)
    }
    const link = taken.find(other => other.subnet === overlap)?.link ?? 'a route'
    const why = users.length === 0 ? 'they were asked for by the network' : `${users.length} containers are on the network`
    throw new EngineError(
      'conflict',
      `the addresses of the network ${name} (${subnet}) are now also used by ${link} (${overlap}), and ${why}: remove it, or give ${link} other addresses`,
      { details: { network: name, subnet, overlap, link } }
    )
  }

  async #locked<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const { host, lockPath } = this.#options
    const lock = await host.lock(lockPath, { signal })
    try {
      return await work()
    } finally {
      lock.release()
    }
  }
}

/**
 * Forget endpoints that dead processes left behind. One whose interface is still there is in use: a container may
 * outlive the process that started it.
 *
 * @param options.patient give the kernel time to take the namespaces of processes apart that were killed just now
 */
export async function sweepEndpoints(
  { host, store }: Pick<BridgeNetworkOptions, 'host' | 'store'>,
  options: { readonly patient: boolean }
): Promise<void> {
  const deadline = Date.now() + (options.patient ? teardownMs : 0)
  let orphans = store.endpoints().filter(({ owner }) => !isAlive(owner))
  while (orphans.length > 0) {
    const links = new Set((await host.network.addressing()).links.map(link => link.name))
    const present = ({ endpoint }: StoredEndpoint) => links.has(endpoint.hostInterface)
    await store.release(orphans.filter(orphan => !present(orphan)).map(({ endpoint }) => endpoint))
    orphans = orphans.filter(present)
    if (Date.now() >= deadline) return
    if (orphans.length > 0) await delay(teardownPollMs)
  }
}

/** Fixed, or the bridge would change its address with the containers on it. */
function bridgeMac(address: string): string {
  return macAddressOf(parseIpv4(address) ?? 0)
}
