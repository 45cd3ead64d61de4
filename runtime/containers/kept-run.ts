import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { identify, type ProcessIdentity } from '../host/process-identity.js'
import type { GuardedRun } from '../oci/guarded-run.js'
import type { RunRequest } from '../oci/run.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import type { ProcessStreams } from './live-container.js'
import type { Stdio } from './open-stdio.js'

/** A run that goes on when this process is gone. */
export interface KeptRun {
  readonly run: GuardedRun
  /** Have what must not be lost with this process held by another. To be called when the streams are there. */
  hold(streams: ProcessStreams): Promise<ProcessIdentity | undefined>
}

/** Start a container that outlives this process. */
export async function startKept(context: ContainerContext, record: ContainerRecord, request: RunRequest, stdio: Stdio): Promise<KeptRun> {
  const folder = context.paths.containerFolder(record.id)
  // Of the run before.
  for (const name of ['exit', 'rest.stdout', 'rest.stderr']) rmSync(join(folder, name), { force: true })
  const run = await context.oci.runGuarded({ ...request, folder, ...(stdio.outputs && { outputs: stdio.outputs }) })
  const stdin = stdio.stdin
  return {
    run,
    async hold(streams) {
      const fd = streams.terminalFd ?? stdin
      if (fd === undefined) return undefined
      const holder = await run.hold(fd, streams.terminalFd === undefined ? undefined : join(folder, 'rest.stdout'))
      if (streams.terminalFd === undefined) letGoAtEnd(streams, holder.pid)
      return identify(holder.pid)
    }
  }
}

/** A stdin that was half-closed must not be held open by anybody. */
export function letGoAtEnd(streams: ProcessStreams, holder: number): void {
  streams.stdin?.once('finish', () => {
    try {
      process.kill(holder, 'SIGKILL')
    } catch {
      // The container has ended, and it with it.
    }
  })
}
