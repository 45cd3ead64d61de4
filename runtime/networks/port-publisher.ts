import { EngineError } from '../../src/errors/engine-error.js'
import { Unwind } from '../../src/util/unwind.js'
import { isAlive, type ProcessIdentity } from '../host/process-identity.js'
import type { MetadataStore } from '../metadata/metadata-store.js'
import type { PortRequest, PublishRequest } from './network-manager.js'
import type { PublishedPort, StoredPort } from './network-record.js'
import { portKey } from './port-elements.js'
import { openDatagramRelay, openStreamRelay, type PortRelay } from './port-relay.js'
import type { RuleBook } from './rule-book.js'

export interface PortPublisherOptions {
  readonly metadata: MetadataStore
  readonly rules: RuleBook
  readonly owner: ProcessIdentity
  /** Whether IPv6, where containers have no addresses, is carried over by hand: Docker's userland proxy. @default true */
  readonly relaysIpv6?: boolean
}

/** How often another free port is tried: one that is free for IPv4 may be taken for IPv6. */
const freePortAttempts = 16
const anyIpv4 = '0.0.0.0'
const anyIpv6 = '::'

/**
 * Ports of the host that lead to containers: a record that all processes of the data root see, a socket that holds the port against
 * everybody else on the machine, and rules that lead packets to the container, which also work while no engine lives.
 */
export class PortPublisher {
  readonly #options: PortPublisherOptions
  readonly #held = new Map<string, PortRelay[]>()

  constructor(options: PortPublisherOptions) {
    this.#options = options
  }

  /** All ports of a container, or none. */
  async publish(request: PublishRequest, defaultAddress: string): Promise<readonly PublishedPort[]> {
    if (request.ports.length === 0) return []
    const unwind = new Unwind()
    unwind.add(() => this.release(request.containerId))
    try {
      const rows: StoredPort[] = []
      for (const port of request.ports) rows.push(...(await this.#publishOne(request, port, defaultAddress)))
      await this.#options.rules.change(rows.map(port => ({ action: 'add', port })))
      unwind.commit()
      return rows.map(({ protocol, containerPort, hostAddress, hostPort }) => ({ protocol, containerPort, hostAddress, hostPort }))
    } catch (error) {
      await unwind.run()
      throw error
    }
  }

  /** Let go of a container's ports, also those that a dead process published. Idempotent. */
  async release(containerId: string): Promise<void> {
    const held = this.#held.get(containerId)
    this.#held.delete(containerId)
    await Promise.all((held ?? []).map(relay => relay.close()))
    await this.#forget(port => port.containerId === containerId)
  }

  /** Hold the ports of a container that another process published and that is gone: the rules are there, the sockets are not. */
  async adopt(containerId: string): Promise<void> {
    const { metadata, owner } = this.#options
    const rows = metadata.list<StoredPort>('ports').filter(({ value }) => value.containerId === containerId)
    for (const { value } of rows) {
      // Somebody else may have it by now: then the rules alone have to do.
      const relay = await openRelay(value).catch(() => undefined)
      if (relay !== undefined) this.#hold(containerId, relay)
    }
    if (rows.length === 0) return
    await metadata.transaction(transaction => {
      for (const { key, value } of rows) transaction.put('ports', key, { ...value, owner })
    })
  }

  /** Forget ports whose owner is dead and whose container is in no network. */
  sweep(connected: ReadonlySet<string>): Promise<void> {
    return this.#forget(({ owner, containerId }) => !connected.has(containerId) && !isAlive(owner))
  }

  /** Let go of the sockets; what containers that go on have published stays in the records and the rules. */
  async close(): Promise<void> {
    const all = [...this.#held.values()].flat()
    this.#held.clear()
    await Promise.all(all.map(relay => relay.close()))
  }

  async #forget(isGone: (port: StoredPort) => boolean): Promise<void> {
    const { metadata, rules } = this.#options
    if (!metadata.list<StoredPort>('ports').some(({ value }) => isGone(value))) return
    const removed = await metadata.transaction(transaction => {
      const rows = transaction.list<StoredPort>('ports').filter(({ value }) => isGone(value))
      for (const { key } of rows) transaction.remove('ports', key)
      return rows.map(({ value }) => value)
    })
    await rules.change(removed.map(port => ({ action: 'delete', port })))
  }

  async #publishOne(request: PublishRequest, port: PortRequest, defaultAddress: string): Promise<readonly StoredPort[]> {
    const { relaysIpv6 = true } = this.#options
    const everywhere = relaysIpv6 ? [anyIpv4, anyIpv6] : [anyIpv4]
    const addresses = port.hostAddress !== undefined ? [port.hostAddress] : defaultAddress === anyIpv4 ? everywhere : [defaultAddress]
    if (!relaysIpv6 && addresses.some(address => address.includes(':'))) {
      throw failure(request, `publishing on ${addresses.join(', ')} takes the userland proxy, which is turned off`, {})
    }
    const { hostPorts } = port
    if (hostPorts !== undefined && hostPorts.first === hostPorts.last) return this.#claim(request, port, addresses, hostPorts.first)
    const last = hostPorts?.last ?? freePortAttempts
    for (let next = hostPorts?.first ?? 1; ; next += 1) {
      try {
        return await this.#claim(request, port, addresses, hostPorts === undefined ? 0 : next)
      } catch (error) {
        if (next >= last || !EngineError.is(error) || error.details.inUse !== true) throw error
      }
    }
  }

  async #claim(request: PublishRequest, port: PortRequest, addresses: readonly string[], hostPort: number): Promise<readonly StoredPort[]> {
    const { metadata, owner } = this.#options
    const { protocol, containerPort } = port
    const { containerId, endpoint } = request
    const relays: PortRelay[] = []
    const rows: StoredPort[] = []
    const common = { protocol, containerPort, containerId, address: endpoint.address, owner }
    try {
      let chosen = hostPort
      for (const hostAddress of addresses) {
        if (chosen !== 0) refuseAllocated(request, metadata.list<StoredPort>('ports'), { ...common, hostAddress, hostPort: chosen })
        const relay = await openRelay({ ...common, hostAddress, hostPort: chosen }).catch(error => {
          // A host without IPv6: there is nothing to publish on.
          if (addresses.length > 1 && hostAddress === anyIpv6 && isWithoutIpv6(error)) return 'none' as const
          throw bindFailure(request, { protocol, hostAddress, hostPort: chosen }, error)
        })
        if (relay === 'none') continue
        if (relay !== undefined) relays.push(relay)
        chosen = relay?.port ?? chosen
        rows.push({ ...common, hostAddress, hostPort: chosen })
      }
      await metadata.transaction(transaction => {
        for (const row of rows) refuseAllocated(request, transaction.list<StoredPort>('ports'), row)
        for (const row of rows) transaction.put('ports', portKey(row), row)
      })
    } catch (error) {
      await Promise.all(relays.map(relay => relay.close()))
      throw error
    }
    for (const relay of relays) this.#hold(containerId, relay)
    return rows
  }

