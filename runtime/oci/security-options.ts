import { EngineError } from '../../src/errors/index.js'

/** Docker's `--security-opt`, taken apart. */
export interface SecurityOptions {
  readonly noNewPrivileges: boolean
  readonly seccomp: 'default' | 'unconfined' | 'custom'
  /** Text of the profile, where it is a custom one. */
  readonly profile?: string
  /** Whether the usual paths of /proc and /sys are hidden and read-only. */
  readonly systemPaths: 'confined' | 'unconfined'
}

/**
 * Read Docker's security options: `no-new-privileges[:true|false]`, `seccomp=unconfined`, `seccomp=default`, `seccomp=<profile>`,
 * `systempaths=unconfined`, `label=...`, `apparmor=unconfined`. With `=` or `:`, as Docker.
 *
 * @throws EngineError `failed` for an unknown one, as in Docker; `invalid_argument` for a profile of AppArmor's
 */
export function securityOptions(options: readonly string[]): SecurityOptions {
  let noNewPrivileges = false
  let seccomp: SecurityOptions['seccomp'] = 'default'
  let profile: string | undefined
  let systemPaths: SecurityOptions['systemPaths'] = 'confined'
  for (const option of options) {
    if (option === 'no-new-privileges') {
      noNewPrivileges = true
      continue
    }
    // Without SELinux there is no label to disable.
    if (option === 'disable') continue
    const separator = option.includes('=') ? '=' : ':'
    const at = option.indexOf(separator)
    if (at < 0) throw refused(`invalid --security-opt 1: ${JSON.stringify(option)}`, option)
    const key = option.slice(0, at)
    const value = option.slice(at + 1)
    if (key === 'no-new-privileges' && booleans.has(value)) noNewPrivileges = booleans.get(value) === true
    else if (key === 'seccomp' && value === 'unconfined') seccomp = 'unconfined'
    else if (key === 'seccomp' && (value === 'default' || value === 'builtin')) seccomp = 'default'
    else if (key === 'seccomp') {
      seccomp = 'custom'
      profile = value
    } else if (key === 'systempaths' && value === 'unconfined') systemPaths = 'unconfined'
    // Without SELinux labels say nothing, and without AppArmor nothing is confined by it: dockerd takes both on such hosts.
    else if (key === 'label' || (key === 'apparmor' && value === 'unconfined')) continue
    else if (key === 'apparmor') {
      throw new EngineError('invalid_argument', `AppArmor is not supported on this host, but the profile '${value}' was specified`, {
        details: { field: 'HostConfig.SecurityOpt', option: key }
      })
    } else throw refused(`invalid --security-opt 2: ${JSON.stringify(option)}`, option)
  }
  return { noNewPrivileges, seccomp, systemPaths, ...(profile !== undefined && { profile }) }
}

/** Go's words for booleans. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map(word => [word, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map(word => [word, false] as const)
])

function refused(why: string, option: string): EngineError {
  return new EngineError('failed', why, { details: { field: 'HostConfig.SecurityOpt', value: option } })
}
