import type { HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { capabilitiesOf } from '../oci/capabilities.js'
import { sharedWith } from '../oci/namespaces.js'
import { securityOptions } from '../oci/security-options.js'
import type { ContainerContext } from './container-context.js'

/**
 * Read what decides a container's isolation for what is wrong with it, before there is a container, as Docker does.
 *
 * @throws EngineError `invalid_argument`; `failed` for security options, as in Docker
 */
export function checkIsolation(context: ContainerContext, hostConfig: HostConfig, hostname: string): void {
  securityOptions(hostConfig.SecurityOpt ?? [])
  capabilitiesOf({ privileged: false, add: hostConfig.CapAdd ?? [], drop: hostConfig.CapDrop ?? [] }, context.availableCapabilities)
  if (hostname !== '' && hostConfig.UTSMode === 'host') {
    throw new EngineError('invalid_argument', 'conflicting options: hostname and the UTS mode', { details: { field: 'Hostname' } })
  }
  for (const field of ['PidMode', 'IpcMode'] as const) {
    const donor = sharedWith(hostConfig[field])
    if (donor !== undefined) refuseUnknown(context, field, donor)
  }
}

/** In Docker's words, and with its status: the request is wrong, not its path. */
function refuseUnknown(context: ContainerContext, field: 'PidMode' | 'IpcMode', donor: string): void {
  try {
    context.store.get(donor)
  } catch (cause) {
    if (!EngineError.is(cause) || cause.code !== 'not_found') throw cause
    const details = { field: `HostConfig.${field}`, value: donor }
    throw new EngineError('invalid_argument', `No such container: ${donor}`, { details, cause })
  }
}
