import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** How the names of a lab's network devices and namespaces begin. */
export const labPrefix = 'gtlab'

/** A lab's folder and number. The number is unique among the labs of this machine that are running. */
export interface Place {
  readonly slot: number
  readonly folder: string
}

/** TEST-NET-2 has 64 networks of four addresses; the last is used inside every lab. */
const slots = 62

interface Owner {
  readonly pid: number
  /** Start time of the owner in clock ticks after boot: tells it from a later process with the same pid. */
  readonly startTime: string
}

/**
 * Take the first free place: `<temporary folder>/gantry-lab-<uid>/<slot>/`, with `owner.json` naming this process. Taking it is
 * one rename, so two labs never share a slot. Before that, what labs of dead processes left is given to `sweep` and removed.
 */
export async function takePlace(sweep: (left: Place) => Promise<void>): Promise<Place> {
  const base = join(tmpdir(), `gantry-lab-${process.getuid?.() ?? 'user'}`)
  await mkdir(base, { recursive: true, mode: 0o711 })
  await sweepDead(base, sweep)
  const fresh = await mkdtemp(join(base, 'new-'))
  try {
    const owner: Owner = { pid: process.pid, startTime: (await startTimeOf(process.pid)) ?? '' }
    await writeFile(join(fresh, 'owner.json'), JSON.stringify(owner))
    for (let slot = 0; slot < slots; slot++) {
      const folder = join(base, String(slot))
      const taken = await rename(fresh, folder).then(
        () => true,
        () => false
      )
      if (taken) return { slot, folder }
    }
    throw new Error(`all ${slots} places for labs below ${base} are taken`)
  } catch (error) {
    await rm(fresh, { recursive: true, force: true })
    throw error
  }
}

async function sweepDead(base: string, sweep: (left: Place) => Promise<void>): Promise<void> {
  for (const name of await readdir(base)) {
    if (!/^\d+$/.test(name)) continue
    const folder = join(base, name)
    const owner = await readOwner(folder)
    if (owner === undefined || (await startTimeOf(owner.pid)) === owner.startTime) continue
    await sweep({ slot: Number(name), folder })
    await rm(folder, { recursive: true, force: true })
  }
}

async function readOwner(folder: string): Promise<Owner | undefined> {
  const text = await readFile(join(folder, 'owner.json'), 'utf8').catch(() => undefined)
  // Written by this file, whole before the folder got its name.
  return text === undefined ? undefined : (JSON.parse(text) as Owner)
}

/** Field 22 of proc_pid_stat(5), undefined when there is no such process. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}
