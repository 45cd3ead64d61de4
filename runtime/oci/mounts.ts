import { lastMountOptions } from '../host/mount-options.js'
import type { SpecMount } from './runtime-spec.js'

/** Docker's `--tmpfs`: destinations, and mount options over Docker's own. */
export function tmpfsMounts(mounts: Readonly<Record<string, string>>): readonly SpecMount[] {
  return Object.entries(mounts).map(([destination, text]) =>
    tmpfsMount(
      destination,
      text.split(',').filter(option => option !== '')
    )
  )
}

/** Memory at a place in the container. */
export function tmpfsMount(destination: string, options: readonly string[]): SpecMount {
  const all = lastMountOptions(['noexec', 'nosuid', 'nodev', ...options])
  return { destination, type: 'tmpfs', source: 'tmpfs', options: [...all, 'rprivate'] }
}
