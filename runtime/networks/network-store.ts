import { randomBytes } from 'node:crypto'
import { EngineError } from '../../src/errors/engine-error.js'
import { formatIpv4, parseIpv4, parseSubnet } from '../host/netlink/ipv4.js'
import { isAlive, type ProcessIdentity } from '../host/process-identity.js'
import type { MetadataStore, Transaction } from '../metadata/metadata-store.js'
import type { Endpoint, NetworkRecord } from './network-manager.js'
import { addressesAfter, gatewayOf, macAddressOf } from './subnet-pools.js'

/** Name of the default network, as in Docker. */
export const defaultNetworkName = 'bridge'

/** Table `networks`, format version 1. */
export interface StoredNetwork extends NetworkRecord {
  /** Whether the bridge and its rules are there, as far as we know: a reboot takes them away without asking. */
  readonly state: 'up' | 'down'
  /** The address handed out last. */
  readonly lastAddress?: string
  /** Who keeps the bridge up: network managers of live processes. */
  readonly users: readonly NetworkUser[]
}

export interface NetworkUser {
  readonly id: string
  readonly process: ProcessIdentity
}

/** Table `endpoints`, format version 1, by `<network id>/<address>`. */
export interface StoredEndpoint {
  readonly containerId: string
  readonly endpoint: Endpoint
  /** The process that made it. A container may outlive it. */
  readonly owner: ProcessIdentity
}

/** The default network's records, and every decision about them: each in one transaction, so that processes agree. */
export class NetworkStore {
  readonly #metadata: MetadataStore
  readonly #user: NetworkUser

  constructor(metadata: MetadataStore, user: NetworkUser) {
    this.#metadata = metadata
    this.#user = user
  }

  network(): StoredNetwork | undefined {
    return findNetwork(this.#metadata)
  }

  /** Of the default network. */
  endpoints(): readonly StoredEndpoint[] {
    const network = this.network()
    return network === undefined ? [] : listEndpoints(this.#metadata, network)
  }

  /**
   * Say that the bridge is up on this subnet, and that this process uses it. Makes the record at the first time.
   *
   * @param identity the bridge's name and the subnet
   */
  async markUp(identity: { readonly bridge: string; readonly subnet: string }): Promise<void> {
    await this.#metadata.transaction(transaction => {
      const found = findNetwork(transaction)
      const base = found ?? { id: randomBytes(32).toString('hex'), name: defaultNetworkName, createdAt: new Date().toISOString() }
      const others = (found?.users ?? []).filter(user => user.id !== this.#user.id)
      const { subnet, bridge } = identity
      put(transaction, {
        ...base,
        bridge,
        subnet,
        gateway: gatewayOf(subnet),
        state: 'up',
        users: [...others, this.#user],
        ...(found?.lastAddress !== undefined && found.subnet === subnet ? { lastAddress: found.lastAddress } : {})
      })
    })
  }

  /**
   * Say that this process no longer uses the bridge.
   *
   * @returns the network when nobody uses it now: it is marked as down, and the caller takes the bridge away
   */
  leave(): Promise<StoredNetwork | undefined> {
    return this.#metadata.transaction(transaction => {
      const network = findNetwork(transaction)
      if (network === undefined || network.state === 'down') return undefined
      const users = network.users.filter(user => user.id !== this.#user.id && isAlive(user.process))
      const unused = users.length === 0 && listEndpoints(transaction, network).length === 0
      put(transaction, { ...network, users, state: unused ? 'down' : 'up' })
      return unused ? network : undefined
    })
  }

  /**
   * Hand out the next free address.
   *
   * @returns undefined when the bridge is down, and has to be brought up first
   * @throws EngineError `resource_exhausted`
   */
  allocate(request: { readonly containerId: string; readonly macAddress: string | undefined }): Promise<Endpoint | undefined> {
    return this.#metadata.transaction(transaction => {
      const network = findNetwork(transaction)
      if (network === undefined || network.state === 'down') return undefined
      const last = network.lastAddress === undefined ? undefined : parseIpv4(network.lastAddress)
      for (const value of addressesAfter(network.subnet, last)) {
        const address = formatIpv4(value)
        const key = `${network.id}/${address}`
        if (transaction.get<StoredEndpoint>('endpoints', key) !== undefined) continue
        const endpoint: Endpoint = {
          networkId: network.id,
          networkName: network.name,
          endpointId: randomBytes(32).toString('hex'),
          address,
          prefixLength: parseSubnet(network.subnet)?.prefixLength ?? 16,
          gateway: network.gateway,
          macAddress: request.macAddress ?? macAddressOf(value),
          hostInterface: `gty${randomBytes(4).toString('hex')}`
        }
        const stored: StoredEndpoint = { containerId: request.containerId, endpoint, owner: this.#user.process }
        transaction.put('endpoints', key, stored)
        put(transaction, { ...network, lastAddress: address })
        return endpoint
      }
      throw new EngineError(
        'resource_exhausted',
        `every address of the network ${network.name} (${network.subnet}) is in use: remove containers that are no longer needed`
      )
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
}

type Reader = Pick<Transaction, 'get' | 'list'>

function findNetwork(reader: Reader): StoredNetwork | undefined {
  return reader.list<StoredNetwork>('networks').find(({ value }) => value.name === defaultNetworkName)?.value
}

function listEndpoints(reader: Reader, network: StoredNetwork): StoredEndpoint[] {
  return reader.list<StoredEndpoint>('endpoints', `${network.id}/`).map(({ value }) => value)
}

function put(transaction: Transaction, network: StoredNetwork): void {
  transaction.put('networks', network.id, network)
}
