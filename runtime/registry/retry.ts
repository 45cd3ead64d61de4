import { EngineError } from '../../src/errors/index.js'

/** When and how often a request is made again. */
export interface RetryPolicy {
  /** Tries in all. */
  readonly attempts: number
  /** The wait after the first failure; it doubles with each further one. */
  readonly baseMs: number
  readonly maxMs: number
  /** The longest `Retry-After` that is waited for; a registry that asks for more is believed, and the call fails at once. */
  readonly maxRetryAfterMs: number
}

/** Five tries, as Docker's `max-download-attempts`. */
export const defaultRetryPolicy: RetryPolicy = { attempts: 5, baseMs: 300, maxMs: 8_000, maxRetryAfterMs: 30_000 }

/** The part of an error's details by which a failure says that trying again may help. */
interface RetryDetails {
  readonly retryable?: boolean
  readonly retryAfterMs?: number
}

/** Whether trying again may help. */
export function isRetryable(error: unknown): boolean {
  return retryDetails(error).retryable === true
}

function retryDetails(error: unknown): RetryDetails {
  return EngineError.is(error) ? error.details : {}
}

/**
 * Wait before the next try.
 *
 * @param failures how many tries failed in a row, from 1
 * @returns false, at once, where there is no point: not retryable, too many, or the server wants a longer wait than allowed
 */
export async function waitToRetry(
  error: unknown,
  options: { readonly policy: RetryPolicy; readonly failures: number; readonly signal: AbortSignal }
): Promise<boolean> {
  const { policy, failures, signal } = options
  if (!isRetryable(error) || failures >= policy.attempts) return false
  const { retryAfterMs } = retryDetails(error)
  if (retryAfterMs !== undefined && retryAfterMs > policy.maxRetryAfterMs) return false
  const ceiling = Math.min(policy.maxMs, policy.baseMs * 2 ** (failures - 1))
  // Half fixed, half random: clients that failed together do not come back together.
  await sleep(retryAfterMs ?? ceiling * (0.5 + Math.random() / 2), signal)
  return true
}

/** Do it until it works, fails for good, or was tried often enough. */
export async function withRetries<T>(policy: RetryPolicy, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work()
    } catch (error) {
      if (!(await waitToRetry(error, { policy, failures, signal }))) throw error
    }
  }
}

/** @throws the signal's reason when it fires first */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const abort = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal.addEventListener('abort', abort, { once: true })
  })
}
