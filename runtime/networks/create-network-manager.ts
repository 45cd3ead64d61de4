import { randomBytes } from 'node:crypto'
import { EngineError } from '../../src/errors/engine-error.js'
import { once } from '../../src/util/once.js'
import type { Host } from '../host/host.js'
import type { HostNetwork } from '../host/host-network.js'
import { currentProcess } from '../host/process-identity.js'
import { errnoOf } from '../host/system-call-error.js'
import type { MetadataStore } from '../metadata/metadata-store.js'
import { DefaultBridge } from './default-bridge.js'
import type { ConnectRequest, Endpoint, NetworkManager, NetworkRecord, Sandbox } from './network-manager.js'
import { NetworkStore } from './network-store.js'
import { untilAborted } from './until-aborted.js'

export interface NetworkManagerOptions {
  readonly host: Pick<Host, 'lock' | 'closeFd'> & { readonly network: HostNetwork }
  readonly metadata: MetadataStore
  /** Tells this data root's bridge and rules from those of others: eight hexadecimal digits, '' for the default root. */
  readonly tag: string
  /** A file all processes of this data root lock to bring the bridge up or down. */
  readonly lockPath: string
}

/** The name of the interface in the container, as in Docker. */
const interfaceName = 'eth0'

/** A bridge that went away, or a random name that was taken: once or twice is bad luck, more is something else. */
const attempts = 3

/**
 * Networking on this host: a bridge per data root, made when it is first needed, with addresses recorded in the metadata
 * store so that several processes can share it. What dead processes left is forgotten first.
 */
export async function createNetworkManager(options: NetworkManagerOptions): Promise<NetworkManager> {
  const { host, metadata, tag, lockPath } = options
  const store = new NetworkStore(metadata, { id: randomBytes(8).toString('hex'), process: currentProcess() })
  const bridge = new DefaultBridge({
    host,
    store,
    lockPath,
    bridge: tag === '' ? 'gantry0' : `gty${tag}`,
    table: `gantry_${tag === '' ? 'default' : tag}`
  })
  await bridge.sweep({ patient: false })
  return new BridgeNetworkManager(host, store, bridge)
}

class BridgeNetworkManager implements NetworkManager {
  readonly #host: NetworkManagerOptions['host']
  readonly #store: NetworkStore
  readonly #bridge: DefaultBridge
  readonly #endpoints = new Map<string, Endpoint>()
  readonly #closing = new AbortController()
  #up: Promise<void> | undefined
  /** `#up` once it has resolved: then nobody needs to wait for it. */
  #ready: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(host: NetworkManagerOptions['host'], store: NetworkStore, bridge: DefaultBridge) {
    this.#host = host
    this.#store = store
    this.#bridge = bridge
  }

  async connect(request: ConnectRequest, { signal }: { readonly signal: AbortSignal }): Promise<Sandbox> {
    signal.throwIfAborted()
    if (this.#closed !== undefined) throw new EngineError('unavailable', 'the engine is closed')
    checkMacAddress(request.macAddress)
    if (request.network === 'none') return this.#sandbox(await this.#host.network.createNamespace({}))
    if (this.#endpoints.has(request.containerId)) {
      throw new EngineError('conflict', `container ${request.containerId} is connected to the network already`)
    }
    for (let attempt = 1; ; attempt += 1) {
      const up = this.#bringUp()
      if (this.#ready !== up) await untilAborted(up, signal)
      const endpoint = await this.#store.allocate({ containerId: request.containerId, macAddress: request.macAddress })
      if (endpoint !== undefined) {
        try {
          return await this.#plugIn(request.containerId, endpoint, signal)
        } catch (error) {
          const failures = await this.#takeBack([endpoint])
          if (!worthAnotherTry(error) || signal.aborted || attempt === attempts) throw withFailures(error, failures)
        }
      } else if (attempt === attempts) {
        throw new EngineError('unavailable', 'the default network was taken down again and again while a container was to be connected')
      }
      // Somebody took the bridge away, or it was a reboot: whoever notices first brings it up again for all.
      if (this.#up === up) this.#up = undefined
    }
  }

  async disconnect(containerId: string): Promise<void> {
    const own = this.#endpoints.get(containerId)
    this.#endpoints.delete(containerId)
    // A stranger's endpoint: of a process that was killed, or of a container that outlived its process.
    const [failure] = await this.#takeBack(own === undefined ? this.#recorded(containerId) : [own])
    if (failure !== undefined) throw failure
  }

  async defaultNetwork(): Promise<NetworkRecord | undefined> {
    const network = this.#store.network()
    if (network === undefined) return undefined
    const { id, name, bridge, subnet, gateway, createdAt } = network
    return { id, name, bridge, subnet, gateway, createdAt }
  }

  sweep(): Promise<void> {
    return this.#bridge.sweep({ patient: true })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort(new EngineError('unavailable', 'the engine is closed'))
    await this.#up?.catch(() => undefined)
    await this.#bridge.letGo(new AbortController().signal)
  }

  /** Once for all callers; a failure is not remembered. */
  #bringUp(): Promise<void> {
    if (this.#up === undefined) {
      const up = this.#bridge.bringUp(this.#closing.signal)
      this.#up = up
      up.then(
        () => {
          this.#ready = up
        },
        () => {
          if (this.#up === up) this.#up = undefined
        }
      )
    }
    return this.#up
  }

  async #plugIn(containerId: string, endpoint: Endpoint, signal: AbortSignal): Promise<Sandbox> {
    const { hostInterface, macAddress, address, prefixLength, gateway } = endpoint
    const namespaceFd = await this.#host.network.createNamespace({
      interface: { hostName: hostInterface, bridge: this.#bridge.name, name: interfaceName, macAddress, address, prefixLength, gateway }
    })
    const sandbox = this.#sandbox(namespaceFd, endpoint)
    if (signal.aborted) {
      sandbox.release()
      throw signal.reason
    }
    this.#endpoints.set(containerId, endpoint)
    return sandbox
  }

  #sandbox(namespaceFd: number, endpoint?: Endpoint): Sandbox {
    return {
      namespacePath: `/proc/${process.pid}/fd/${namespaceFd}`,
      ...(endpoint === undefined ? {} : { endpoint }),
      release: once(() => this.#host.closeFd(namespaceFd))
    }
  }

  #recorded(containerId: string): Endpoint[] {
    return this.#store
      .endpoints()
      .filter(stored => stored.containerId === containerId)
      .map(({ endpoint }) => endpoint)
  }

  /** Both halves are tried. Resolves to what went wrong. */
  async #takeBack(endpoints: readonly Endpoint[]): Promise<readonly unknown[]> {
    const links = endpoints.map(({ hostInterface }) => this.#host.network.removeLink(hostInterface))
    const results = await Promise.allSettled([...links, this.#store.release(endpoints)])
    return results.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
  }
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
  throw new EngineError('invalid_argument', `not a MAC address: '${address}' (expected six hexadecimal pairs, as in 02:42:ac:11:00:02)`)
}
