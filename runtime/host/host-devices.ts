import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** A device node of this host. */
export interface HostDevice {
  readonly path: string
  readonly type: 'b' | 'c'
  readonly major: number
  readonly minor: number
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** Folders and files below /dev that a container has of its own. */
const ownPlaces: ReadonlySet<string> = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev', 'console'])

/** The device at a path, links followed; those below it where it is a folder. None where there is nothing. */
export function hostDevices(path: string): readonly HostDevice[] {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return []
  if (stats.isDirectory()) {
    return readdirSync(path).flatMap(name => (ownPlaces.has(name) ? [] : hostDevices(join(path, name))))
  }
  const type = stats.isCharacterDevice() ? 'c' : stats.isBlockDevice() ? 'b' : undefined
  if (type === undefined) return []
  return [{ path, type, ...numbersOf(stats.rdev), mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid }]
}

/** makedev(3), backwards. */
function numbersOf(device: number): { readonly major: number; readonly minor: number } {
  return { major: (device >>> 8) & 0xfff, minor: (device & 0xff) | ((device >>> 12) & 0xfff00) }
}
