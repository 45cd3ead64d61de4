import { existsSync } from 'node:fs'
import type { HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { type HostDevice, hostDevices } from '../host/host-devices.js'
import type { SpecDevice, SpecDeviceRule } from './runtime-spec.js'

/** What a container may do with devices, as in Docker: make any node, use the harmless ones. */
export const defaultDeviceRules: readonly SpecDeviceRule[] = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  character(1, 3), // null
  character(1, 5), // zero
  character(1, 7), // full
  character(1, 8), // random
  character(1, 9), // urandom
  character(5, 0), // tty
  character(5, 1), // console
  character(5, 2), // ptmx
  { allow: true, type: 'c', major: 136, access: 'rwm' } // pts/*
]

/** A privileged container may use every device. */
export const allDevicesRule: SpecDeviceRule = { allow: true, access: 'rwm' }

function character(major: number, minor: number): SpecDeviceRule {
  return { allow: true, type: 'c', major, minor, access: 'rwm' }
}

/** Devices of a container beside the ones that every container has, and what it may do with them. */
export interface Devices {
  readonly nodes: readonly SpecDevice[]
  readonly rules: readonly SpecDeviceRule[]
}

/**
 * What `HostConfig.Devices` and `DeviceCgroupRules` ask for. A privileged container has all of the host's.
 *
 * @throws EngineError `failed` in Docker's words for what is no device, or no rule; `invalid_argument` for a mode that there is not
 */
export function devicesOf(hostConfig: HostConfig): Devices {
  refuseRequests(hostConfig)
  const rules = (hostConfig.DeviceCgroupRules ?? []).map(deviceRule)
  if (hostConfig.Privileged)
    return { nodes: hostDevices('/dev').map(device => node(device, device.path)), rules: [allDevicesRule, ...rules] }
  const asked = (hostConfig.Devices ?? []).map(({ PathOnHost: from = '', PathInContainer: to = '', CgroupPermissions: access = '' }) => {
    if (!/^[rwm]*$/.test(access)) throw invalid('Devices', `invalid device mode: ${access}`)
    const found = hostDevices(from)
    if (found.length === 0) {
      const why = existsSync(from) ? 'not a device node' : 'no such file or directory'
      throw failed('Devices', `error gathering device information while adding custom device ${JSON.stringify(from)}: ${why}`)
    }
    const target = (device: HostDevice) => (to || from) + device.path.slice(from.length)
    return found.map(device => ({ node: node(device, target(device)), rule: rule(device, access || 'rwm') }))
  })
  const all = asked.flat()
  return { nodes: all.map(entry => entry.node), rules: [...defaultDeviceRules, ...all.map(entry => entry.rule), ...rules] }
}

/** There are no drivers here that devices could be asked of. */
function refuseRequests({ DeviceRequests }: HostConfig): void {
  const [request] = DeviceRequests ?? []
  if (request === undefined) return
  const capabilities = (request.Capabilities ?? []).map(list => `[${list.join(' ')}]`).join(' ')
  throw failed(
    'DeviceRequests',
    `could not select device driver ${JSON.stringify(request.Driver ?? '')} with capabilities: [${capabilities}]`
  )
}

function node({ type, major, minor, mode, uid, gid }: HostDevice, path: string): SpecDevice {
  return { path, type, major, minor, fileMode: mode, uid, gid }
}

function rule({ type, major, minor }: HostDevice, access: string): SpecDeviceRule {
  return { allow: true, type, major, minor, access }
}

/** `c 10:200 rwm`, with a star for any number. */
function deviceRule(text: string): SpecDeviceRule {
  const match = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text)
  if (match === null) throw failed('DeviceCgroupRules', `invalid device cgroup rule format: '${text}'`)
  const [, type, major, minor, access = ''] = match
  return {
    allow: true,
    // The pattern allows no other letter.
    type: type as 'a' | 'b' | 'c',
    ...(major !== '*' && { major: Number(major) }),
    ...(minor !== '*' && { minor: Number(minor) }),
    access
  }
}

function invalid(field: string, message: string): EngineError {
  return new EngineError('invalid_argument', message, { details: { field: `HostConfig.${field}` } })
}

function failed(field: string, message: string): EngineError {
  return new EngineError('failed', message, { details: { field: `HostConfig.${field}` } })
}
