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
    const follow = (): void => abort(source.reason)
    source.addEventListener('abort', follow, { once: true })
    undo.push(() => source.removeEventListener('abort', follow))
  }
  return { signal: controller.signal, abort, release }
}
