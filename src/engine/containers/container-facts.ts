import { ContainerChanges, ContainerTop, ContainerUpdate } from '../../api/index.js'
import { checkCount, checkKeys, checkPositive, checkSize, optional, wrongSetting } from '../checks.js'
import { call, type EngineContext } from '../context.js'
import type { Limits } from '../images/image.js'
import type { ContainerProcess, FileChange } from './container.js'

/** `docker top`. */
export async function containerProcesses(context: EngineContext, id: string): Promise<readonly ContainerProcess[]> {
  const { Titles, Processes } = await call(context, ContainerTop, { path: { id } })
  const column = (...names: readonly string[]) => Titles.findIndex(title => names.includes(title.toUpperCase()))
  const [pid, user, command] = [column('PID'), column('UID', 'USER'), column('CMD', 'COMMAND')]
  return Processes.map(row => ({ pid: Number(row[pid]), user: row[user] ?? '', command: row[command] ?? '' }))
}

const kinds = ['changed', 'added', 'deleted'] as const

/** `docker diff`. */
export async function containerChanges(context: EngineContext, id: string): Promise<readonly FileChange[]> {
  const changes = await call(context, ContainerChanges, { path: { id } })
  return (changes ?? []).map(({ Path, Kind }) => ({ path: Path, kind: kinds[Kind] }))
}

/** `docker update`. */
export async function updateLimits(context: EngineContext, id: string, limits: Limits): Promise<void> {
  const given = checkKeys('update', limits, ['memory', 'cpus', 'pids'])
  const memoryBytes = optional(checkSize, 'update.memory', given.memory)
  const cpus = optional(checkPositive, 'update.cpus', given.cpus)
  const pids = optional(checkCount, 'update.pids', given.pids)
  if (memoryBytes === undefined && cpus === undefined && pids === undefined) throw wrongSetting('update', 'at least one limit', limits)
  await call(context, ContainerUpdate, {
    path: { id },
    body: {
      // With swap as docker gives it to a new container: as much again. Else memory could not be raised above what swap was set to.
      ...(memoryBytes !== undefined && { Memory: memoryBytes, MemorySwap: 2 * memoryBytes }),
      ...(cpus !== undefined && { NanoCpus: Math.round(cpus * 1e9) }),
      ...(pids !== undefined && { PidsLimit: pids })
    }
  })
}
