import { type MessagePort, parentPort } from 'node:worker_threads'
import { openKernel } from './koffi-kernel.js'
import { launcherCalls } from './launcher-calls.js'
import type { RequestMessage, ThreadMessage } from './launcher-protocol.js'
import { enterPrivateMounts } from './private-mounts.js'
import { toWire } from './wire-error.js'

/**
 * The launcher thread. Its mount namespace is its own, that of every other thread of the process is the host's: so only
 * synchronous calls here see what is mounted. Node's asynchronous file system calls run in pool threads, on the host's
 * mounts, and must not be used.
 */
async function main(port: MessagePort): Promise<void> {
  const post = (message: ThreadMessage) => port.postMessage(message)
  try {
    const kernel = await openKernel()
    enterPrivateMounts(kernel)
    const calls = launcherCalls(kernel)
    port.on('message', (request: RequestMessage) => {
      void calls(request).then(
        value => post({ kind: 'response', id: request.id, value }),
        error => post({ kind: 'response', id: request.id, error: toWire(error) })
      )
    })
    post({ kind: 'ready' })
  } catch (error) {
    post({ kind: 'ready', error: toWire(error) })
  }
}

if (parentPort !== null) void main(parentPort)
