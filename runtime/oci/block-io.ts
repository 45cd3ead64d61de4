import type { HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { type HostDevice, hostDevices } from '../host/host-devices.js'
import type { SpecBlockIo } from './runtime-spec.js'

/**
 * Weights and limits of a container's block devices. Undefined where none is asked for.
 *
 * @throws EngineError `failed` for a device that is not there, as in Docker
 */
export function blockIoOf(hostConfig: HostConfig): SpecBlockIo | undefined {
  const { BlkioWeight: weight = 0 } = hostConfig
  const weights = (hostConfig.BlkioWeightDevice ?? []).map(({ Path = '', Weight = 0 }) => ({ ...numbers(Path), weight: Weight }))
  const limits = (field: ThrottleField) => (hostConfig[field] ?? []).map(({ Path = '', Rate = 0 }) => ({ ...numbers(Path), rate: Rate }))
  const all = {
    throttleReadBpsDevice: limits('BlkioDeviceReadBps'),
    throttleWriteBpsDevice: limits('BlkioDeviceWriteBps'),
    throttleReadIOPSDevice: limits('BlkioDeviceReadIOps'),
    throttleWriteIOPSDevice: limits('BlkioDeviceWriteIOps'),
    weightDevice: weights
  }
  const asked = Object.fromEntries(Object.entries(all).filter(([, list]) => list.length > 0))
  if (weight === 0 && Object.keys(asked).length === 0) return undefined
  return { ...(weight > 0 && { weight }), ...asked }
}

type ThrottleField = 'BlkioDeviceReadBps' | 'BlkioDeviceWriteBps' | 'BlkioDeviceReadIOps' | 'BlkioDeviceWriteIOps'

function numbers(path: string): Pick<HostDevice, 'major' | 'minor'> {
  const [device] = hostDevices(path)
  if (device === undefined) throw new EngineError('failed', `${path}: no such device`, { details: { path } })
  return { major: device.major, minor: device.minor }
}
