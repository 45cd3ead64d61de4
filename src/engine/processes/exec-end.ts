import { setTimeout as delay } from 'node:timers/promises'
import { ExecInspect } from '../../api/index.js'
import { call, type EngineContext } from '../context.js'

const shortestPauseMs = 5
const longestPauseMs = 500

/**
 * The exit code of an exec whose output has ended. Mostly it has ended as well, or does in a moment; a process that only closed its
 * output is asked for less and less often.
 */
export async function untilExecEnded(context: EngineContext, id: string, signal: AbortSignal): Promise<number> {
  for (let pauseMs = shortestPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const { Running, ExitCode } = await call(context, ExecInspect, { path: { id } }, { signal })
    if (!Running && typeof ExitCode === 'number') return ExitCode
    await delay(pauseMs, undefined, { signal }).catch(() => {})
    signal.throwIfAborted()
  }
}
