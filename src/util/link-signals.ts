/** A signal that follows others, until it is released. */
export interface LinkedSignal {
  readonly signal: AbortSignal
  abort(reason: unknown): void
  /** Stop following. Idempotent. */
  release(): void
}

/**
 * A signal that is aborted as soon as one of `sources` is, with the same reason.
 *
 * In contrast to `AbortSignal.any` it can be let go of, so that a long-lived source does not collect listeners.
 */
export function linkSignals(...sources: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController()
  const undo: (() => void)[] = []
  const release = (): void => {
    for (const step of undo.splice(0)) step()
  }
  const abort = (reason: unknown): void => {
    release()
    controller.abort(reason)
  }
  for (const source of sources) {
    if (source === undefined) continue
    if (source.aborted) {
      abort(source.reason)
      break
    }
    undo.push(onAbort(source, () => abort(source.reason)))
  }
  return { signal: controller.signal, abort, release }
}

const followersOf = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Call `action` when `source` is aborted, until the returned function is called. Whatever the number of actions there is one listener:
 * Node takes more than ten for a leak, and warns.
 */
export function onAbort(source: AbortSignal, action: () => void): () => void {
  let followers = followersOf.get(source)
  if (followers === undefined) {
    const all = new Set<() => void>()
    source.addEventListener('abort', () => callEach(all), { once: true })
    followersOf.set(source, all)
    followers = all
  }
  const own = (): void => action()
  followers.add(own)
  return () => followers.delete(own)
}

function callEach(actions: Set<() => void>): void {
  const all = [...actions]
  actions.clear()
  for (const action of all) action()
}
