import { randomBytes } from 'node:crypto'
import { EngineError } from '../../src/errors/engine-error.js'
import { once } from '../../src/util/once.js'
import type { Host } from '../host/host.js'
import type { HostNetwork, NamespaceInterface } from '../host/host-network.js'
import { currentProcess, isAlive } from '../host/process-identity.js'
import { errnoOf } from '../host/system-call-error.js'
import type { MetadataStore } from '../metadata/metadata-store.js'
import { BridgeNetwork, sweepEndpoints } from './bridge-network.js'
import { bridgeSettings } from './bridge-settings.js'
import { NameService, type NameServiceRequest } from './names/name-service.js'
import { NetworkCatalog } from './network-catalog.js'
import { checkDefaults, type NetworkDefaults } from './network-defaults.js'
import type {
  ConnectRequest,
  EndpointRequest,
  JoinRequest,
  LeaveRequest,
  NetworkManager,
  NetworkRequest,
  PublishRequest,
  Sandbox
} from './network-manager.js'
import type { Endpoint, NetworkRecord, NetworkUser, PublishedPort, StoredEndpoint, StoredNetwork } from './network-record.js'
import { NetworkStore } from './network-store.js'
import { PortPublisher } from './port-publisher.js'
import { RuleBook } from './rule-book.js'
import { untilAborted } from './until-aborted.js'
import { wayOut } from './way-out.js'

export interface NetworkManagerOptions {
  readonly host: Pick<Host, 'lock' | 'closeFd'> & { readonly network: HostNetwork }
  readonly metadata: MetadataStore
  /** Tells this data root's bridges and rules from those of others: eight hexadecimal digits, '' for the default root. */
  readonly tag: string
  /** A file all processes of this data root lock to bring a bridge up or down. */
  readonly lockPath: string
  /** What is set for networks that do not say. @default as Docker */
  readonly defaults?: NetworkDefaults
}

/** A bridge that went away, or a random name that was taken: once or twice is bad luck, more is something else. */
const attempts = 3

/**
 * Networking on this host: bridges, made when they are first needed, with addresses recorded in the metadata
 * store so that several processes can share them. What dead processes left is forgotten first.
 */
export async function createNetworkManager(options: NetworkManagerOptions): Promise<NetworkManager> {
  const { host, metadata, tag, lockPath, defaults = {} } = options
  checkDefaults(defaults)
  const user = { id: randomBytes(8).toString('hex'), process: currentProcess() }
  const store = new NetworkStore(metadata, user)
  const rules = new RuleBook({ host, metadata, lockPath, table: `gantry_${tag === '' ? 'default' : tag}` })
  const manager = new BridgeNetworkManager({
    host,
    store,
    rules,
    lockPath,
    user,
    defaults,
    catalog: new NetworkCatalog({ host, store, tag, user, defaults }),
    publisher: new PortPublisher({ metadata, rules, owner: user.process, relaysIpv6: defaults.userlandProxy ?? true }),
    names: new NameService({ network: host.network, endpoints: () => store.endpoints() })
  })
  await manager.sweep({ patient: false })
  // What cannot be as it is set is told now, and not to whoever starts the first container.
  if (defaults.bridgeAddress !== undefined || defaults.mtu !== undefined) await manager.list()
  return manager
}

interface Parts {
  readonly host: NetworkManagerOptions['host']
  readonly store: NetworkStore
  readonly rules: RuleBook
  readonly lockPath: string
  readonly user: NetworkUser
  readonly defaults: NetworkDefaults
  readonly catalog: NetworkCatalog
  readonly publisher: PortPublisher
  readonly names: NameService
}

class BridgeNetworkManager implements NetworkManager {
  readonly #parts: Parts
  readonly #bridges = new Map<string, BridgeNetwork>()
  readonly #endpoints = new Map<string, readonly Endpoint[]>()
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  list(): Promise<readonly NetworkRecord[]> {
    return this.#parts.catalog.list()
  }

  get(idOrName: string): Promise<NetworkRecord> {
    return this.#parts.catalog.get(idOrName)
  }

  async create(request: NetworkRequest): Promise<NetworkRecord> {
    this.#refuseClosed()
    const network = await this.#parts.catalog.add(request)
    try {
      return await this.#bridge(network.id).bringUp()
    } catch (error) {
      await this.#bridge(network.id)
        .remove()
        .catch(() => undefined)
      this.#bridges.delete(network.id)
      throw error
    }
  }

  async remove(id: string): Promise<void> {
    const removed = await this.#bridge(id).remove()
    this.#bridges.delete(id)
    if (!removed) throw new EngineError('not_found', `network ${id} not found`, { details: { network: id } })
  }

  members(id: string): readonly StoredEndpoint[] {
    return this.#parts.store.endpoints(id)
  }

