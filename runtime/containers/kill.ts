import { EngineError } from '../../src/errors/index.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import { containerAttributes } from './event-attributes.js'
import { letGoOn } from './pause.js'
import { signalNumber } from './signals.js'

/**
 * Send a signal to a container's first process.
 *
 * @throws EngineError `conflict` for a container that does not run, `invalid_argument` for an unknown signal
 */
export async function killContainer(context: ContainerContext, idOrName: string, signal = 'SIGKILL'): Promise<void> {
  const number = signalNumber(signal)
  const record = context.store.get(idOrName)
  if (record.state.status !== 'running') {
    throw new EngineError('conflict', `Cannot kill container: ${idOrName}: Container ${record.id} is not running`, {
      details: { id: record.id }
    })
  }
  if (record.hostConfig.RestartPolicy?.Name) await context.store.setState(record.id, { stoppedByHand: true })
  await signalContainer(context, record, number)
  // SIGKILL leaves nothing to be seen running afterwards: Docker returns when it is over.
  if (number === 9) await context.live.run(record.id)?.ended
}

/**
 * Send a signal, and say so. It is sent when this returns; the promise, which never rejects, says that a paused container goes on where the
 * signal is one that ends it.
 */
export function signalContainer(context: ContainerContext, record: ContainerRecord, number: number): Promise<void> {
  sendSignal(record, number)
  const attributes = { ...containerAttributes(record), signal: String(number) }
  context.events.publish({ Type: 'container', Action: 'kill', id: record.id, attributes })
  return endsIt(record, number) && context.store.find(record.id)?.state.paused ? letGoOn(context, record) : Promise.resolve()
}

/** Docker's rule: without a stop signal of its own, a container may be ended by any. */
function endsIt({ config }: ContainerRecord, number: number): boolean {
  return !config.StopSignal || number === 9 || number === signalNumber(config.StopSignal)
}

/** A process that has just gone is no error: it is what was asked for, or what would have happened anyway. */
export function sendSignal(record: ContainerRecord, number: number): void {
  if (record.state.pid <= 0) return
  try {
    process.kill(record.state.pid, number)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
