import type { ContainerContext } from './container-context.js'
import { stopContainer } from './stop.js'

/**
 * Stop the containers that this process watches, for a daemon that is not to leave them running. Those that are to run always go on with the
 * next daemon: nobody has stopped them by hand.
 */
export async function stopKept(context: ContainerContext): Promise<void> {
  const running = context.store.list().filter(({ keep, state }) => keep && state.status === 'running' && state.monitor?.pid === process.pid)
  await Promise.allSettled(
    running.map(async ({ id }) => {
      await stopContainer(context, id, {}, new AbortController().signal)
      await context.live.exclusive(id, async () => {})
      const record = context.store.find(id)
      if (record === undefined) return
      const asNobodyStoppedIt = { ...record, state: { ...record.state, stoppedByHand: false } }
      const restarting = context.restarts.wants(asNobodyStoppedIt, record.state.exitCode)
      await context.store.setState(id, { stoppedByHand: false, restarting })
    })
  )
}
