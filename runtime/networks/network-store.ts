import { randomBytes } from 'node:crypto'
import { EngineError } from '../../src/errors/engine-error.js'
import { formatIpv4, parseIpv4, parseSubnet } from '../host/netlink/ipv4.js'
import { isAlive } from '../host/process-identity.js'
import type { MetadataStore, Transaction } from '../metadata/metadata-store.js'
import type { Endpoint, NetworkUser, StoredEndpoint, StoredNetwork } from './network-record.js'
import { addressesAfter, isHostAddress, macAddressOf } from './subnet-pools.js'

/** What a container wants of a network. */
export interface AllocationRequest {
  readonly containerId: string
  readonly containerName: string
  readonly names: readonly string[]
  readonly interfaceName: string
  readonly address: string | undefined
  readonly macAddress: string | undefined
  readonly priority: number
}

/** The networks' records, and every decision about them: each in one transaction, so that processes agree. */
export class NetworkStore {
  readonly #metadata: MetadataStore
  readonly #user: NetworkUser

  constructor(metadata: MetadataStore, user: NetworkUser) {
    this.#metadata = metadata
    this.#user = user
  }

  get(id: string): StoredNetwork | undefined {
    return this.#metadata.get<StoredNetwork>('networks', id)
  }

  list(): readonly StoredNetwork[] {
    return this.#metadata.list<StoredNetwork>('networks').map(({ value }) => value)
  }

  /** Of one network, or of all. */
  endpoints(networkId?: string): readonly StoredEndpoint[] {
    return listEndpoints(this.#metadata, networkId)
  }

  /**
   * Record a network.
   *
   * @throws EngineError `already_exists` when the name is taken
   */
  add(network: StoredNetwork): Promise<void> {
    return this.#metadata.transaction(transaction => {
      const others = transaction.list<StoredNetwork>('networks').map(({ value }) => value)
      const namesake = others.find(({ name }) => name === network.name)
      if (namesake !== undefined) {
        throw new EngineError('already_exists', `network with name ${network.name} already exists`, {
          details: { name: network.name, id: namesake.id }
        })
      }
      put(transaction, network)
    })
  }

  /**
   * Record what is not there yet by its name.
   *
   * @returns the records of these names, those that were there before as they are
   */
  ensure(networks: readonly StoredNetwork[]): Promise<readonly StoredNetwork[]> {
    return this.#metadata.transaction(transaction => {
      const known = new Map(transaction.list<StoredNetwork>('networks').map(({ value }) => [value.name, value]))
      return networks.map(network => {
        const found = known.get(network.name)
        if (found === undefined) put(transaction, network)
        return found ?? network
      })
    })
  }

  /** Put a network in the place of the one with its id. */
  replace(network: StoredNetwork): Promise<void> {
    return this.#metadata.transaction(transaction => put(transaction, network))
  }

  /**
   * Forget a network.
   *
   * @returns undefined when there is none
   * @throws EngineError `permission_denied` while containers are in it
   */
  remove(id: string): Promise<StoredNetwork | undefined> {
    return this.#metadata.transaction(transaction => {
      const network = transaction.get<StoredNetwork>('networks', id)
      if (network === undefined) return undefined
      const users = listEndpoints(transaction, id)
      if (users.length > 0) {
        throw new EngineError('permission_denied', `error while removing network: network ${network.name} id ${id} has active endpoints`, {
          details: { network: network.name, containers: users.map(({ containerName }) => containerName) }
        })
      }
      transaction.remove('networks', id)
      return network
    })
  }

  /** Say that the bridge is up with these addresses, and that this process uses it. False when the network is gone. */
  markUp(id: string, addresses: { readonly subnet: string; readonly gateway: string }): Promise<boolean> {
    return this.#metadata.transaction(transaction => {
      const found = transaction.get<StoredNetwork>('networks', id)
      if (found === undefined) return false
      const { lastAddress, ...network } = found
      const users = [...network.users.filter(user => user.id !== this.#user.id), this.#user]
      const last = lastAddress !== undefined && network.subnet === addresses.subnet ? { lastAddress } : {}
      put(transaction, { ...network, ...addresses, state: 'up', users, ...last })
      return true
    })
  }

  async markDown(id: string): Promise<void> {
    await this.#metadata.transaction(transaction => {
      const network = transaction.get<StoredNetwork>('networks', id)
      if (network !== undefined) put(transaction, { ...network, state: 'down' })
    })
  }

  /**
   * Say that this process no longer uses the bridge.
   *
   * @returns the network when nobody uses it now: it is marked as down, and the caller takes the bridge away
   */
  leave(id: string): Promise<StoredNetwork | undefined> {
    return this.#metadata.transaction(transaction => {
      const network = transaction.get<StoredNetwork>('networks', id)
      if (network === undefined || network.state === 'down') return undefined
      const users = network.users.filter(user => user.id !== this.#user.id && isAlive(user.process))
      const unused = users.length === 0 && listEndpoints(transaction, id).length === 0
      put(transaction, { ...network, users, state: unused ? 'down' : 'up' })
      return unused ? network : undefined
    })
  }

  /**
   * Hand out the address asked for, or the next free one.
   *
   * @returns undefined when the bridge is down, and has to be brought up first
   * @throws EngineError `not_found`, `resource_exhausted`, `permission_denied` (the address is in use), `failed` (it is none of this network)
   */
  allocate(id: string, request: AllocationRequest): Promise<Endpoint | undefined> {
    return this.#metadata.transaction(transaction => {
      const network = transaction.get<StoredNetwork>('networks', id)
      if (network === undefined) throw new EngineError('not_found', `network ${id} not found`, { details: { network: id } })
      if (network.state === 'down') return undefined
      const key = (address: string) => `${id}/${address}`
      const isFree = (address: string) => transaction.get<StoredEndpoint>('endpoints', key(address)) === undefined
      const address = request.address === undefined ? nextAddress(network, isFree) : fixedAddress(network, request.address, isFree)
      const endpoint: Endpoint = {
        networkId: id,
        networkName: network.name,
        endpointId: randomBytes(32).toString('hex'),
        address,
        prefixLength: parseSubnet(network.subnet)?.prefixLength ?? 16,
        gateway: network.gateway,
        macAddress: request.macAddress ?? macAddressOf(parseIpv4(address) ?? 0),
        hostInterface: `gty${randomBytes(4).toString('hex')}`,
        interfaceName: request.interfaceName,
        priority: request.priority,
        internal: network.internal
      }
      const { containerId, containerName, names } = request
      const stored: StoredEndpoint = { containerId, containerName, names, endpoint, owner: this.#user.process }
      transaction.put('endpoints', key(address), stored)
      if (request.address === undefined) put(transaction, { ...network, lastAddress: address })
      return endpoint
    })
  }

  /** Give addresses back. One that belongs to another endpoint by now is left alone. */
  async release(endpoints: readonly Endpoint[]): Promise<void> {
    if (endpoints.length === 0) return
    await this.#metadata.transaction(transaction => {
      for (const { networkId, address, endpointId } of endpoints) {
        const key = `${networkId}/${address}`
        if (transaction.get<StoredEndpoint>('endpoints', key)?.endpoint.endpointId === endpointId) transaction.remove('endpoints', key)
      }
    })
  }

  /** A running container's endpoints belong to this process from now on. */
  adopt(containerId: string): Promise<void> {
    return this.rename(containerId, stored => ({ ...stored, owner: this.#user.process }))
  }

  /** Other names for a container that is in networks: what the look-ups of its neighbours answer to. */
  async rename(containerId: string, change: (stored: StoredEndpoint) => StoredEndpoint): Promise<void> {
    await this.#metadata.transaction(transaction => {
      for (const { key, value } of transaction.list<StoredEndpoint>('endpoints')) {
        if (value.containerId === containerId) transaction.put('endpoints', key, change(value))
      }
    })
  }
}

