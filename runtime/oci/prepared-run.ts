import { closeSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Host, HostProcess } from '../host/host.js'
import { openAnonymousFile, readAnonymousFile } from './anonymous-file.js'
import { pidPipe } from './pid-channel.js'
import type { Run, RunRequest } from './run.js'
import { logPath } from './run-log.js'
import { runtimeEnvironment } from './runtime-environment.js'
import type { RuntimeSpec } from './runtime-spec.js'

/** An OCI runtime that waits for what it is to run. */
export interface PreparedRun {
  /** Goes on where it waits. To be called once. */
  run(request: { readonly bundle: string; readonly spec: RuntimeSpec }): Run
  /** It is not wanted after all: it ends without having done anything. Idempotent; nothing once it runs. */
  discard(): void
  /** It ended while it waited. */
  readonly ended: Promise<unknown>
}

/** Descriptors that crun inherits. */
const configFd = 4
const logFd = 5

export interface CrunProgram {
  readonly host: Host
  readonly path: string
  readonly executable: string
  readonly stateRoot: string
}

/**
 * crun, started ahead: its configuration is the end of a pipe, so it loads its libraries, reads its arguments, and waits. When this
 * process dies the pipe ends, and crun with it.
 */
export async function prepareCrun(crun: CrunProgram, { id, stdio }: Pick<RunRequest, 'id' | 'stdio'>): Promise<PreparedRun> {
  const { host, path, executable, stateRoot } = crun
  const [channel, config] = await Promise.all([pidPipe(host), host.pipe()])
  // Appended to for as long as it runs; a pipe could fill up, a name could be left behind.
  const log = openAnonymousFile()
  let process: HostProcess
  try {
    process = await host.spawn({
      executable,
      argv: [
        path,
        '--root',
        stateRoot,
        '--log',
        `/proc/self/fd/${logFd}`,
        '--log-format',
        'json',
        'run',
        '--bundle',
        '/',
        '--config',
        `/proc/self/fd/${configFd}`,
        '--pid-file',
        channel.path,
        id
      ],
      env: runtimeEnvironment,
      stdio: [...stdio, ...channel.inherited, config.read, log],
      background: true
    })
  } catch (error) {
    channel.close()
    host.closeFd(config.write)
    closeSync(log)
    throw error
  } finally {
    host.closeFd(config.read)
  }
  const pid = channel.pid(process.exited)
  // After the failure, where there is one, has been read from it.
  void process.exited.then(() => setImmediate(() => closeSync(log)))
  let waits = true
  return {
    ended: process.exited,
    discard() {
      if (waits) host.closeFd(config.write)
      waits = false
    },
    run({ bundle, spec }) {
      waits = false
      const text = JSON.stringify(spec)
      try {
        writeSync(config.write, text)
      } finally {
        host.closeFd(config.write)
      }
      return {
        process,
        pid: pid.then(number => {
          if (number === undefined) writeFileSync(logPath(bundle), readAnonymousFile(log))
          else completeState(join(stateRoot, id, 'config.json'), text)
          return number
        })
      }
    }
  }
}

/** crun copies its configuration for later (`crun exec` reads it) by reading it again, and from a pipe gets nothing. */
function completeState(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'r+' })
  } catch (error) {
    // The container has ended already, and crun has removed what it knew of it.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