  async connect(request: ConnectRequest, { signal }: { readonly signal: AbortSignal }): Promise<Sandbox> {
    signal.throwIfAborted()
    this.#refuseClosed()
    for (const { macAddress } of request.endpoints) checkMacAddress(macAddress)
    if (this.#endpoints.has(request.containerId)) {
      throw new EngineError('conflict', `container ${request.containerId} is connected to its networks already`)
    }
    for (let attempt = 1; ; attempt += 1) {
      const endpoints: Endpoint[] = []
      try {
        for (const [index, endpoint] of request.endpoints.entries()) {
          endpoints.push(await this.#allocate(request, endpoint, `eth${index}`, signal))
        }
        return await this.#plugIn(request.containerId, endpoints, signal)
      } catch (error) {
        const failures = await this.#takeBack(endpoints)
        if (!worthAnotherTry(error) || signal.aborted || attempt === attempts) throw withFailures(error, failures)
        for (const { networkId } of request.endpoints) this.#bridge(networkId).missed()
      }
    }
  }

  async disconnect(containerId: string, endpoints?: readonly Endpoint[]): Promise<void> {
    const own = this.#endpoints.get(containerId)
    this.#endpoints.delete(containerId)
    // A stranger's endpoint: of a process that was killed, or of a container that outlived its process.
    const all = endpoints ?? own ?? this.#recorded(containerId)
    const { publisher, names } = this.#parts
    const [others, [failure]] = await Promise.all([
      Promise.allSettled([publisher.release(containerId), names.close(containerId)]),
      this.#takeBack(all)
    ])
    if (failure !== undefined) throw failure
    for (const other of others) if (other.status === 'rejected') throw other.reason
  }

  serveNames(request: NameServiceRequest): Promise<void> {
    this.#refuseClosed()
    return this.#parts.names.open(request)
  }

  async adopt(containerId: string): Promise<void> {
    const { store, publisher } = this.#parts
    await Promise.all([store.adopt(containerId), publisher.adopt(containerId)])
  }

  async join({ containerId, containerName, endpoint, namespacePath, present }: JoinRequest, { signal }: { readonly signal: AbortSignal }) {
    this.#refuseClosed()
    checkMacAddress(endpoint.macAddress)
    const name = nextInterface(present)
    for (let attempt = 1; ; attempt += 1) {
      const joined = await this.#allocate({ containerId, containerName }, endpoint, name, signal)
      try {
        const before = wayOut(present)
        const after = wayOut([...present, joined])
        await this.#parts.host.network.addInterface(namespacePath, this.#interfaceOf(joined, undefined))
        if (after !== before) await this.#parts.host.network.setDefaultRoute(namespacePath, after?.gateway)
        this.#endpoints.set(containerId, [...present, joined])
        return joined
      } catch (error) {
        const failures = await this.#takeBack([joined])
        if (!worthAnotherTry(error) || signal.aborted || attempt === attempts) throw withFailures(error, failures)
        this.#bridge(endpoint.networkId).missed()
      }
    }
  }

  async leave({ containerId, endpoint, namespacePath, remaining }: LeaveRequest): Promise<void> {
    const [failure] = await this.#takeBack([endpoint])
    this.#endpoints.set(containerId, remaining)
    if (failure !== undefined) throw failure
    if (wayOut([...remaining, endpoint]) === endpoint) {
      await this.#parts.host.network.setDefaultRoute(namespacePath, wayOut(remaining)?.gateway)
    }
  }

  rename(containerId: string, change: (stored: StoredEndpoint) => StoredEndpoint): Promise<void> {
    return this.#parts.store.rename(containerId, change)
  }

  async publish(request: PublishRequest): Promise<readonly PublishedPort[]> {
    const { store, publisher } = this.#parts
    const { hostAddress } = bridgeSettings(store.get(request.endpoint.networkId)?.options ?? {})
    try {
      return await publisher.publish(request, hostAddress)
    } catch (error) {
      if (!EngineError.is(error) || error.details.isOrphan !== true) throw error
      // Of a process that died meanwhile, and maybe of a container that died with it.
      await this.sweep({ patient: true })
      return publisher.publish(request, hostAddress)
    }
  }

  unpublish(containerId: string): Promise<void> {
    return this.#parts.publisher.release(containerId)
  }

  /** Endpoints of dead processes, then their sessions' networks, then ports that lead to nobody. */
  async sweep(options: { readonly patient: boolean }): Promise<void> {
    const { store, publisher } = this.#parts
    await sweepEndpoints(this.#parts, options)
    const orphans = store.list().filter(({ session }) => session !== undefined && !isAlive(session.process))
    for (const { id } of orphans) if (store.endpoints(id).length === 0) await this.#removeQuietly(id)
    await publisher.sweep(new Set(store.endpoints().map(({ containerId }) => containerId)))
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { store, user, publisher, names } = this.#parts
    this.#closing.abort(new EngineError('unavailable', 'the engine is closed'))
    await Promise.all([publisher.close(), names.closeAll()])
    await sweepEndpoints(this.#parts, { patient: true })
    // One that still has containers stays for the sweep of whoever comes next.
    for (const { id, session } of store.list()) if (session?.id === user.id) await this.#removeQuietly(id)
    // Those that a dead process left up, too.
    for (const { id, state } of store.list()) if (state === 'up') await this.#bridge(id).letGo()
  }

  /** Containers may be in it, and another process may be faster: both are as well. */
  async #removeQuietly(id: string): Promise<void> {
    try {
      await this.#bridge(id).remove()
      this.#bridges.delete(id)
    } catch (error) {
      if (!EngineError.is(error) || error.code !== 'permission_denied') throw error
    }
  }

  #refuseClosed(): void {
    if (this.#closed !== undefined) throw new EngineError('unavailable', 'the engine is closed')
  }

  #bridge(id: string): BridgeNetwork {
    const known = this.#bridges.get(id)
    if (known !== undefined) return known
    const bridge = new BridgeNetwork(id, this.#parts, this.#closing.signal)
    this.#bridges.set(id, bridge)
    return bridge
  }

  /** An address on a bridge that is up. */
  async #allocate(
    container: Pick<ConnectRequest, 'containerId' | 'containerName'>,
    request: EndpointRequest,
    interfaceName: string,
    signal: AbortSignal
  ): Promise<Endpoint> {
    const bridge = this.#bridge(request.networkId)
    for (let attempt = 1; ; attempt += 1) {
      if (bridge.ready === undefined) await untilAborted(bridge.bringUp(), signal)
      const { names, address, macAddress, priority = 0 } = request
      const { containerId, containerName } = container
      const endpoint = await this.#parts.store.allocate(request.networkId, {
        containerId,
        containerName,
        names,
        address,
        macAddress,
        priority,
        interfaceName
      })
      if (endpoint !== undefined) return endpoint
      if (attempt === attempts) {
        throw new EngineError('unavailable', 'the network was taken down again and again while a container was to be connected')
      }
      bridge.missed()
    }
  }

  async #plugIn(containerId: string, endpoints: readonly Endpoint[], signal: AbortSignal): Promise<Sandbox> {
    const { host } = this.#parts
    const out = wayOut(endpoints)
    const namespaceFd = await host.network.createNamespace({ interfaces: endpoints.map(endpoint => this.#interfaceOf(endpoint, out)) })
    const sandbox: Sandbox = {
      namespacePath: `/proc/${process.pid}/fd/${namespaceFd}`,
      endpoints,
      release: once(() => host.closeFd(namespaceFd))
    }
    if (signal.aborted) {
      sandbox.release()
      throw signal.reason
    }
    if (endpoints.length > 0) this.#endpoints.set(containerId, endpoints)
    return sandbox
  }

  #interfaceOf(endpoint: Endpoint, out: Endpoint | undefined): NamespaceInterface {
    const { hostInterface, interfaceName, macAddress, address, prefixLength, gateway, networkId } = endpoint
    const network = this.#bridge(networkId).ready ?? this.#parts.store.get(networkId)
    return {
      hostName: hostInterface,
      bridge: network?.bridge ?? '',
      name: interfaceName,
      macAddress,
      address,
      prefixLength,
      ...(endpoint === out && { gateway }),
      ...(network !== undefined && isIsolated(network) && { isolated: true })
    }
  }

  #recorded(containerId: string): Endpoint[] {
    return this.#parts.store
      .endpoints()
      .filter(stored => stored.containerId === containerId)
      .map(({ endpoint }) => endpoint)
  }

  /** Both halves are tried. Resolves to what went wrong. */
  async #takeBack(endpoints: readonly Endpoint[]): Promise<readonly unknown[]> {
    const { host, store } = this.#parts
    // A place in the host's network or in none has nothing on the host.
    const plugged = endpoints.filter(({ hostInterface }) => hostInterface !== '')
    const links = plugged.map(({ hostInterface }) => host.network.removeLink(hostInterface))
    const results = await Promise.allSettled([...links, store.release(plugged)])
    return results.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
  }
}

function isIsolated({ options }: StoredNetwork): boolean {
  return Object.keys(options).length > 0 && !bridgeSettings(options).communication
}

/** One more than the highest: a name that was given up is not used again while others are there. */
function nextInterface(present: readonly Endpoint[]): string {
  const numbers = present.map(({ interfaceName }) => Number(interfaceName.slice('eth'.length)))
  return `eth${Math.max(-1, ...numbers) + 1}`
}

/** ENODEV: the bridge is not there. EEXIST: the interface's random name is taken. */
function worthAnotherTry(error: unknown): boolean {
  const errno = errnoOf(error)
  return errno === 'ENODEV' || errno === 'EEXIST'
}

/** A failed clean-up goes along with the error it followed on. */
function withFailures(error: unknown, failures: readonly unknown[]): unknown {
  if (failures.length === 0 || !EngineError.is(error)) return error
  return new EngineError(error.code, error.message, { cause: error, details: { ...error.details, cleanUp: failures.map(String) } })
}

function checkMacAddress(address: string | undefined): void {
  if (address === undefined || /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(address)) return
  throw new EngineError('failed', `address ${address}: invalid MAC address`, { details: { macAddress: address } })
}
