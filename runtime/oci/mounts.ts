import { EngineError } from '../../src/errors/index.js'
import type { SpecMount } from './runtime-spec.js'

const propagations = new Set(['rprivate', 'private', 'rslave', 'slave', 'rshared', 'shared'])

/**
 * Docker's `--volume` with a path of the host: `source:destination[:options]`, options `ro`, `rw`, a propagation, `z`, `Z`, `nocopy`.
 *
 * @throws EngineError `invalid_argument`; `not_implemented` for a volume's name in place of a path
 */
export function bindMounts(binds: readonly string[]): readonly SpecMount[] {
  return binds.map(bind => {
    const [source = '', destination = '', optionText = '', ...rest] = bind.split(':')
    const options = optionText.split(',').filter(option => option !== '')
    if (!destination.startsWith('/') || destination === '/' || rest.length > 0) {
      throw invalid(bind, 'expected /host/path:/container/path[:options]')
    }
    if (!source.startsWith('/')) {
      throw new EngineError(
        'not_implemented',
        `HostConfig.Binds: ${JSON.stringify(bind)} names a volume; volumes are not built yet, bind a path of the host`,
        {
          details: { field: 'HostConfig.Binds', value: bind }
        }
      )
    }
    let access = 'rw'
    let propagation = 'rprivate'
    for (const option of options) {
      if (option === 'ro' || option === 'rw') access = option
      else if (propagations.has(option)) propagation = option
      // Labels for SELinux mean nothing where it is off, and there is no volume to copy into: Docker takes all three here too.
      else if (option !== 'z' && option !== 'Z' && option !== 'nocopy') throw invalid(bind, `unknown option ${JSON.stringify(option)}`)
    }
    return { destination, type: 'bind', source, options: ['rbind', access, propagation] }
  })
}

/** Docker's `--tmpfs`: the destination, and mount options over Docker's own. */
export function tmpfsMounts(mounts: Readonly<Record<string, string>>): readonly SpecMount[] {
  return Object.entries(mounts).map(([destination, text]) => {
    if (!destination.startsWith('/') || destination === '/') {
      throw new EngineError('invalid_argument', `HostConfig.Tmpfs: ${JSON.stringify(destination)} is not an absolute path below the root`, {
        details: { field: 'HostConfig.Tmpfs', value: destination }
      })
    }
    const asked = text.split(',').filter(option => option !== '')
    return { destination, type: 'tmpfs', source: 'tmpfs', options: ['noexec', 'nosuid', 'nodev', 'rprivate', ...asked] }
  })
}

function invalid(bind: string, why: string): EngineError {
  return new EngineError('invalid_argument', `HostConfig.Binds: invalid bind ${JSON.stringify(bind)}: ${why}`, {
    details: { field: 'HostConfig.Binds', value: bind }
  })
}
