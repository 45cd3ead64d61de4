/** Iterate, but leave as soon as the signal fires, also while the source keeps silent. @throws the signal's reason */
export async function* abortable<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]()
  // One listener and one pending step at a time: racing each step against a shared promise would keep every value alive.
  let fail: ((reason: unknown) => void) | undefined
  const abort = () => fail?.(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  let ended = false
  try {
    for (;;) {
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        fail = reject
        iterator.next().then(resolve, reject)
      })
      ended = next.done === true
      if (next.done === true) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', abort)
    // Not awaited: a source that hangs would hang here too.
    if (!ended) iterator.return?.()?.then(undefined, () => undefined)
  }
}
