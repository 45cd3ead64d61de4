import type { ContainerConfig, HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'

/**
 * Refuse what makes no sense on another container's network, or the host's: it comes with that network, names and ports included.
 *
 * @throws EngineError `invalid_argument` in Docker's words
 */
export function refuseConflicts(config: ContainerConfig, hostConfig: HostConfig): void {
  const mode = hostConfig.NetworkMode ?? ''
  if (mode === 'host' && config.MacAddress) throw conflict('mac-address and the network mode', mode)
  if (!mode.startsWith('container:')) return
  const [what] = conflictsOf(config, hostConfig)
  if (what === undefined) return
  throw conflict(what, mode)
}

function conflict(what: string, mode: string): EngineError {
  return new EngineError('invalid_argument', `conflicting options: ${what}`, { details: { mode } })
}

function conflictsOf(config: ContainerConfig, hostConfig: HostConfig): readonly string[] {
  const isFull = (value: object | null | undefined) => Object.keys(value ?? {}).length > 0
  return [
    ...(config.Hostname ? ['hostname and the network mode'] : []),
    ...(isFull(hostConfig.Links) ? ['container type network cannot be used with links. This would result in undefined behavior'] : []),
    ...(isFull(hostConfig.Dns) ? ['dns and the network mode'] : []),
    ...(isFull(hostConfig.ExtraHosts) ? ['custom host-to-IP mapping and the network mode'] : []),
    ...(config.MacAddress ? ['mac-address and the network mode'] : []),
    ...(isFull(hostConfig.PortBindings) || hostConfig.PublishAllPorts ? ['port publishing and the container type network mode'] : []),
    ...(isFull(config.ExposedPorts) ? ['port exposing and the container type network mode'] : [])
  ]
}
