import type { SpecDeviceRule } from './runtime-spec.js'

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
