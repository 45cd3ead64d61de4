import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { once } from '../../src/util/once.js'
import type { Host, HostProcess } from '../host/host.js'

/**
 * Ends the containers of a session whose process dies without closing it, SIGKILL included. What they leave on disk is
 * removed by whoever opens the data root next.
 */
export interface Watchdog {
  /** From now on the container ends with this process. Resolves when that is certain. */
  guard(containerId: string): Promise<void>
  /** The container has ended by itself. Idempotent. */
  release(containerId: string): Promise<void>
  /** Nothing is guarded any more. Idempotent. */
  close(): Promise<void>
}

/**
 * A shell that waits for the end of its standard input, a pipe whose other end only this process holds; then it deletes every container
 * that a file of the session's folder names. `$1` folder, `$2` OCI runtime, `$3` its state root.
 */
const program = `read -r _
for file in "$1"/*; do
  [ -e "$file" ] && "$2" --root "$3" delete --force "\${file##*/}"
done
rm -rf "$1"`

export interface WatchdogOptions {
  readonly host: Host
  /** A folder for this session alone. Layout: one empty file for each guarded container, named by its id. */
  readonly folder: string
  readonly ociRuntime: string
  readonly ociStateRoot: string
}

/** The shell starts with the first container that is guarded. */
export function createWatchdog(options: WatchdogOptions): Watchdog {
  const { host, folder } = options
  let running: Promise<{ readonly process: HostProcess; readonly pipe: number }> | undefined
  return {
    async guard(containerId) {
      running ??= start(options)
      await running
      await writeFile(join(folder, containerId), '')
    },
    release: containerId => rm(join(folder, containerId), { force: true }),
    close: once(async () => {
      if (running === undefined) return
      await rm(folder, { recursive: true, force: true })
      const { process, pipe } = await running
      host.closeFd(pipe)
      process.ref()
      await process.exited
    })
  }
}

async function start({ host, folder, ociRuntime, ociStateRoot }: WatchdogOptions) {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { read, write } = await host.pipe()
  try {
    const process = await host.spawn({
      argv: ['/bin/sh', '-c', program, 'gantry-watchdog', folder, ociRuntime, ociStateRoot],
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: [read, 'ignore', 'ignore'],
      background: true
    })
    return { process, pipe: write }
  } catch (error) {
    host.closeFd(write)
    throw error
  } finally {
    host.closeFd(read)
  }
}
