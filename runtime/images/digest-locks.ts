import { rmSync } from 'node:fs'
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
 * Locks as files: `<directory>/layer-<digest>.lock` and `<directory>/blob-<digest>.lock`. Each goes with its holder, while that still
 * holds it: whoever waited on the file finds, once it has the lock, that the name is gone or stands for another file, and asks again
 * (`Host.lock` sees to that).
 */
export function createDigestLocks(options: { readonly directory: string; readonly lock: Host['lock'] }): DigestLocks {
  let made: Promise<unknown> | undefined
  const acquire = async (name: string, { signal, onWait }: LockOptions): Promise<FileLock> => {
    made ??= mkdir(options.directory, { recursive: true, mode: 0o700 })
    await made
    const path = join(options.directory, name)
    const timer = onWait === undefined ? undefined : setTimeout(onWait, momentMs)
    try {
      return removedOnRelease(await options.lock(path, { signal }), path)
    } finally {
      clearTimeout(timer)
    }
  }
  return {
    layer: (chainId, lockOptions) => acquire(`layer-${fileName(chainId)}`, lockOptions),
    blob: (digest, lockOptions) => acquire(`blob-${fileName(digest)}`, lockOptions)
  }
}

function removedOnRelease(lock: FileLock, path: string): FileLock {
  let held = true
  return {
    release() {
      if (!held) return
      held = false
      rmSync(path, { force: true })
      lock.release()
    }
  }
}

function fileName(digest: string): string {
  return `${digest.replace(':', '-')}.lock`
}
