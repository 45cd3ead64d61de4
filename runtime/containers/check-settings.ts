import { isIP } from 'node:net'
import type { ContainerConfig, HostConfig } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { checkHealthSettings } from './health.js'
import { signalNumber } from './signals.js'

const unlimitedPolicies = ['no', 'always', 'unless-stopped']

/**
 * Refuse, in Docker's words, what no container's configuration can say. The image's part of it is not looked at.
 *
 * @throws EngineError `invalid_argument`
 */
export function checkConfig(config: ContainerConfig): void {
  const folder = config.WorkingDir ?? ''
  const signal = config.StopSignal ?? ''
  if (folder !== '' && !folder.startsWith('/')) {
    throw invalid('WorkingDir', `the working directory '${folder}' is invalid, it needs to be an absolute path`)
  }
  if (signal !== '') signalNumber(signal)
  for (const variable of config.Env ?? []) {
    if (variable === '' || variable.startsWith('=')) throw invalid('Env', `invalid environment variable: ${variable}`)
  }
  checkHealthSettings(config.Healthcheck)
}

/**
 * Refuse, in Docker's words, what no container's host configuration can say, apart from limits, ports and what isolates it.
 *
 * @param runtimeName of the one OCI runtime there is
 * @throws EngineError `invalid_argument`; `failed` for an isolation of another system's, as in Docker
 */
export function checkHostConfig(hostConfig: HostConfig, runtimeName: string): void {
  const { AutoRemove: goesAway = false, RestartPolicy: policy, ShmSize: shm = 0, OomScoreAdj: score = 0, Runtime: runtime } = hostConfig
  if (hostConfig.Isolation && hostConfig.Isolation !== 'default') {
    const why = `Invalid isolation: ${JSON.stringify(hostConfig.Isolation)} - linux only supports 'default'`
    throw new EngineError('failed', why, { details: { field: 'HostConfig.Isolation' } })
  }
  const restarts = (policy?.Name ?? '') !== '' && policy?.Name !== 'no'
  if (goesAway && restarts) throw invalid('HostConfig.AutoRemove', "can't create 'AutoRemove' container with restart policy")
  for (const host of hostConfig.ExtraHosts ?? []) checkExtraHost(host)
  checkRestartPolicy(policy)
  if (shm < 0) throw invalid('HostConfig.ShmSize', 'SHM size can not be less than 0')
  if (score < -1000 || score > 1000) {
    throw invalid('HostConfig.OomScoreAdj', `Invalid value ${score}, range for oom score adj is [-1000, 1000]`)
  }
  if (runtime && runtime !== runtimeName) throw invalid('HostConfig.Runtime', `Unknown runtime specified ${runtime}`)
}

/** @throws EngineError `invalid_argument` in Docker's words */
export function checkRestartPolicy(policy: HostConfig['RestartPolicy']): void {
  const { Name: name = '', MaximumRetryCount: most = 0 } = policy ?? {}
  if (unlimitedPolicies.includes(name)) {
    if (most !== 0) throw invalid('HostConfig.RestartPolicy', `maximum retry count cannot be used with restart policy '${name}'`)
  } else if (name === 'on-failure') {
    if (most < 0) throw invalid('HostConfig.RestartPolicy', 'maximum retry count cannot be negative')
  } else if (name !== '') throw invalid('HostConfig.RestartPolicy', `invalid restart policy '${name}'`)
}

/** `name:address`, the address perhaps in brackets; `host-gateway` stands for one. */
function checkExtraHost(text: string): void {
  const colon = text.indexOf(':')
  if (colon <= 0) throw invalid('HostConfig.ExtraHosts', `bad format for add-host: ${JSON.stringify(text)}`)
  const address = text.slice(colon + 1)
  if (address === 'host-gateway' || isIP(address.replace(/^\[(.*)\]$/, '$1')) !== 0) return
  throw invalid('HostConfig.ExtraHosts', `invalid IP address in add-host: ${JSON.stringify(address)}`)
}

function invalid(field: string, why: string): EngineError {
  return new EngineError('invalid_argument', why, { details: { field } })
}