  #hold(containerId: string, relay: PortRelay): void {
    this.#held.set(containerId, [...(this.#held.get(containerId) ?? []), relay])
  }
}

/** Undefined for SCTP, which Node has no sockets for: there the records have to do. */
async function openRelay({ protocol, hostAddress, hostPort, address, containerPort }: StoredPort): Promise<PortRelay | undefined> {
  const options = { hostAddress, hostPort, target: { address, port: containerPort } }
  switch (protocol) {
    case 'tcp':
      return openStreamRelay(options)
    case 'udp':
      return openDatagramRelay(options)
    case 'sctp':
      if (hostPort === 0) throw new EngineError('not_implemented', 'a free host port for SCTP: name the port to publish it on')
      return undefined
  }
}

function refuseAllocated(request: PublishRequest, rows: readonly { readonly value: StoredPort }[], port: StoredPort): void {
  const holder = rows.find(
    ({ value }) => value.protocol === port.protocol && value.hostPort === port.hostPort && overlap(value.hostAddress, port.hostAddress)
  )?.value
  if (holder === undefined) return
  const message = `Bind for ${port.hostAddress}:${port.hostPort} failed: port is already allocated`
  throw failure(request, message, { hostPort: port.hostPort, holder: holder.containerId, isOrphan: !isAlive(holder.owner) })
}

function overlap(a: string, b: string): boolean {
  return a.includes(':') === b.includes(':') && (a === b || [a, b].some(address => address === anyIpv4 || address === anyIpv6))
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EACCES: 'permission denied'
}

function bindFailure(request: PublishRequest, port: Pick<StoredPort, 'protocol' | 'hostAddress' | 'hostPort'>, cause: unknown): unknown {
  const code = codeOf(cause)
  const reason = reasons[code ?? '']
  if (reason === undefined) return cause
  const isIpv6 = port.hostAddress.includes(':')
  const at = `${isIpv6 ? `[${port.hostAddress}]` : port.hostAddress}:${port.hostPort}`
  const message = `Error starting userland proxy: listen ${port.protocol}${isIpv6 ? '6' : '4'} ${at}: bind: ${reason}`
  return failure(request, message, { hostPort: port.hostPort, errno: code }, cause)
}

/** In Docker's words. */
function failure(
  { containerName, endpoint }: PublishRequest,
  message: string,
  details: Readonly<Record<string, unknown>>,
  cause?: unknown
): EngineError {
  const where = `driver failed programming external connectivity on endpoint ${containerName} (${endpoint.endpointId})`
  const inUse = details.errno === undefined || details.errno === 'EADDRINUSE'
  return new EngineError('failed', `${where}: ${message}`, { details: { ...details, inUse }, ...(cause !== undefined && { cause }) })
}

function isWithoutIpv6(error: unknown): boolean {
  return ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'].includes(codeOf(error) ?? '')
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
