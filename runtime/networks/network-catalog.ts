import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { EngineError } from '../../src/errors/engine-error.js'
import type { Host } from '../host/host.js'
import type { HostNetwork } from '../host/host-network.js'
import { machineLock } from './bridge-network.js'
import { bridgeSettings, defaultBridgeOptions } from './bridge-settings.js'
import { type NetworkDefaults, withDefaults } from './network-defaults.js'
import type { NetworkRequest } from './network-manager.js'
import type { NetworkDriver, NetworkUser, StoredNetwork } from './network-record.js'
import type { NetworkStore } from './network-store.js'
import { chooseSubnet, findOverlap, gatewayOf } from './subnet-pools.js'

/** The networks there are without anybody making them, as in Docker. */
export const predefinedNetworks: readonly string[] = ['bridge', 'host', 'none']

export interface NetworkCatalogOptions {
  readonly host: Pick<Host, 'lock'> & { readonly network: HostNetwork }
  readonly store: NetworkStore
  /** Tells this data root's bridges from those of others. */
  readonly tag: string
  readonly user: NetworkUser
  readonly defaults: NetworkDefaults
}

/** Which networks there are: their records, without what they have on the host. */
export class NetworkCatalog {
  readonly #options: NetworkCatalogOptions
  #predefined: Promise<readonly StoredNetwork[]> | undefined

  constructor(options: NetworkCatalogOptions) {
    this.#options = options
  }

  async list(): Promise<readonly StoredNetwork[]> {
    await this.predefined()
    return [...this.#options.store.list()].sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
  }

  async get(idOrName: string): Promise<StoredNetwork> {
    // Most containers are on one of these: no search among all networks for them.
    const known = (await this.predefined()).find(({ name }) => name === idOrName)?.id
    const exact = this.#options.store.get(known ?? idOrName)
    if (exact !== undefined) return exact
    const all = this.#options.store.list()
    const found = all.find(({ name }) => name === idOrName)
    if (found !== undefined) return found
    const begun = idOrName === '' ? [] : all.filter(({ id }) => id.startsWith(idOrName))
    if (begun.length > 1) {
      throw new EngineError('invalid_argument', `network ${idOrName} is ambiguous (${begun.length} matches found based on ID prefix)`, {
        details: { network: idOrName }
      })
    }
    const [only] = begun
    if (only === undefined) throw new EngineError('not_found', `network ${idOrName} not found`, { details: { network: idOrName } })
    return only
  }

  /** Record a network with addresses that nobody on this machine has. */
  async add(request: NetworkRequest): Promise<StoredNetwork> {
    const { host, store, user, tag } = this.#options
    const settings = bridgeSettings(request.options)
    await this.predefined()
    // Asked for here to fail early; decided when it is recorded.
    const namesake = store.list().find(({ name }) => name === request.name)
    if (namesake !== undefined) throw new EngineError('already_exists', `network with name ${request.name} already exists`)
    const machine = await host.lock(machineLock, { signal: new AbortController().signal })
    try {
      const others = store.list()
      const { links, subnets } = await host.network.addressing()
      const id = randomBytes(32).toString('hex')
      const bridge = settings.bridge ?? freeName(tag, id, [...links.map(({ name }) => name), ...others.map(other => other.bridge)])
      if (settings.bridge !== undefined) refuseTaken(settings.bridge, id, others, links)
      const subnet =
        request.pool.subnet ??
        chooseSubnet([...subnets.map(taken => taken.subnet), ...others.map(other => other.subnet)], this.#options.defaults.pools)
      if (request.pool.subnet !== undefined) refuseOverlap(subnet, others, subnets)
      const { name, pool, internal, attachable, labels, options, keep } = request
      const network: StoredNetwork = {
        id,
        name,
        driver: 'bridge',
        createdAt: new Date().toISOString(),
        bridge,
        subnet,
        gateway: pool.gateway ?? gatewayOf(subnet),
        pool,
        internal,
        attachable,
        labels,
        options,
        ...(!keep && { session: user }),
        state: 'down',
        users: []
      }
      await store.add(network)
      return network
    } finally {
      machine.release()
    }
  }

  /** The networks that are always there: bridge, host, none. */
  predefined(): Promise<readonly StoredNetwork[]> {
    this.#predefined ??= this.#findPredefined().catch(error => {
      this.#predefined = undefined
      throw error
    })
    return this.#predefined
  }

