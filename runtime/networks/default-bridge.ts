import { setTimeout as delay } from 'node:timers/promises'
import { EngineError } from '../../src/errors/engine-error.js'
import type { Host } from '../host/host.js'
import type { HostNetwork } from '../host/host-network.js'
import { parseIpv4, parseSubnet } from '../host/netlink/ipv4.js'
import { isAlive } from '../host/process-identity.js'
import { installRules, removeRules } from './forwarding-rules.js'
import type { NetworkStore, StoredEndpoint } from './network-store.js'
import { chooseSubnet, findOverlap, gatewayOf, macAddressOf } from './subnet-pools.js'

/** Subnets are chosen one after the other on the whole machine, whatever the data root: each sees the ranges of those before. */
const machineLock = '/run/gantry-networks.lock'

/** The kernel takes a namespace apart some tens of milliseconds after its last process. */
const teardownMs = 500
const teardownPollMs = 10

export interface DefaultBridgeOptions {
  readonly host: Pick<Host, 'lock'> & { readonly network: HostNetwork }
  readonly store: NetworkStore
  readonly bridge: string
  readonly table: string
  /** Excludes other processes of this data root. */
  readonly lockPath: string
}

/** The default bridge and its rules: there when a container needs them, gone when the last process that uses them is. */
export class DefaultBridge {
  readonly #options: DefaultBridgeOptions

  constructor(options: DefaultBridgeOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.bridge
  }

  /**
   * Make sure that the bridge, forwarding and the rules are there, and say that this process uses them. Idempotent.
   *
   * @throws EngineError `conflict` when the subnet's addresses are used by someone else by now and containers are on it,
   *   `resource_exhausted` when no subnet is free
   */
  async bringUp(signal: AbortSignal): Promise<void> {
    const { host, store, bridge, table } = this.#options
    await this.#locked(signal, async () => {
      const machine = await host.lock(machineLock, { signal })
      try {
        const before = store.network()
        const subnet = await this.#subnet()
        const address = gatewayOf(subnet)
        if (before !== undefined && before.subnet !== subnet) await host.network.removeLink(bridge)
        await host.network.bringBridgeUp({ name: bridge, macAddress: bridgeMac(address), address, prefixLength: prefixOf(subnet) })
        await installRules(host.network, { table, bridge, subnet }, { fresh: before === undefined || before.subnet !== subnet })
        await store.markUp({ bridge, subnet })
      } finally {
        machine.release()
      }
    })
  }

  /** Say that this process no longer uses the bridge; the last one takes it away. */
  async letGo(signal: AbortSignal): Promise<void> {
    const { host, store, table } = this.#options
    if (store.network()?.state !== 'up') return
    await this.sweep({ patient: true })
    await this.#locked(signal, async () => {
      const network = await store.leave()
      if (network === undefined) return
      await host.network.removeLink(network.bridge)
      await removeRules(host.network, { table })
    })
  }

  /**
   * Forget endpoints that dead processes left behind. One whose interface is still there is in use: a container may
   * outlive the process that started it.
   *
   * @param options.patient give the kernel time to take the namespaces of processes apart that were killed just now
   */
  async sweep(options: { readonly patient: boolean }): Promise<void> {
    const { host, store } = this.#options
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

  /** The recorded subnet while it is ours alone, else a free one. */
  async #subnet(): Promise<string> {
    const { host, store, bridge } = this.#options
    const recorded = store.network()?.subnet
    const taken = (await host.network.addressing()).subnets.filter(({ link }) => link !== bridge)
    const ranges = taken.map(({ subnet }) => subnet)
    if (recorded === undefined) return chooseSubnet(ranges)
    const overlap = findOverlap(recorded, ranges)
    if (overlap === undefined) return recorded
    await this.sweep({ patient: true })
    const users = store.endpoints()
    if (users.length === 0) return chooseSubnet(ranges)
    const link = taken.find(({ subnet }) => subnet === overlap)?.link ?? 'a route'
    throw new EngineError(
      'conflict',
      `the addresses of the default network (${recorded}) are now also used by ${link} (${overlap}), and ${users.length} containers are on the network: stop them, or give ${link} other addresses`,
      { details: { subnet: recorded, overlap, link } }
    )
  }

  async #locked(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const { host, lockPath } = this.#options
    const lock = await host.lock(lockPath, { signal })
    try {
      await work()
    } finally {
      lock.release()
    }
  }
}

/** Fixed, or the bridge would change its address with the containers on it. */
function bridgeMac(address: string): string {
  return macAddressOf(parseIpv4(address) ?? 0)
}

function prefixOf(subnet: string): number {
  return parseSubnet(subnet)?.prefixLength ?? 16
}
