import { chmodSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import { EngineError } from '../../src/errors/index.js'
import { mountHolding } from '../host/mount-table.js'
import { errnoOf } from '../host/system-call-error.js'
import type { BindMount } from '../volumes/volume-record.js'

/**
 * See to it that a bind's source is there. What a short-form bind names and is not there becomes a folder, as in Docker.
 *
 * @throws EngineError `invalid_argument` when it is missing, `failed` when it cannot be made
 */
export function makeSource(mount: BindMount): void {
  const { source } = mount
  try {
    if (statSync(source, { throwIfNoEntry: false }) !== undefined) return
    if (!mount.makesSource) {
      throw new EngineError('invalid_argument', `invalid mount config for type "bind": bind source path does not exist: ${source}`, {
        details: { source }
      })
    }
    // The umask of this process is not what the host's folders are to have.
    for (let path = mkdirSync(source, { recursive: true }); path !== undefined; path = nextOnTheWay(path, source)) chmodSync(path, 0o755)
  } catch (cause) {
    if (EngineError.is(cause)) throw cause
    throw new EngineError('failed', `error while creating mount source path '${source}': ${(cause as Error).message}`, {
      details: { source, errno: errnoOf(cause) },
      cause
    })
  }
}

/**
 * Docker's check that what is asked of a propagation can be had.
 *
 * @throws EngineError `failed`
 */
export function checkPropagation(source: string, propagation: string): void {
  const holder = mountHolding(realpathSync(source))
  if (holder === undefined) return
  const isShared = propagation.endsWith('shared')
  if (holder.isShared || (!isShared && holder.isSlave)) return
  const wanted = isShared ? 'a shared mount' : 'a shared or slave mount'
  throw new EngineError('failed', `path ${source} is mounted on ${holder.mountPoint} but it is not ${wanted}`, {
    details: { source, mountPoint: holder.mountPoint, propagation }
  })
}

/** Make what a file or a folder can be mounted on. */
export function makeNodeLike(source: string, target: string): void {
  if (statSync(source).isDirectory()) mkdirSync(target, { mode: 0o700 })
  else writeFileSync(target, '', { mode: 0o600 })
}

/** The next folder on the way from one to another; undefined at its end. */
function nextOnTheWay(path: string, end: string): string | undefined {
  if (path === end || !end.startsWith(`${path}/`)) return undefined
  const slash = end.indexOf('/', path.length + 1)
  return slash === -1 ? end : end.slice(0, slash)
}
