import { ContainerWait } from '../../api/index.js'
import { EngineError } from '../../errors/index.js'
import { deferred } from '../../util/deferred.js'
import { callWith, type EngineContext } from '../context.js'

/** A wait for a container's exit. */
export interface OpenWait {
  /** Resolves when the engine has it: from then on no exit is missed. Rejects where the wait was refused. */
  readonly registered: Promise<void>
  /** The exit code. Counts as handled. */
  readonly exit: Promise<number>
}

/** Ask for a container's exit code, before it is started. */
export function openWait(
  context: EngineContext,
  id: string,
  condition: 'next-exit' | 'removed' | 'not-running',
  signal: AbortSignal
): OpenWait {
  const registered = deferred<void>()
  const input = { path: { id }, query: { condition } }
  const exit = callWith(context, ContainerWait, input, { signal, onResponse: registered.resolve }).then(
    ({ StatusCode, Error: failure }) => {
      if (failure?.Message) throw new EngineError('failed', `Waiting for container ${id.slice(0, 12)} failed: ${failure.Message}`)
      return StatusCode
    }
  )
  exit.then(() => registered.resolve(), registered.reject)
  return { registered: registered.promise, exit }
}
