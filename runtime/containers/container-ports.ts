import { isIP } from 'node:net'
import type { ContainerConfig, HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import type { PortRequest } from '../networks/network-manager.js'
import type { PortProtocol } from '../networks/network-record.js'

/** A port of a container, as `80/tcp` names it. */
export interface ContainerPort {
  readonly port: number
  readonly protocol: PortProtocol
}

const protocols: readonly string[] = ['tcp', 'udp', 'sctp']
const lastPort = 65_535

/** Every port that a container's configuration names, exposed or published, in Docker's order of keys. */
export function exposedPorts(config: ContainerConfig, hostConfig: HostConfig): readonly string[] {
  const keys = new Set([...Object.keys(config.ExposedPorts ?? {}), ...Object.keys(hostConfig.PortBindings ?? {})])
  return [...keys].map(key => portKey(parsePort(key))).sort()
}

/**
 * What a container publishes.
 *
 * @throws EngineError `invalid_argument` in Docker's words for what is no port
 */
export function portRequests(config: ContainerConfig, hostConfig: HostConfig): readonly PortRequest[] {
  const bindings = new Map(Object.entries(hostConfig.PortBindings ?? {}).map(([key, list]) => [portKey(parsePort(key)), list ?? []]))
  return exposedPorts(config, hostConfig).flatMap(key => {
    const { port, protocol } = parsePort(key)
    const asked = bindings.get(key) ?? []
    const published = asked.length === 0 && (hostConfig.PublishAllPorts ?? false) ? [{}] : asked
    return published.map(({ HostIp = '', HostPort = '' }): PortRequest => {
      const hostPorts = parseRange(HostPort)
      return { protocol, containerPort: port, ...hostAddress(HostIp), ...(hostPorts !== undefined && { hostPorts }) }
    })
  })
}

/** @throws EngineError `invalid_argument` */
export function parsePort(key: string): ContainerPort {
  const [number = '', protocol = 'tcp', ...rest] = key.split('/')
  const port = toPort(number)
  const kind = protocol.toLowerCase()
  if (port === undefined || port === 0) throw invalidPort(number)
  if (rest.length > 0 || !isProtocol(kind)) throw invalidPort(key)
  return { port, protocol: kind }
}

export function portKey({ port, protocol }: ContainerPort): string {
  return `${port}/${protocol}`
}

function isProtocol(text: string): text is PortProtocol {
  return protocols.includes(text)
}

/** Nothing and 0 ask for a free one. */
function parseRange(text: string): { readonly first: number; readonly last: number } | undefined {
  if (text === '' || text === '0') return undefined
  const [first, last = first, ...rest] = text.split('-').map(toPort)
  if (first === undefined || last === undefined || rest.length > 0 || first === 0 || last < first) throw invalidPort(text)
  return { first, last }
}

function toPort(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= lastPort ? Number(text) : undefined
}

function hostAddress(text: string): { readonly hostAddress?: string } {
  const address = text.replace(/^\[(.*)\]$/, '$1')
  if (address === '') return {}
  if (isIP(address) === 0) {
    throw new EngineError('invalid_argument', `invalid host IP address: ${JSON.stringify(text)}`, { details: { hostIp: text } })
  }
  return { hostAddress: address }
}

function invalidPort(text: string): EngineError {
  return new EngineError('invalid_argument', `invalid port specification: ${JSON.stringify(text)}`, { details: { port: text } })
}
