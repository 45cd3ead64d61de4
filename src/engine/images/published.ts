import type { PortBinding } from '../../api/index.js'
import { checkKeys, checkObject, checkPort, checkString, optional } from '../checks.js'

type Ports = Readonly<Record<string, readonly PortBinding[]>>

/** Ports with further ones, published on ports of the host that are named. */
export function addPublished(ports: Ports, map: unknown, options: unknown): Ports {
  const given = checkKeys('publish', options, ['address'])
  const address = optional(checkString, 'publish.address', given.address)
  const all: Record<string, readonly PortBinding[]> = { ...ports }
  for (const [hostPort, containerPort] of Object.entries(checkObject('publish', map))) {
    checkPort('publish', hostPort)
    const port = checkPort(`publish[${hostPort}]`, containerPort)
    // One port of the container may be published on several of the host; one that was to be any free one is that no more.
    const before = (all[port] ?? []).filter(binding => binding.HostPort !== '')
    all[port] = [...before, { HostPort: hostPort, ...(address !== undefined && { HostIp: address }) }]
  }
  return all
}
