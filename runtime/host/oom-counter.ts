import { closeSync, openSync, readSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CgroupFiles } from './cgroup-files.js'
import type { CgroupLayout } from './cgroup-layout.js'
import type { Host } from './host.js'

/** How often the kernel has ended a process of a control group for want of memory. */
export interface OomCounter {
  /** So far; to be asked while the group is there. */
  now(): number
  /** Whether there was any beyond those that `now` told, to be asked when the group has been removed. */
  hadMore(): boolean
  close(): void
}

/**
 * Count in memory's hierarchy, whichever version it has. A group's files go with it, and the OCI runtime removes it as soon as its last process
 * is gone: so an event counter is hung on it (v1), or the group above is looked at, which counts for those below it (v2).
 *
 * @param path as in the OCI configuration's `cgroupsPath`; undefined is given back where memory is not accounted for
 */
export function openOomCounter(host: Pick<Host, 'eventCounter' | 'closeFd'>, layout: CgroupLayout, path: string): OomCounter | undefined {
  const files = new CgroupFiles(layout, path)
  switch (files.version('memory')) {
    case 1:
      return firstVersion(host, files, join(folderOf(layout), path))
    case 2:
      return secondVersion(files, new CgroupFiles(layout, dirname(path)))
    default:
      return undefined
  }
}

function folderOf({ hierarchies }: CgroupLayout): string {
  return hierarchies.find(({ version, controllers }) => version === 1 && controllers.includes('memory'))?.mountPoint ?? ''
}

/** Linux Documentation/admin-guide/cgroup-v1/memory.rst, 10: the counter goes up once for each want of memory, and once when the group is removed. */
function firstVersion(host: Pick<Host, 'eventCounter' | 'closeFd'>, files: CgroupFiles, folder: string): OomCounter {
  const counter = host.eventCounter()
  let told = 0
  let signals = 0
  try {
    const control = openSync(join(folder, 'memory.oom_control'), 'r')
    try {
      writeFileSync(join(folder, 'cgroup.event_control'), `${counter} ${control}`, { flag: 'r+' })
    } finally {
      closeSync(control)
    }
  } catch {
    // A group that is gone already, or a kernel without the notice: the file says what it can while it is there.
  }
  const take = () => {
    const value = Buffer.alloc(8)
    try {
      readSync(counter, value, 0, 8, null)
      signals += Number(value.readBigUInt64LE())
    } catch {
      // EAGAIN: nothing since.
    }
  }
  return {
    now() {
      take()
      const count = killsIn(files.readNow('memory', 'memory.oom_control'))
      if (count > told) {
        told = count
        signals = 0
      }
      return told
    },
    hadMore() {
      take()
      return signals > 1
    },
    close: () => host.closeFd(counter)
  }
}

/** Linux Documentation/admin-guide/cgroup-v2.rst: memory.events is hierarchical. */
function secondVersion(files: CgroupFiles, parent: CgroupFiles): OomCounter {
  const above = () => killsIn(parent.readNow('memory', 'memory.events'))
  let told = 0
  let aboveThen = above()
  return {
    now() {
      const count = killsIn(files.readNow('memory', 'memory.events'))
      if (count > told) {
        told = count
        aboveThen = above()
      }
      return told
    },
    hadMore: () => above() > aboveThen,
    close() {}
  }
}

function killsIn(text = ''): number {
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0)
}
