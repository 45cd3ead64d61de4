import type { ContainerInspectResponse, PortBinding } from '../../api/index.js'
import { EngineError } from '../../errors/index.js'
import type { Transport } from '../../transport/transport.js'
import { checkPort } from '../checks.js'

/** Ports by container port (`80/tcp`), as the Engine API tells them. */
export type PublishedPorts = ContainerInspectResponse['NetworkSettings']['Ports']

/** Where a port is reached. */
export interface PublishedPort {
  readonly host: string
  readonly port: number
}

/**
 * Where a container's port is reached from here.
 *
 * @throws EngineError `not_found` where it is not published
 */
export function publishedPort(
  container: { readonly name: string; readonly ports: PublishedPorts | undefined },
  transport: Transport,
  spec: unknown
): PublishedPort {
  const key = checkPort('port', spec)
  const bindings = (container.ports?.[key] ?? []).filter(({ HostPort }) => Number(HostPort) > 0)
  // IPv4 first: what listens on both is bound twice, at times on two numbers, and host names may lead to either.
  const binding = bindings.find(({ HostIp = '' }) => !HostIp.includes(':')) ?? bindings[0]
  if (binding === undefined) {
    const published = Object.entries(container.ports ?? {}).filter(([, at]) => at?.length)
    const known = published.length === 0 ? 'It has no published ports' : `Published are ${published.map(([port]) => port).join(', ')}`
    throw new EngineError(
      'not_found',
      container.ports === undefined
        ? `The published ports of container ${container.name} are not known yet: call inspect() or state() first`
        : `Container ${container.name} does not publish ${key}, or does not run. ${known}`,
      { details: { port: key } }
    )
  }
  return { host: addressOf(binding, transport), port: Number(binding.HostPort) }
}

/** Where an engine's published ports are reached. */
export function hostOf(transport: Pick<Transport, 'kind' | 'endpoint'>): string {
  if (transport.kind !== 'tcp' && transport.kind !== 'ssh') return '127.0.0.1'
  return new URL(transport.endpoint).hostname
}

function addressOf({ HostIp = '' }: PortBinding, transport: Transport): string {
  const isEverywhere = HostIp === '' || HostIp === '0.0.0.0' || HostIp === '::'
  if (isEverywhere || transport.kind === 'tcp' || transport.kind === 'ssh') return hostOf(transport)
  return HostIp.includes(':') ? `[${HostIp}]` : HostIp
}
