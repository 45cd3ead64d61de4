import { type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CgroupLayout } from './cgroup-layout.js'

/** The lock stays quick for one grace period after its last use: some 10 ms. */
const repeatMs = 4

/** From the first word of a container until its OCI runtime has attached it; on a busy machine the last part is simply not quick. */
const activeMs = 40

/** Makes the kernel ready to attach processes to control groups. */
export interface CgroupAttach {
  /** A process will be attached within so many milliseconds. Returns at once. @default 40 */
  expect(withinMs?: number): void
  close(): Promise<void>
}

/**
 * Attaching a process takes a lock (`cgroup_threadgroup_rwsem`) that is built for being taken rarely: the first who takes it waits for an RCU
 * grace period, 5 to 12 ms, whoever comes within the next one waits for nothing. An OCI runtime waits there, and the container with it. So
 * the lock is taken here while everything else of a start is done: this process is "attached" to the group that it is in, which changes nothing.
 *
 * Where that cannot be done nothing is lost but the time.
 */
export function createCgroupAttach(layout: CgroupLayout): CgroupAttach {
  let file: Promise<FileHandle | undefined> | undefined
  let until = 0
  let working: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false

  const attachSelf = async (): Promise<void> => {
    file ??= openOwnGroup(layout)
    const handle = await file
    if (handle === undefined) return
    try {
      // Zero stands for the process that writes.
      await handle.write('0')
    } catch {
      until = 0
    }
    if (closed || performance.now() > until) return
    timer = setTimeout(start, repeatMs)
    timer.unref()
  }
  const start = () => {
    timer = undefined
    working = attachSelf().finally(() => {
      working = undefined
    })
  }
  return {
    expect(withinMs = activeMs) {
      if (closed) return
      until = Math.max(until, performance.now() + withinMs)
      if (working === undefined && timer === undefined) start()
    },
    async close() {
      closed = true
      clearTimeout(timer)
      await working
      await (await file)?.close()
    }
  }
}

/** `cgroup.procs` of the group that this process is in, in any hierarchy: the lock is one for all. */
async function openOwnGroup(layout: CgroupLayout): Promise<FileHandle | undefined> {
  try {
    const own = parseOwnGroups(await readFile('/proc/self/cgroup', 'latin1'))
    for (const { mountPoint, version, controllers } of layout.hierarchies) {
      const path = version === 2 ? own.get('') : own.get(controllers.join(','))
      if (path !== undefined) return await open(join(mountPoint, path, 'cgroup.procs'), 'w')
    }
  } catch {
    // Not ours to write, or not where it is said to be, as in a container's view.
  }
  return undefined
}

/** `8:pids:/user.slice` (cgroups(7)): path by controllers; those of the v2 tree have none. */
export function parseOwnGroups(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap(line => {
      const [, controllers, ...path] = line.split(':')
      return controllers === undefined ? [] : [[controllers, path.join(':')] as const]
    })
  )
}
