import { AsyncQueue } from '../../util/async-queue.js'
import type { Sink, StreamName } from './output-mux.js'

/** A sink whose pieces wait for a loop, with backpressure. */
export function queueSink(onLeave: () => void): {
  readonly queue: AsyncQueue<{ readonly stream: StreamName; readonly chunk: Uint8Array }>
  readonly sink: Sink
} {
  const queue = new AsyncQueue<{ readonly stream: StreamName; readonly chunk: Uint8Array }>({ onLeave })
  return {
    queue,
    sink: { write: (chunk, stream) => queue.push({ stream, chunk }), end: () => queue.end(), fail: reason => queue.fail(reason) }
  }
}
