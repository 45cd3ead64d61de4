import { readFile, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { EngineError } from '../../src/errors/index.js'
import type { Host, HostCommand } from '../host/host.js'
import { type ExecRun, execProcess, isCrun, prepareExec, type WaitingExec } from './exec-process.js'
import { type GuardedRequest, type GuardedRun, runGuarded } from './guarded-run.js'
import { type PidChannel, pidFile, pidPipe } from './pid-channel.js'
import { type PreparedRun, prepareCrun } from './prepared-run.js'
import type { ExecRequest, Run, RunRequest } from './run.js'
import { logPath, saidIn } from './run-log.js'
import { runtimeEnvironment } from './runtime-environment.js'

/** Drives an OCI runtime through the command line that crun, runc and others share. */
export interface OciRuntime {
  readonly path: string
  readonly name: string
  run(request: RunRequest): Promise<Run>
  /** Start the runtime before it is known what it is to run; undefined for one that cannot be. For a process without a terminal. */
  prepare(request: Pick<RunRequest, 'id' | 'stdio'>): Promise<PreparedRun | undefined>
  /** Run a bundle so that its run outlives this process. */
  runGuarded(request: GuardedRequest): Promise<GuardedRun>
  /** Run one more process in a container that runs. */
  exec(request: ExecRequest): Promise<ExecRun>
  /** Start the runtime before it is known what it is to run in a container; undefined for one that cannot be. For a process without a terminal. */
  prepareExec(request: Pick<ExecRequest, 'id' | 'stdio'>): Promise<WaitingExec | undefined>
  /** Remove what the runtime knows of a container, its processes and cgroups included. Idempotent. */
  remove(id: string): Promise<void>
  /** What the runtime said when it could not start the bundle; undefined when it said nothing. */
  failure(bundle: string): Promise<string | undefined>
}

export interface OciRuntimeOptions {
  readonly host: Host
  readonly path: string
  /** Where the runtime keeps what it knows of its containers. */
  readonly stateRoot: string
}

export async function createOciRuntime(options: OciRuntimeOptions): Promise<OciRuntime> {
  const { host, path, stateRoot } = options
  // So that a container cannot overwrite it through /proc/self/exe, crun runs from a sealed copy of itself: it makes one and starts again at
  // every start. Started from one, it sees that and saves the time, and all containers share the memory.
  const executable = isCrun({ path }) ? await host.sealProgram(path) : path
  const command = (request: RunRequest, channel: PidChannel): HostCommand => ({
    executable,
    argv: [
      path,
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
    stdio: [...request.stdio, ...channel.inherited],
    // A container that runs keeps no program from ending: only a caller who waits for it does.
    background: true
  })
  return {
    path,
    name: basename(path),

    async run(request) {
      if (request.consoleSocket !== undefined && !isCrun({ path })) {
        // runc and its kin take a console socket only together with --detach, and detached nobody learns the exit code.
        throw new EngineError(
          'not_implemented',
          `a terminal with the OCI runtime ${basename(path)} is not built yet: install crun, or run without tty`,
          {
            details: { runtime: path }
          }
        )
      }
      await writeFile(`${request.bundle}/config.json`, JSON.stringify(request.spec))
      // crun writes the number into whatever it is told; runc and its kin make the file beside it and rename.
      const channel = isCrun({ path }) ? await pidPipe(host) : await pidFile(request.bundle)
      try {
        const process = await host.spawn(command(request, channel))
        return { process, pid: channel.pid(process.exited) }
      } catch (error) {
        channel.close()
        throw error
      }
    },

    async prepare(request) {
      return isCrun({ path }) ? prepareCrun({ host, path, executable, stateRoot }, request) : undefined
    },

    async runGuarded(request) {
      if (!isCrun({ path })) throw notWithout(path, 'a container that outlives the engine')
      await writeFile(`${request.bundle}/config.json`, JSON.stringify(request.spec))
      return runGuarded({ host, path, sealed: descriptorOf(executable), stateRoot }, request)
    },

    exec: request => execProcess({ host, path, executable, stateRoot }, request),

    prepareExec: request => prepareExec({ host, path, executable, stateRoot }, request),

    async remove(id) {
      const process = await host.spawn({
        argv: [path, '--root', stateRoot, 'delete', '--force', id],
        env: runtimeEnvironment,
        stdio: ['ignore', 'ignore', 'ignore']
      })
      await process.exited
    },

    async failure(bundle) {
      return saidIn(await readLog(logPath(bundle)))
    }
  }
}

function notWithout(path: string, what: string): EngineError {
  return new EngineError('not_implemented', `${what} is not built yet with the OCI runtime ${basename(path)}: install crun`, {
    details: { runtime: path }
  })
}

/** `/proc/self/fd/27` is 27. */
function descriptorOf(path: string): number | undefined {
  const match = /^\/proc\/self\/fd\/(\d+)$/.exec(path)
  return match === null ? undefined : Number(match[1])
}

async function readLog(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
