import { EngineError } from '../../src/errors/index.js'

/** Docker's `--security-opt`, taken apart. */
export interface SecurityOptions {
  readonly noNewPrivileges: boolean
  readonly seccomp: 'default' | 'unconfined'
}

/**
 * Read Docker's security options: `no-new-privileges[:true|false]`, `seccomp=unconfined`, `seccomp=default`. With `=` or `:`, as Docker.
 *
 * @throws EngineError `invalid_argument` for an unknown one, `not_implemented` for one that exists in Docker
 */
export function securityOptions(options: readonly string[]): SecurityOptions {
  let noNewPrivileges = false
  let seccomp: SecurityOptions['seccomp'] = 'default'
  for (const option of options) {
    const [, key = option, value = ''] = /^([a-z-]+)[=:](.*)$/s.exec(option) ?? []
    if (key === 'no-new-privileges' && ['', 'true', 'false'].includes(value)) noNewPrivileges = value !== 'false'
    else if (key === 'seccomp' && value === 'unconfined') seccomp = 'unconfined'
    else if (key === 'seccomp' && (value === 'default' || value === 'builtin')) seccomp = 'default'
    else if (key === 'seccomp' || key === 'apparmor' || key === 'label' || key === 'systempaths' || key === 'writable-cgroups') {
      throw new EngineError('not_implemented', `HostConfig.SecurityOpt: ${key} with this value is not built yet`, {
        details: { field: 'HostConfig.SecurityOpt', option: key }
      })
    } else {
      throw new EngineError('invalid_argument', `HostConfig.SecurityOpt: invalid --security-opt ${JSON.stringify(option)}`, {
        details: { field: 'HostConfig.SecurityOpt', value: option }
      })
    }
  }
  return { noNewPrivileges, seccomp }
}
