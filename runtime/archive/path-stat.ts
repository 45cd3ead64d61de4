import type { BigIntStats } from 'node:fs'
import type { RootedFolder } from '../host/host.js'
import { type Place, realPath } from './place.js'

/** What Docker tells of a path in a container, in the header `X-Docker-Container-Path-Stat`. */
export interface PathStat {
  readonly name: string
  /** In bytes. */
  readonly size: number
  /** Type and permissions as Go's `fs.FileMode` has them. */
  readonly mode: number
  /** RFC 3339 with nanoseconds, UTC. */
  readonly mtime: string
  /** Where a link leads in the container, absolute; '' for everything else. */
  readonly linkTarget: string
}

/** Of `fs.FileMode`; the permission bits are the same as in Linux. */
const goMode = {
  directory: 0x8000_0000,
  link: 0x0800_0000,
  device: 0x0400_0000,
  pipe: 0x0200_0000,
  socket: 0x0100_0000,
  setuid: 0x0080_0000,
  setgid: 0x0040_0000,
  characterDevice: 0x0020_0000,
  sticky: 0x0010_0000
} as const

export function pathStat(root: RootedFolder, { name, path, stats }: Place): PathStat {
  return {
    name,
    size: Number(stats.size),
    mode: fileMode(stats),
    mtime: timeText(stats.mtimeNs),
    linkTarget: stats.isSymbolicLink() ? realPath(root, path, true) : ''
  }
}

function fileMode(stats: BigIntStats): number {
  const mode = Number(stats.mode)
  const parts = [
    mode & 0o777,
    stats.isDirectory() ? goMode.directory : 0,
    stats.isSymbolicLink() ? goMode.link : 0,
    stats.isBlockDevice() ? goMode.device : 0,
    stats.isCharacterDevice() ? goMode.device + goMode.characterDevice : 0,
    stats.isFIFO() ? goMode.pipe : 0,
    stats.isSocket() ? goMode.socket : 0,
    (mode & 0o4000) !== 0 ? goMode.setuid : 0,
    (mode & 0o2000) !== 0 ? goMode.setgid : 0,
    (mode & 0o1000) !== 0 ? goMode.sticky : 0
  ]
  // Added, not or-ed: the first bit would make it negative.
  return parts.reduce((sum, part) => sum + part, 0)
}

/** Go leaves out zeros at the end of the fraction. */
function timeText(nanoseconds: bigint): string {
  const billion = 1_000_000_000n
  const fraction = ((nanoseconds % billion) + billion) % billion
  const seconds = new Date(Number((nanoseconds - fraction) / 1_000_000n)).toISOString().slice(0, 19)
  const digits = String(fraction).padStart(9, '0').replace(/0+$/, '')
  return `${seconds}${digits === '' ? '' : `.${digits}`}Z`
}