type Reader = Pick<Transaction, 'get' | 'list'>

function listEndpoints(reader: Reader, networkId: string | undefined): StoredEndpoint[] {
  return reader.list<StoredEndpoint>('endpoints', networkId === undefined ? '' : `${networkId}/`).map(({ value }) => value)
}

function put(transaction: Transaction, network: StoredNetwork): void {
  transaction.put('networks', network.id, network)
}

function nextAddress({ name, id, subnet, gateway, pool, lastAddress }: StoredNetwork, isFree: (address: string) => boolean): string {
  const range = {
    subnet,
    ...(pool.range !== undefined && { range: pool.range }),
    reserved: [gateway, ...Object.values(pool.auxiliary ?? {})]
  }
  for (const value of addressesAfter(range, lastAddress === undefined ? undefined : parseIpv4(lastAddress))) {
    const address = formatIpv4(value)
    if (isFree(address)) return address
  }
  throw new EngineError(
    'resource_exhausted',
    `no available IPv4 addresses on this network's address pools: ${name} (${id}): every address of ${pool.range ?? subnet} is in use, remove containers that are no longer needed`
  )
}

function fixedAddress(network: StoredNetwork, address: string, isFree: (address: string) => boolean): string {
  if (!isHostAddress(network.subnet, address)) {
    throw new EngineError('failed', `Invalid address ${address}: It does not belong to any of this network's subnets`, {
      details: { address, subnet: network.subnet }
    })
  }
  const reserved = [network.gateway, ...Object.values(network.pool.auxiliary ?? {})]
  if (!reserved.includes(address) && isFree(address)) return address
  throw new EngineError('permission_denied', 'Address already in use', { details: { address, network: network.name } })
}
