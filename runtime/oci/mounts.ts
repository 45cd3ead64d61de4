import { EngineError } from '../../src/errors/index.js'
import { isMountFlag, lastMountOptions } from '../host/mount-options.js'
import type { SpecMount } from './runtime-spec.js'

/**
 * Docker's `--tmpfs`: destinations, and mount options over Docker's own.
 *
 * @throws EngineError `failed` in Docker's words for an option that there is not
 */
export function tmpfsMounts(mounts: Readonly<Record<string, string>>): readonly SpecMount[] {
  return Object.entries(mounts).map(([destination, text]) =>
    tmpfsMount(
      destination,
      text
        .split(',')
        .filter(option => option !== '')
        .map(checkedOption)
    )
  )
}

/** What a tmpfs has apart from words that every mount knows. */
const tmpfsKeys: ReadonlySet<string> = new Set(['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol'])

const propagations: ReadonlySet<string> = new Set(
  ['private', 'shared', 'slave', 'unbindable'].flatMap(word => [word, `r${word}`]).concat('bind', 'rbind', 'remount', 'defaults')
)

function checkedOption(option: string): string {
  const [key = '', ...value] = option.split('=')
  if (value.length === 0 ? isMountFlag(key) || propagations.has(key) : tmpfsKeys.has(key)) return option
  const parts = value.length === 0 ? [key] : [key, value.join('=')]
  throw new EngineError('failed', `invalid tmpfs option [${parts.map(part => JSON.stringify(part)).join(' ')}]`, {
    details: { field: 'HostConfig.Tmpfs', value: option }
  })
}

/** Memory at a place in the container. */
export function tmpfsMount(destination: string, options: readonly string[]): SpecMount {
  const all = lastMountOptions(['noexec', 'nosuid', 'nodev', ...options])
  return { destination, type: 'tmpfs', source: 'tmpfs', options: [...all, 'rprivate'] }
}
