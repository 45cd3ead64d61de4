import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { EngineError } from '../../src/errors/index.js'
import type { Host, HostCommand, HostProcess } from '../host/host.js'
import { type PidChannel, pidFile, pidPipe } from './pid-channel.js'

/** A bundle to run: a folder with config.json, and where the process's streams go. */
export interface RunRequest {
  readonly id: string
  readonly bundle: string
  /** The process's standard streams: descriptors of this process, or 'ignore' for /dev/null. Unused with a terminal. */
  readonly stdio: readonly [number | 'ignore', number | 'ignore', number | 'ignore']
  /** Where the runtime sends the terminal's master side. */
  readonly consoleSocket?: string
}

/** A bundle on its way. */
export interface Run {
  /** The runtime in the foreground: it lives as long as the container's process and ends with its exit code. */
  readonly process: HostProcess
  /** The container's process, as soon as it is set up. Undefined when the runtime ended before that. Never rejects. */
  readonly pid: Promise<number | undefined>
}

/** Drives an OCI runtime through the command line that crun, runc and others share. */
export interface OciRuntime {
  readonly path: string
  readonly name: string
  run(request: RunRequest): Promise<Run>
  /** Remove what the runtime knows of a container, its processes and cgroups included. Idempotent. */
  remove(id: string): Promise<void>
  /** What the runtime said when it could not start the bundle; undefined when it said nothing. */
  failure(bundle: string): Promise<string | undefined>
}

/** Runtimes need a PATH to find their helpers, and nothing of the caller's environment. */
const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }

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
  const executable = isCrun(path) ? await host.sealProgram(path) : path
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
    env: environment,
    cwd: request.bundle,
    stdio: [...request.stdio, ...channel.inherited],
    // A container that runs keeps no program from ending: only a caller who waits for it does.
    background: true
  })
  return {
    path,
    name: basename(path),

    async run(request) {
      if (request.consoleSocket !== undefined && !isCrun(path)) {
        // runc and its kin take a console socket only together with --detach, and detached nobody learns the exit code.
        throw new EngineError(
          'not_implemented',
          `a terminal with the OCI runtime ${basename(path)} is not built yet: install crun, or run without tty`,
          {
            details: { runtime: path }
          }
        )
      }
      // crun writes the number into whatever it is told; runc and its kin make the file beside it and rename.
      const channel = isCrun(path) ? await pidPipe(host) : await pidFile(request.bundle)
      try {
        const process = await host.spawn(command(request, channel))
        return { process, pid: channel.pid(process.exited) }
      } catch (error) {
        channel.close()
        throw error
      }
    },

    async remove(id) {
      const process = await host.spawn({
        argv: [path, '--root', stateRoot, 'delete', '--force', id],
        env: environment,
        stdio: ['ignore', 'ignore', 'ignore']
      })
      await process.exited
    },

    async failure(bundle) {
      const messages = (await readLog(logPath(bundle))).split('\n').flatMap(line => messageOf(line))
      return messages.length === 0 ? undefined : messages.join('; ')
    }
  }
}

function isCrun(path: string): boolean {
  return basename(path).includes('crun')
}

function logPath(bundle: string): string {
  return `${bundle}/runtime.log`
}

async function readLog(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

function messageOf(line: string): string[] {
  try {
    const entry: unknown = JSON.parse(line)
    if (typeof entry !== 'object' || entry === null || !('msg' in entry)) return []
    // crun writes no level in some versions; warnings are not why a start failed.
    const level = 'level' in entry ? entry.level : 'error'
    return level === 'error' || level === 'fatal' ? [String(entry.msg)] : []
  } catch {
    return line.trim() === '' ? [] : [line]
  }
}
