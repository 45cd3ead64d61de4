import { constants, openSync } from 'node:fs'
import type { Host, HostProcess } from '../host/host.js'
import { identify, type ProcessIdentity } from '../host/process-identity.js'
import { GuardLine } from './guard-line.js'
import { guardProgram, holderProgram } from './guard-programs.js'
import { pidPipe } from './pid-channel.js'
import type { Run, RunRequest } from './run.js'
import { logPath } from './run-log.js'
import { runtimeEnvironment } from './runtime-environment.js'

/** A bundle whose run outlives this process. */
export interface GuardedRequest extends RunRequest {
  /** Where the guard writes: the container's own folder. */
  readonly folder: string
  /** The read ends of its output, where it has pipes: the guard keeps them open. */
  readonly outputs?: readonly [stdout: number, stderr: number]
}

/** A run that another process can go on with. */
export interface GuardedRun extends Run {
  readonly guard: ProcessIdentity
  readonly line: GuardLine
  /**
   * Have a process hold a descriptor for as long as the container runs: the write end of its stdin, the master side of its terminal (then
   * what nobody read of it goes to `rest`).
   */
  hold(fd: number, rest?: string): Promise<HostProcess>
}

export interface GuardedProgram {
  readonly host: Host
  readonly path: string
  /** The program, kept in sealed memory; undefined: `path` itself. */
  readonly sealed: number | undefined
  readonly stateRoot: string
}

/** Start a bundle below a guard: see guard-programs.ts. */
export async function runGuarded({ host, path, sealed, stateRoot }: GuardedProgram, request: GuardedRequest): Promise<GuardedRun> {
  const [channel, release, note] = await Promise.all([pidPipe(host), host.pipe(), host.pipe()])
  const [stdout, stderr] = request.outputs ?? (['ignore', 'ignore'] as const)
  let process: HostProcess
  try {
    process = await host.spawn({
      argv: [
        '/bin/sh',
        '-c',
        guardProgram,
        'gantry-guard',
        request.folder,
        sealed === undefined ? path : '/proc/self/fd/4',
        '--root',
        stateRoot,
        '--log',
        logPath(request.bundle),
        '--log-format',
        'json',
        'run',
        '--bundle',
        request.bundle,
        '--pid-file',
        channel.path,
        ...(request.consoleSocket === undefined ? [] : ['--console-socket', request.consoleSocket]),
        request.id
      ],
      env: runtimeEnvironment,
      cwd: request.bundle,
      stdio: [...request.stdio, ...channel.inherited, sealed ?? 'ignore', stdout, stderr, 'ignore', release.read, note.write],
      background: true
    })
  } catch (error) {
    channel.close()
    for (const fd of [release.read, release.write, note.read]) host.closeFd(fd)
    throw error
  } finally {
    host.closeFd(note.write)
  }
  const guard = identify(process.pid) ?? { pid: process.pid, startTime: '' }
  // Opened anew, and now: the line's own does not block, which a shell does not wait for, and is closed as soon as a short run has ended.
  const ended = openSync(`/proc/self/fd/${note.read}`, constants.O_RDONLY)
  const line = new GuardLine({ release: release.write, readers: [release.read, ended], note: note.read, folder: request.folder })
  // A guard that was killed writes nothing: its end is the container's as far as anybody knows.
  return {
    process: line.asProcess(process.pid),
    pid: channel.pid(line.ended),
    guard,
    line,
    release: () => line.release(),
    async hold(fd, rest = '') {
      return host.spawn({
        argv: ['/bin/sh', '-c', holderProgram, 'gantry-holder', rest],
        env: runtimeEnvironment,
        stdio: [ended, 'ignore', 'ignore', fd, release.read],
        background: true
      })
    }
  }
}
