import { EngineError } from '../errors/index.js'
import { type LinkedSignal, linkSignals } from '../util/link-signals.js'
import { checkDuration, checkSignal, optional } from './checks.js'
import type { Abortable } from './values.js'

/** How long a call that only asks or tells may take, where the caller says nothing. */
export const defaultDeadlineMs = 120_000

/** {@link Abortable}, checked. */
export interface CallLimits {
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

/** Check the two settings that every waiting call has. `path` is the verb's name. */
export function checkAbortable(path: string, options: Readonly<Record<string, unknown>> | Abortable): CallLimits {
  const signal = optional(checkSignal, `${path}.signal`, options.signal)
  const timeoutMs = optional(checkDuration, `${path}.timeout`, options.timeout)
  return { ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) }
}

/**
 * A signal for one call: aborted with the caller's signal, with the engine's closing, or when the time is up. Whoever opens it releases it.
 */
export function openCallScope(what: string, limits: CallLimits, closing?: AbortSignal): LinkedSignal {
  const linked = linkSignals(closing, limits.signal)
  const { timeoutMs } = limits
  if (timeoutMs === undefined || timeoutMs === Number.POSITIVE_INFINITY || linked.signal.aborted) return linked
  const timer = setTimeout(() => linked.abort(deadlineError(what, timeoutMs)), timeoutMs)
  timer.unref()
  return {
    signal: linked.signal,
    abort: linked.abort,
    release: () => {
      clearTimeout(timer)
      linked.release()
    }
  }
}

function deadlineError(what: string, timeoutMs: number): EngineError {
  return new EngineError('deadline_exceeded', `${what} did not end within ${timeoutMs} ms. Give it more with the option timeout`, {
    details: { timeoutMs }
  })
}
