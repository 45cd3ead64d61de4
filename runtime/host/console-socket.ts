import { closeSync, constants, openSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { basename, dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { EngineError } from '../../src/errors/engine-error.js'
import type { ConsoleSocket } from './host.js'
import { type Kernel, openPath } from './kernel.js'

/** `sun_path` has 108 bytes with the terminating zero. */
const pathBytes = 107
const longestPauseMs = 20

/**
 * Listen for the one descriptor that an OCI runtime sends over its `--console-socket`: the master side of the
 * container's terminal (runtime-spec, "Console"; one message with SCM_RIGHTS).
 *
 * A path longer than a socket address takes goes through a descriptor of its folder, and `path` of the result says how
 * to reach it from other processes.
 *
 * @throws EngineError `invalid_argument` when the file's name alone is too long
 */
export async function openConsoleSocket(kernel: Kernel, socketPath: string): Promise<ConsoleSocket> {
  rmSync(socketPath, { force: true })
  const address = socketAddress(socketPath)
  const server = createServer({ pauseOnConnect: true })
  try {
    await listening(server, address.own)
  } catch (error) {
    address.release()
    throw error
  }
  const closed = new AbortController()
  const close = () => {
    if (closed.signal.aborted) return
    closed.abort()
    server.close()
    rmSync(socketPath, { force: true })
    address.release()
  }
  const master = acceptMaster(kernel, server, closed.signal).finally(close)
  // Whoever closes before asking for the terminal must not be punished with an unhandled rejection.
  master.catch(() => undefined)
  return { path: address.shared, master, close }
}

interface SocketAddress {
  /** For this process. */
  readonly own: string
  /** For others. */
  readonly shared: string
  release(): void
}

function socketAddress(path: string): SocketAddress {
  if (Buffer.byteLength(path) <= pathBytes) return { own: path, shared: path, release: () => undefined }
  const fd = openSync(dirname(path), openPath | constants.O_DIRECTORY)
  const address: SocketAddress = {
    own: `/proc/self/fd/${fd}/${basename(path)}`,
    shared: `/proc/${process.pid}/fd/${fd}/${basename(path)}`,
    release: () => closeSync(fd)
  }
  if (Buffer.byteLength(address.shared) <= pathBytes) return address
  address.release()
  throw new EngineError('invalid_argument', `a socket's file name may have some 70 bytes, this one has more: ${basename(path)}`)
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Rejects with `unavailable` once `closed` is aborted. */
function acceptMaster(kernel: Kernel, server: Server, closed: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new EngineError('unavailable', 'the OCI runtime ended before it sent the terminal'))
    closed.addEventListener('abort', giveUp, { once: true })
    server.once('connection', socket => {
      receiveMaster(kernel, socket, closed)
        .then(resolve, reject)
        .finally(() => socket.destroy())
    })
  })
}

async function receiveMaster(kernel: Kernel, socket: Socket, closed: AbortSignal): Promise<number> {
  const fd = descriptorOf(socket)
  for (let pauseMs = 1; !closed.aborted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const received = kernel.receiveFd(fd)
    if (received === 'closed') break
    if (received !== 'pending') return received
    await delay(pauseMs)
  }
  throw new EngineError('unavailable', 'the OCI runtime closed its console socket before it sent the terminal')
}

/** Node has no public way to the descriptor of a socket; this one has been there since its first versions. */
function descriptorOf(socket: Socket): number {
  const handle: unknown = '_handle' in socket ? socket._handle : undefined
  const fd = typeof handle === 'object' && handle !== null && 'fd' in handle ? handle.fd : undefined
  if (typeof fd === 'number' && fd >= 0) return fd
  throw new EngineError('not_supported', `this Node.js (${process.version}) does not tell the descriptor of a socket`)
}