  async #findPredefined(): Promise<readonly StoredNetwork[]> {
    const { host, store, tag } = this.#options
    const known = store.list()
    const found = predefinedNetworks.flatMap(name => known.filter(network => network.name === name))
    if (found.length === predefinedNetworks.length) return Promise.all(found.map(network => this.#asSet(network)))
    const { subnets } = await host.network.addressing()
    const subnet = firstSubnet(
      [...subnets.map(taken => taken.subnet), ...known.map(network => network.subnet)],
      this.#options.defaults.pools
    )
    const bridge = tag === '' ? 'gantry0' : `gty${tag}`
    const addresses = { bridge, subnet, gateway: gatewayOf(subnet) }
    const made = await store.ensure([
      predefined('bridge', 'bridge', addresses, defaultBridgeOptions(bridge)),
      predefined('host', 'host', noAddresses, {}),
      predefined('none', 'null', noAddresses, {})
    ])
    return Promise.all(made.map(network => this.#asSet(network)))
  }

  /** The default network, as the engine's settings want it. */
  async #asSet(network: StoredNetwork): Promise<StoredNetwork> {
    const { host, store, defaults } = this.#options
    const wanted = network.name === 'bridge' ? withDefaults(network, defaults) : network
    if (isDeepStrictEqual(wanted, network)) return network
    const users = store.endpoints(network.id)
    if (users.length > 0) {
      throw new EngineError(
        'conflict',
        `the default network cannot have other settings (bip, mtu) while containers are on it: ${users.map(({ containerName }) => containerName).join(', ')}`,
        { details: { network: network.name } }
      )
    }
    // With what it was before; whoever needs it next brings it up anew.
    await host.network.removeLink(network.bridge)
    const { lastAddress: _lastAddress, ...rest } = wanted
    const down: StoredNetwork = { ...rest, state: 'down', users: [] }
    await store.replace(down)
    return down
  }
}

/** Where none is free, who brings the bridge up is told; whoever does not need it is not bothered. */
function firstSubnet(taken: readonly string[], pools: NetworkDefaults['pools']): string {
  try {
    return chooseSubnet(taken, pools)
  } catch (error) {
    if (EngineError.is(error) && error.code === 'resource_exhausted') return chooseSubnet([], pools)
    throw error
  }
}

const noAddresses = { bridge: '', subnet: '', gateway: '' }

function predefined(
  name: string,
  driver: NetworkDriver,
  addresses: Pick<StoredNetwork, 'bridge' | 'subnet' | 'gateway'>,
  options: Readonly<Record<string, string>>
): StoredNetwork {
  return {
    id: randomBytes(32).toString('hex'),
    name,
    driver,
    createdAt: new Date().toISOString(),
    ...addresses,
    pool: {},
    internal: false,
    attachable: false,
    labels: {},
    options,
    state: 'down',
    users: []
  }
}

/** At most 15 characters, with the data root's tag in front where it has one. */
function freeName(tag: string, id: string, taken: readonly string[]): string {
  if (tag === '') return `gtn${id.slice(0, 12)}`
  for (;;) {
    const name = `gty${tag}-${randomBytes(2).toString('base64url').slice(0, 3)}`
    if (!taken.includes(name) && !/[-_]$/.test(name)) return name
  }
}

function refuseTaken(bridge: string, id: string, others: readonly StoredNetwork[], links: readonly { readonly name: string }[]): void {
  const other = others.find(network => network.bridge === bridge)
  if (other !== undefined) {
    throw new EngineError(
      'permission_denied',
      `cannot create network ${id} (${bridge}): conflicts with network ${other.id} (${bridge}): networks have same bridge name`,
      { details: { bridge, network: other.name } }
    )
  }
  if (links.some(({ name }) => name === bridge)) {
    throw new EngineError(
      'conflict',
      `the network interface ${bridge} exists on this host already, and a network needs one of its own: choose another name for com.docker.network.bridge.name`,
      { details: { bridge } }
    )
  }
}

function refuseOverlap(
  subnet: string,
  others: readonly StoredNetwork[],
  taken: readonly { readonly subnet: string; readonly link?: string }[]
): void {
  const known = others.filter(network => network.subnet !== '')
  const overlap = findOverlap(
    subnet,
    known.map(network => network.subnet)
  )
  if (overlap !== undefined) {
    throw new EngineError('permission_denied', 'Pool overlaps with other one on this address space', {
      details: { subnet, overlap, network: known.find(network => network.subnet === overlap)?.name }
    })
  }
  const own = new Set(known.map(({ bridge }) => bridge))
  const foreign = taken.filter(({ link }) => link === undefined || !own.has(link))
  const onHost = findOverlap(
    subnet,
    foreign.map(other => other.subnet)
  )
  if (onHost === undefined) return
  const link = foreign.find(other => other.subnet === onHost)?.link ?? 'a route'
  throw new EngineError(
    'permission_denied',
    `Pool overlaps with other one on this address space: ${subnet} shares addresses with ${onHost} of ${link} on this host`,
    { details: { subnet, overlap: onHost, link } }
  )
}
