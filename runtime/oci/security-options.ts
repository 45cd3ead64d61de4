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
 * @throws EngineError `invalid_argument` for an unknown one
 */
export function securityOptions(options: readonly string[]): SecurityOptions {
  let noNewPrivileges = false
  let seccomp: SecurityOptions['seccomp'] = 'default'
  let profile: string | undefined
  let systemPaths: SecurityOptions['systemPaths'] = 'confined'
  for (const option of options) {
    const [, key = option, value = ''] = /^([a-z-]+)[=:](.*)$/s.exec(option) ?? []
    if (key === 'no-new-privileges' && ['', 'true', 'false'].includes(value)) noNewPrivileges = value !== 'false'
    else if (key === 'seccomp' && value === 'unconfined') seccomp = 'unconfined'
    else if (key === 'seccomp' && (value === 'default' || value === 'builtin')) seccomp = 'default'
    else if (key === 'seccomp' && value.trimStart().startsWith('{')) {
      seccomp = 'custom'
      profile = value
    } else if (key === 'systempaths' && value === 'unconfined') systemPaths = 'unconfined'
    // Without SELinux labels say nothing, and without AppArmor nothing is confined by it: dockerd takes both on such hosts.
    else if (key === 'label' || (key === 'apparmor' && value === 'unconfined')) continue
    else if (key === 'apparmor') {
      throw new EngineError('invalid_argument', `AppArmor is not supported on this host, but the profile '${value}' was specified`, {
        details: { field: 'HostConfig.SecurityOpt', option: key }
      })
    } else {
      throw new EngineError('invalid_argument', `HostConfig.SecurityOpt: invalid --security-opt ${JSON.stringify(option)}`, {
        details: { field: 'HostConfig.SecurityOpt', value: option }
      })
    }
  }
  return { noNewPrivileges, seccomp, systemPaths, ...(profile !== undefined && { profile }) }
}
