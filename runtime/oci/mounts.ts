import { EngineError } from '../../src/errors/index.js'
import type { SpecMount } from './runtime-spec.js'

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
