import { MessageChannel, type MessagePort } from 'node:worker_threads'

/**
 * Free a buffer's memory now instead of at some garbage collection; the buffer is empty afterwards.
 *
 * Blocks come and go by the hundred while a layer is downloaded and unpacked. Freed at once, the next block gets the same
 * memory, still warm in the cache; left to the collector, each touches new pages, which takes longer than inflating into them,
 * and V8 answers every few megabytes of them with a full collection of the whole heap.
 */
export function releaseMemory(buffer: ArrayBuffer): void {
  // In Node from 21; the types are older.
  const { transfer } = buffer as { readonly transfer?: (length: number) => ArrayBuffer }
  if (transfer === undefined) sinkPort().postMessage(null, [buffer])
  else transfer.call(buffer, 0)
}

let sink: MessagePort | undefined

/** A port nobody listens to: what is transferred to it is detached, and dropped. */
function sinkPort(): MessagePort {
  if (sink === undefined) {
    const { port1, port2 } = new MessageChannel()
    port2.close()
    sink = port1
  }
  return sink
}
