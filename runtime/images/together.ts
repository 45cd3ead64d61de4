import { setMaxListeners } from 'node:events'

/**
 * Do several things at once. The first failure stops the others by the signal that they were given, and none is left running when this returns.
 *
 * @throws what failed first; the signal's reason on abort
 */
export async function together(signal: AbortSignal, begin: (signal: AbortSignal) => readonly Promise<unknown>[]): Promise<void> {
  const stop = new AbortController()
  // Every layer listens to it, and images have up to 127.
  setMaxListeners(0, stop.signal)
  const forward = () => stop.abort(signal.reason)
  if (signal.aborted) forward()
  signal.addEventListener('abort', forward, { once: true })
  try {
    const work = begin(stop.signal)
    for (const step of work) step.catch(error => stop.abort(error))
    await Promise.allSettled(work)
    if (stop.signal.aborted) throw stop.signal.reason
  } finally {
    signal.removeEventListener('abort', forward)
  }
}
