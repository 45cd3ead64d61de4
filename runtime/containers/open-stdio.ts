import type { Unwind } from '../../src/util/unwind.js'
import type { ConsoleSocket, Host } from '../host/host.js'
import { type ProcessStreams, pipeStreams, terminalStreams } from './live-container.js'

/** The standard streams of a process that is about to be made. */
export interface Stdio {
  /** What the process inherits. */
  readonly child: readonly [number | 'ignore', number | 'ignore', number | 'ignore']
  readonly consoleSocket?: ConsoleSocket
  /** This process's read ends of its output, where it has pipes. */
  readonly outputs?: readonly [stdout: number, stderr: number]
  /** This process's write end of its stdin, where it has a pipe for that. */
  readonly stdin?: number
  /** The process has its ends: ours of them are closed, or the end of a stream would never be seen. */
  spawned(): void
  /** This process's ends as streams, which own the descriptors from then on. */
  connect(): Promise<ProcessStreams>
}

/** A terminal, or two or three pipes. */
export async function openStdio(
  host: Host,
  options: { readonly tty: boolean; readonly openStdin: boolean; readonly socketPath: string },
  unwind: Unwind
): Promise<Stdio> {
  return options.tty ? openTerminal(host, options.socketPath, unwind) : openPipes(host, options.openStdin, unwind)
}

async function openTerminal(host: Host, socketPath: string, unwind: Unwind): Promise<Stdio> {
  const consoleSocket = await host.openConsole(socketPath)
  unwind.add(() => consoleSocket.close())
  return {
    child: ['ignore', 'ignore', 'ignore'],
    consoleSocket,
    spawned: () => {},
    connect: async () => {
      const streams = terminalStreams(await consoleSocket.master)
      consoleSocket.close()
      return streams
    }
  }
}

async function openPipes(host: Host, openStdin: boolean, unwind: Unwind): Promise<Stdio> {
  const open = new Set<number>()
  const close = (fds: readonly number[]) => {
    for (const fd of fds) if (open.delete(fd)) host.closeFd(fd)
  }
  unwind.add(() => close([...open]))
  const pipe = async () => {
    const ends = await host.pipe()
    open.add(ends.read).add(ends.write)
    return ends
  }
  const [stdin, stdout, stderr] = await Promise.all([openStdin ? pipe() : undefined, pipe(), pipe()])
  return {
    child: [stdin?.read ?? 'ignore', stdout.write, stderr.write],
    outputs: [stdout.read, stderr.read],
    ...(stdin && { stdin: stdin.write }),
    spawned: () => close([...(stdin ? [stdin.read] : []), stdout.write, stderr.write]),
    connect: async () => {
      open.clear()
      return pipeStreams({ ...(stdin && { stdin: stdin.write }), stdout: stdout.read, stderr: stderr.read })
    }
  }
}
