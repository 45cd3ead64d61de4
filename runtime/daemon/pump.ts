import type { Writable } from 'node:stream'

/**
 * Write everything to a sink, no faster than it takes it. Ends when the source does, or the sink is closed, or `signal` is aborted; the
 * source is let go of in every case.
 */
export async function pump(source: AsyncIterable<Uint8Array>, sink: Writable, signal: AbortSignal): Promise<void> {
  const iterator = source[Symbol.asyncIterator]()
  let isGone = signal.aborted || sink.destroyed
  // What is being waited for, one thing at a time: racing each step with one long-lived promise would make that promise grow.
  let wake: () => void = () => {}
  const leave = (): void => {
    isGone = true
    wake()
  }
  sink.once('close', leave)
  signal.addEventListener('abort', leave)
  const next = () =>
    new Promise<IteratorResult<Uint8Array, unknown> | undefined>((resolve, reject) => {
      wake = () => resolve(undefined)
      iterator.next().then(resolve, reject)
    })
  const drained = () =>
    new Promise<void>(resolve => {
      wake = resolve
      sink.once('drain', resolve)
    })
  try {
    while (!isGone) {
      const result = await next()
      if (result === undefined || result.done) return
      if (result.value.length > 0 && !sink.write(result.value) && !isGone) await drained()
    }
  } finally {
    sink.off('close', leave)
    signal.removeEventListener('abort', leave)
    // Not awaited: a source that is in the middle of waiting gives everything back when that ends, which the signal sees to.
    void Promise.resolve(iterator.return?.()).catch(() => {})
  }
}
