import type { HealthConfig } from '../../api/index.js'
import { checkCommand, checkCount, checkDuration, checkKeys, optional, wrongSetting } from '../checks.js'
import type { HealthOptions } from './image.js'

/** A health check in the Engine API's spelling, checked. */
export function healthConfig(test: unknown, options: HealthOptions): HealthConfig {
  const given = checkKeys('health', options, ['interval', 'timeout', 'retries', 'startPeriod'])
  if (test === 'none') return { Test: ['NONE'] }
  const command = checkCommand('health', test)
  if (command.length === 0) throw wrongSetting('health', "a command as a list of words, or 'none'", test)
  const nanoseconds = (name: 'interval' | 'timeout' | 'startPeriod'): number | undefined => {
    const ms = optional(checkDuration, `health.${name}`, given[name])
    return ms === undefined ? undefined : Math.round(ms * 1e6)
  }
  const [interval, timeout, startPeriod] = [nanoseconds('interval'), nanoseconds('timeout'), nanoseconds('startPeriod')]
  const retries = optional(checkCount, 'health.retries', given.retries)
  return {
    Test: ['CMD', ...command],
    ...(interval !== undefined && { Interval: interval }),
    ...(timeout !== undefined && { Timeout: timeout }),
    ...(startPeriod !== undefined && { StartPeriod: startPeriod }),
    ...(retries !== undefined && { Retries: retries })
  }
}
