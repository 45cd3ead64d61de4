import { setTimeout as sleep } from 'node:timers/promises'
import { openOomCounter } from '../host/oom-counter.js'
import { cgroupOf } from './cgroup-of.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import { containerAttributes } from './event-attributes.js'

/** How often a container with a limit is looked at, so that what it goes on after is told too. */
const lookMs = 500

/** The kernel tells of a group's removal a moment after it. */
const settleMs = 20

const killed = 137

/** Watches one run of a container for want of memory. */
export interface OomWatch {
  /** The run is over: tell what has not been told. Resolves when the record has it. Never rejects. */
  end(exitCode: number): Promise<void>
}

/** Say so, in the record and as an event, when the kernel ends a process of the container. Without a limit of its own there is nothing to watch. */
export function watchOom(context: ContainerContext, record: ContainerRecord): OomWatch | undefined {
  if ((record.hostConfig.Memory ?? 0) <= 0) return undefined
  const counter = openOomCounter(context.host, context.cgroups, cgroupOf(context.paths, record))
  if (counter === undefined) return undefined
  let told = 0
  const tell = async () => {
    context.events.publish({ Type: 'container', Action: 'oom', id: record.id, attributes: containerAttributes(record) })
    await context.store.setState(record.id, { oomKilled: true })
  }
  const look = async () => {
    const count = counter.now()
    if (count <= told) return
    told = count
    await tell()
  }
  const timer = setInterval(() => void look().catch(() => {}), lookMs)
  timer.unref()
  return {
    async end(exitCode) {
      clearInterval(timer)
      try {
        await look()
        if (exitCode !== killed) return
        await sleep(settleMs)
        if (counter.hadMore()) await tell()
      } catch {
        // What the record does not say is no reason to lose the exit over.
      } finally {
        counter.close()
      }
    }
  }
}
