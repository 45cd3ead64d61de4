import { readFileSync } from 'node:fs'
import type { HostNetwork } from '../../host/host-network.js'
import type { Endpoint, StoredEndpoint } from '../network-record.js'
import type { NameSource } from './answers.js'
import type { NameServer } from './name-server.js'

/** The address of a container's name server, as in Docker. */
export const nameServerAddress = '127.0.0.11'
const namePort = 53

/** Where nobody else is named. */
const fallbackServers: readonly string[] = ['8.8.8.8', '8.8.4.4']

/** A container that is to be served. */
export interface NameServiceRequest {
  readonly containerId: string
  readonly namespacePath: string
  /** Whom to ask outside. Empty: the host's own servers. */
  readonly servers: readonly string[]
  /** See `NameServerOptions.keepsWords`. */
  readonly keepsWords: boolean
}

export interface NameServiceOptions {
  readonly network: HostNetwork
  readonly endpoints: () => readonly StoredEndpoint[]
}

/**
 * The name servers of this process's containers. Each has sockets of its container's namespace, at free ports; rules in that namespace lead
 * port 53 there, which stays free for the container's own server.
 */
export class NameService {
  readonly #options: NameServiceOptions
  readonly #servers = new Map<string, Promise<NameServer>>()

  constructor(options: NameServiceOptions) {
    this.#options = options
  }

  /** Serve a container. One that is served already is left alone; the rules of a server that is gone are replaced. */
  async open(request: NameServiceRequest): Promise<void> {
    const { containerId } = request
    const opening = this.#servers.get(containerId) ?? this.#open(request)
    this.#servers.set(containerId, opening)
    try {
      await opening
    } catch (error) {
      if (this.#servers.get(containerId) === opening) this.#servers.delete(containerId)
      throw error
    }
  }

  async #open({ containerId, namespacePath, servers, keepsWords }: NameServiceRequest): Promise<NameServer> {
    const { network } = this.#options
    // Loaded for the first container that needs it.
    const { NameServer } = await import('./name-server.js')
    const sockets = await network.openService(namespacePath, { address: nameServerAddress, port: namePort, table: 'gantry_names' })
    const own = () => this.#options.endpoints().filter(stored => stored.containerId === containerId)
    return new NameServer({
      ...sockets,
      names: namesFor(own, this.#options.endpoints),
      upstream: () => (own().some(({ endpoint }) => !endpoint.internal) ? (servers.length > 0 ? servers : hostServers()) : []),
      keepsWords
    })
  }

  /** Idempotent. */
  async close(containerId: string): Promise<void> {
    const opening = this.#servers.get(containerId)
    this.#servers.delete(containerId)
    const server = await opening?.catch(() => undefined)
    await server?.close()
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#servers.keys()].map(id => this.close(id)))
  }
}

/** Names are looked up in the records, whichever process runs the container: in the container's networks, one after the other. */
export function namesFor(own: () => readonly StoredEndpoint[], all: () => readonly StoredEndpoint[]): NameSource {
  const neighbours = (): readonly (readonly StoredEndpoint[])[] => {
    const everybody = all()
    return own()
      .filter(({ names }) => names.length > 0)
      .sort((a, b) => compare(a.endpoint, b.endpoint))
      .map(({ endpoint }) => everybody.filter(stored => stored.endpoint.networkId === endpoint.networkId))
  }
  return {
    addressesOf(name) {
      for (const members of neighbours()) {
        const found = members.filter(({ names, endpoint }) =>
          names.some(known => known.toLowerCase() === name || `${known}.${endpoint.networkName}`.toLowerCase() === name)
        )
        if (found.length > 0) return found.map(({ endpoint }) => endpoint.address)
      }
      return undefined
    },
    nameOf(address) {
      for (const members of neighbours()) {
        const found = members.find(({ endpoint }) => endpoint.address === address)
        if (found !== undefined) return `${found.containerName}.${found.endpoint.networkName}`
      }
      return undefined
    }
  }
}

function compare(a: Endpoint, b: Endpoint): number {
  return a.interfaceName < b.interfaceName ? -1 : 1
}

/** Asked from this host: servers on its loopback are as good as others. */
function hostServers(): readonly string[] {
  try {
    const servers = [...readFileSync('/etc/resolv.conf', 'utf8').matchAll(/^\s*nameserver\s+(\S+)/gm)].flatMap(([, server]) => server ?? [])
    return servers.length > 0 ? servers : fallbackServers
  } catch {
    return fallbackServers
  }
}
