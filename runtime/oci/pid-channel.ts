import { readSync, watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { Host } from '../host/host.js'

/** How the number of the container's process comes back from the OCI runtime. */
export interface PidChannel {
  /** For `--pid-file`. */
  readonly path: string
  /** Descriptors that the runtime inherits after its standard streams. */
  readonly inherited: readonly number[]
  /** To be called when the runtime has been spawned. Resolves to undefined when it ends without having said a number. */
  pid(ended: Promise<unknown>): Promise<number | undefined>
  /** Give everything back where the runtime could not be spawned. */
  close(): void
}

/** A pipe as the third descriptor: the number arrives without a file and without looking for one. */
export async function pidPipe(host: Pick<Host, 'pipe' | 'closeFd'>): Promise<PidChannel> {
  const { read, write } = await host.pipe()
  return {
    path: '/proc/self/fd/3',
    inherited: [write],
    pid: ended => {
      host.closeFd(write)
      const socket = new Socket({ fd: read, readable: true, writable: false })
      socket.unref()
      return new Promise(resolve => {
        let text = ''
        const finish = () => {
          socket.destroy()
          resolve(parsePid(text))
        }
        socket.setEncoding('latin1')
        socket.on('data', chunk => {
          text += chunk
          finish()
        })
        // The end of the file closes the socket, with or without a number before it.
        socket.on('close', finish)
        socket.on('error', finish)
        // Children of the runtime may hold the pipe too, so the end of the runtime counts and not the end of the file. Its end can be
        // known before the loop has come to read what it wrote: that is in the pipe by then.
        void ended.then(() => {
          if (socket.destroyed) return
          text += readNow(read)
          finish()
        })
      })
    },
    close: () => {
      host.closeFd(read)
      host.closeFd(write)
    }
  }
}

/** A file in the bundle that appears by a rename. */
export async function pidFile(bundle: string): Promise<PidChannel> {
  const path = join(bundle, 'pid')
  const watcher = watch(bundle, { persistent: false })
  return {
    path,
    inherited: [],
    pid: ended =>
      new Promise(resolve => {
        const look = async (isLast: boolean) => {
          const pid = parsePid(await readFile(path, 'latin1').catch(() => ''))
          if (pid === undefined && !isLast) return
          watcher.close()
          resolve(pid)
        }
        watcher.on('change', () => void look(false))
        void look(false)
        void ended.then(() => look(true))
      }),
    close: () => watcher.close()
  }
}

/** What is in a non-blocking pipe. */
function readNow(fd: number): string {
  const chunk = Buffer.alloc(32)
  try {
    return chunk.toString('latin1', 0, readSync(fd, chunk))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return ''
    throw error
  }
}

function parsePid(text: string): number | undefined {
  const pid = Number.parseInt(text, 10)
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
}
