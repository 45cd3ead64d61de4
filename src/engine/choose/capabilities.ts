import type { SystemInfoResponse } from '../../api/index.js'
import type { Transport } from '../../transport/transport.js'
import type { Capabilities } from '../engine.js'

/**
 * What can be done with an engine through this API. What this API has no calls for yet (builds, forks, services, networks with IPv6) is
 * false whatever the engine could do.
 */
export function capabilitiesOf(info: SystemInfoResponse, transport: Pick<Transport, 'isGantry'>): Capabilities {
  return Object.freeze({
    fork: false,
    build: false,
    swarm: false,
    rootless: info.SecurityOptions?.some(option => option.includes('rootless')) ?? false,
    limits: Boolean(info.MemoryLimit && (info.CpuCfsQuota ?? true) && (info.PidsLimit ?? true)),
    networks: Object.freeze([...(info.Plugins?.Network ?? [])]),
    ipv6: false,
    trust: transport.isGantry ?? false
  })
}
