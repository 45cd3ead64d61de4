import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileLock, Host } from '../host/host.js'

export interface LockOptions {
  readonly signal: AbortSignal
  /** Called once when another holds the lock for longer than a moment. */
  readonly onWait?: () => void
}

/** One at a time for one piece of content, across the processes that share a data root. */
export interface DigestLocks {
  layer(chainId: string, options: LockOptions): Promise<FileLock>
  /**
   * Never wait for a layer's lock, or for another layer, while holding this one: a layer's owner takes its blob's lock inside its own,
   * and that order is what keeps pulls from waiting for each other in a circle.
   */
  blob(digest: string, options: LockOptions): Promise<FileLock>
}

const momentMs = 50

/**
 * Locks as files: `<directory>/layer-<digest>.lock` and `<directory>/blob-<digest>.lock`. The files are empty and stay, since a lock file that is
 * removed while somebody waits for it would let two in; they lie in the run root, which a reboot empties.
 */
export function createDigestLocks(options: { readonly directory: string; readonly lock: Host['lock'] }): DigestLocks {
  let made: Promise<unknown> | undefined
  const acquire = async (name: string, { signal, onWait }: LockOptions): Promise<FileLock> => {
    made ??= mkdir(options.directory, { recursive: true, mode: 0o700 })
    await made
    const timer = onWait === undefined ? undefined : setTimeout(onWait, momentMs)
    try {
      return await options.lock(join(options.directory, name), { signal })
    } finally {
      clearTimeout(timer)
    }
  }
  return {
    layer: (chainId, lockOptions) => acquire(`layer-${fileName(chainId)}`, lockOptions),
    blob: (digest, lockOptions) => acquire(`blob-${fileName(digest)}`, lockOptions)
  }
}

function fileName(digest: string): string {
  return `${digest.replace(':', '-')}.lock`
}
