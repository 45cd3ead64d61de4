import { chmodSync, chownSync, lstatSync, readdirSync, renameSync, rmdirSync, rmSync, utimesSync } from 'node:fs'
import type { Host } from '../host/host.js'
import { removeTree } from '../host/remove-tree.js'
import { errnoOf } from '../host/system-call-error.js'
import { copyTree } from './copy-tree.js'
import type { VolumeFolders } from './volume-folders.js'

export interface Filling {
  readonly host: Host
  readonly folders: VolumeFolders
  /** The lock of a volume's content. */
  lockPath(name: string): string
}

export interface FillRequest {
  readonly name: string
  /** Where its files are. */
  readonly data: string
  /** They are outside the data root: the driver's options say where. */
  readonly isOutside: boolean
  /** The folder to copy, in the launcher's mount namespace; undefined when there is none. */
  findSource(): Promise<string | undefined>
}

/** Nothing aborts it half-way: the volume would be neither empty nor full. */
const never = new AbortController().signal

/**
 * Fill a volume that is empty. The copy is made beside the volume and moved in when it is complete, so that a full disk or a kill in the
 * middle leaves the volume empty, and the next one begins again; a kill while it is moved in is made good by whoever comes next.
 */
export async function fillVolume(filling: Filling, request: FillRequest): Promise<void> {
  const { host, folders } = filling
  const { name } = request
  const path = filling.lockPath(name)
  const lock = await host.lock(path, { signal: never })
  try {
    await settle(folders, name)
    if (readdirSync(request.data).length > 0) return
    const source = await request.findSource()
    if (source === undefined) return
    // Beside somebody else's folder there is no place that is ours.
    if (request.isOutside) return await copyTree(host, source, request.data)
    const copy = folders.newFilling(name)
    try {
      await copyTree(host, source, copy)
    } catch (error) {
      await removeTree(copy)
      throw error
    }
    renameSync(copy, folders.filled(name))
    moveIn(folders, name)
  } finally {
    rmSync(path, { force: true })
    lock.release()
  }
}

/** Make good what a process that was killed left of a copy. */
export async function resumeFilling(filling: Filling, name: string): Promise<void> {
  const { folders } = filling
  if (folders.fillings(name).length === 0 && !exists(folders.filled(name))) return
  await fillVolume(filling, { name, data: folders.data(name), isOutside: false, findSource: async () => undefined })
}

async function settle(folders: VolumeFolders, name: string): Promise<void> {
  await Promise.all(folders.fillings(name).map(removeTree))
  if (exists(folders.filled(name))) moveIn(folders, name)
}

/** Each a rename in one file system. What a container that has the volume already put there meanwhile stays. */
function moveIn(folders: VolumeFolders, name: string): void {
  const from = Buffer.from(`${folders.filled(name)}/`)
  const to = Buffer.from(`${folders.data(name)}/`)
  for (const entry of readdirSync(folders.filled(name), { encoding: 'buffer' })) {
    const source = Buffer.concat([from, entry])
    const target = Buffer.concat([to, entry])
    if (lstatSync(target, { throwIfNoEntry: false }) === undefined) renameSync(source, target)
    else rmSync(source, { recursive: true, force: true })
  }
  const { uid, gid, mode, atime, mtime } = lstatSync(folders.filled(name))
  chownSync(folders.data(name), uid, gid)
  chmodSync(folders.data(name), mode & 0o7777)
  utimesSync(folders.data(name), atime, mtime)
  rmdirSync(folders.filled(name))
}

function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return false
    throw error
  }
}
