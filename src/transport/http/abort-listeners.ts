interface Shared {
  readonly listeners: Set<() => void>
  readonly fire: () => void
}

const sharedBySignal = new WeakMap<AbortSignal, Shared>()

/**
 * Hear of an abort, once. Returns the function that stops listening.
 *
 * All calls under one signal share one listener on it: fifty of them are ordinary, and Node warns of a leak from the
 * eleventh listener on. The last call to end takes the listener off, so a long-lived signal holds nothing of them.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const shared = sharedBySignal.get(signal) ?? share(signal)
  shared.listeners.add(listener)
  return () => {
    shared.listeners.delete(listener)
    if (shared.listeners.size > 0) return
    signal.removeEventListener('abort', shared.fire)
    if (sharedBySignal.get(signal) === shared) sharedBySignal.delete(signal)
  }
}

function share(signal: AbortSignal): Shared {
  const listeners = new Set<() => void>()
  const fire = (): void => {
    for (const listener of listeners) listener()
  }
  const shared = { listeners, fire }
  sharedBySignal.set(signal, shared)
  signal.addEventListener('abort', fire, { once: true })
  return shared
}
