import { existsSync } from 'node:fs'
import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { EngineError } from '../../src/errors/engine-error.js'
import type { CgroupLayout } from './cgroup-layout.js'
import { errnoOf } from './system-call-error.js'

/** How long killed processes may take to be gone; one in a broken device's or file system's hands can take for ever. */
const patienceMs = 10_000
const firstPauseMs = 1
const longestPauseMs = 50

/**
 * Kill every process of a control group and of those below it, and remove them, in every hierarchy: what is left of a
 * container whose OCI runtime can no longer be asked. Works on v1, v2 and hybrid hosts, and on paused containers.
 * A group that is not there is not an error.
 *
 * @param path as in the OCI configuration's `cgroupsPath`: `/gantry/<id>`
 * @throws EngineError `invalid_argument` for a path that is not Gantry's, `failed` when processes do not die
 */
export async function removeCgroup(layout: CgroupLayout, path: string): Promise<void> {
  checkOwn(path)
  const folders = layout.hierarchies.map(hierarchy => join(hierarchy.mountPoint, path))
  const deadline = Date.now() + patienceMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const trees = (await Promise.all(folders.map(groupsBelow))).flat()
    const left: string[] = []
    for (const folder of trees) {
      await killAll(folder)
      if (!(await removeFolder(folder))) left.push(folder)
    }
    if (left.length === 0) return
    if (Date.now() > deadline) {
      throw new EngineError('failed', `processes of ${path} do not end: the control group ${left[0]} is still in use`, {
        details: { left }
      })
    }
    await delay(pauseMs)
  }
}

/**
 * Remove a parent group, `/gantry`, where nothing is in it any more. Only for when no container is being started: an
 * OCI runtime that makes the path step by step would find its first step gone.
 */
export async function removeEmptyCgroup(layout: CgroupLayout, path: string): Promise<void> {
  checkOwn(path)
  await Promise.all(layout.hierarchies.map(hierarchy => removeFolder(join(hierarchy.mountPoint, path))))
}

/** The topmost group of a path that is not there yet, in no hierarchy; undefined where all are. */
export function firstMissingCgroup(layout: CgroupLayout, path: string): string | undefined {
  const steps = path.split('/').filter(step => step !== '')
  const above = steps.map((_, index) => `/${steps.slice(0, index + 1).join('/')}`)
  return above.find(group => !layout.hierarchies.some(({ mountPoint }) => existsSync(join(mountPoint, group))))
}

/**
 * Remove groups that were made for containers and hold nothing any more, from `path` up to `top`, which is above it or the same. What is in
 * use stays.
 */
export async function removeEmptyCgroups(layout: CgroupLayout, path: string, top: string): Promise<void> {
  for (let group = path; group === top || group.startsWith(`${top}/`); group = posix.dirname(group)) {
    await Promise.all(layout.hierarchies.map(({ mountPoint }) => removeFolder(join(mountPoint, group)).catch(() => false)))
  }
}

/** The pids in one group; those of processes that this process cannot see are left out. */
export function parsePids(text: string): number[] {
  return text.split('\n').flatMap(line => (/^[1-9]\d*$/.test(line) ? [Number(line)] : []))
}

/** A container's is called as the container is, wherever it was asked to be. */
function checkOwn(path: string): void {
  if (/^\/gantry[\w.-]*(\/[\w-][\w.-]*)*$/.test(path)) return
  if (/^(\/[^/]+)*\/[0-9a-f]{64}$/.test(path) && !path.split('/').includes('..')) return
  throw new EngineError('invalid_argument', `not a control group of Gantry's: '${path}' (expected /gantry, or a path below it)`)
}

/** The folder and every folder below it, deepest first. */
async function groupsBelow(folder: string): Promise<string[]> {
  const entries = await unlessGone(readdir(folder, { withFileTypes: true }))
  if (entries === undefined) return []
  const below = await Promise.all(entries.filter(entry => entry.isDirectory()).map(entry => groupsBelow(join(folder, entry.name))))
  return [...below.flat(), folder]
}

async function killAll(folder: string): Promise<void> {
  for (const pid of parsePids((await unlessGone(readFile(join(folder, 'cgroup.procs'), 'utf8'))) ?? '')) {
    if (pid !== process.pid) kill(pid)
  }
  // A signal waits until the group thaws: v1, then v2.
  await write(join(folder, 'freezer.state'), 'THAWED')
  await write(join(folder, 'cgroup.freeze'), '0')
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error
  }
}

/** Only files that this hierarchy has; its root has none of them. */
async function write(file: string, value: string): Promise<void> {
  try {
    await writeFile(file, value, { flag: 'r+' })
  } catch {
    // Whatever it is, the group is not empty then, and that is what the caller looks at.
  }
}

/** Whether it is gone. */
async function removeFolder(folder: string): Promise<boolean> {
  try {
    await rmdir(folder)
    return true
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENODEV') return true
    if (errno === 'EBUSY' || errno === 'ENOTEMPTY') return false
    throw error
  }
}

async function unlessGone<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read
  } catch (error) {
    const errno = errnoOf(error)
    // ENODEV: removed between open and read. EOPNOTSUPP: a threaded group of v2 lists its processes in its parent.
    if (errno === 'ENOENT' || errno === 'ENODEV' || errno === 'EOPNOTSUPP') return undefined
    throw error
  }
}
