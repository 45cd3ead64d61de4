import type { Done } from '../../src/api/index.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import { containerAttributes } from './event-attributes.js'
import { signalContainer } from './kill.js'
import { signalNumber } from './signals.js'
import { exitOf } from './wait.js'

/** Docker's grace between the stop signal and SIGKILL. */
const defaultGraceSeconds = 10

const sigkill = 9

/** How a container is asked to end. */
export interface StopOptions {
  /** @default the container's StopSignal, else SIGTERM */
  readonly signal?: string
  /** Seconds until SIGKILL; negative waits for ever. @default the container's StopTimeout, else 10 */
  readonly graceSeconds?: number
}

/** Ask a container to end, and end it where it does not. `modified` is false where it does not run. */
export async function stopContainer(context: ContainerContext, idOrName: string, options: StopOptions, abort: AbortSignal): Promise<Done> {
  const { record, waited } = await settled(context, context.store.get(idOrName))
  const number = signalNumber(options.signal || record.config.StopSignal || 'SIGTERM')
  if (record.state.status !== 'running') return { modified: waited }
  if (record.hostConfig.RestartPolicy?.Name) await context.store.setState(record.id, { stoppedByHand: true })
  const ended = exitOf(context, record, abort)
  ended.catch(() => {})
  await signalContainer(context, record, number)
  const grace = options.graceSeconds ?? record.config.StopTimeout ?? defaultGraceSeconds
  if (!(await endsWithin(ended, grace * 1000))) {
    await signalContainer(context, record, sigkill)
    await ended
  }
  context.events.publish({ Type: 'container', Action: 'stop', id: record.id, attributes: containerAttributes(record) })
  return { modified: true }
}

/** One that waits for its next start waits no longer; one that is being started is there when that is through. */
async function settled(context: ContainerContext, record: ContainerRecord) {
  if (!record.state.restarting) return { record, waited: false }
  await context.store.setState(record.id, { stoppedByHand: true, restarting: false })
  context.restarts.cancel(record.id)
  await context.live.exclusive(record.id, async () => {})
  return { record: context.store.get(record.id), waited: true }
}

async function endsWithin(ended: Promise<unknown>, ms: number): Promise<boolean> {
  if (ms < 0) {
    await ended
    return true
  }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>(resolve => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([ended.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
