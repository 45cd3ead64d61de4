import { closeSync, fstatSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { FileLock } from './host.js'
import type { Kernel } from './kernel.js'
import { errnoOf } from './system-call-error.js'

const firstPauseMs = 1
const longestPauseMs = 50

/**
 * Wait for an exclusive flock(2) on a file, which is made when missing and stays. Two locks of one process exclude each
 * other as those of two processes do. Nobody is promised a turn: it is polled, with pauses that grow to 50 ms.
 *
 * @throws the signal's reason on abort, SystemCallError when the file cannot be opened
 */
export async function lockFile(kernel: Kernel, path: string, { signal }: { readonly signal: AbortSignal }): Promise<FileLock> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    signal.throwIfAborted()
    const lock = tryLockFile(kernel, path)
    if (lock !== undefined) return lock
    await pause(pauseMs, signal)
  }
}

function tryLockFile(kernel: Kernel, path: string): FileLock | undefined {
  const fd = openLockFile(path)
  try {
    // A file that was removed meanwhile is nobody's lock: the next one makes a new file and gets in beside us.
    if (kernel.tryLock(fd) && isStill(fd, path)) return heldLock(fd)
  } catch (error) {
    closeSync(fd)
    throw error
  }
  closeSync(fd)
  return undefined
}

function heldLock(fd: number): FileLock {
  let held = true
  return {
    release() {
      if (held) closeSync(fd)
      held = false
    }
  }
}

function openLockFile(path: string): number {
  try {
    return openSync(path, 'a', 0o600)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    return openSync(path, 'a', 0o600)
  }
}

function isStill(fd: number, path: string): boolean {
  const held = fstatSync(fd)
  const named = statSync(path, { throwIfNoEntry: false })
  return named !== undefined && named.ino === held.ino && named.dev === held.dev
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal })
  } catch {
    // An abort: the reason the caller gave is what to reject with, not the timer's own.
    throw signal.reason
  }
}
