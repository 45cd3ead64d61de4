import { closeSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { EngineError } from '../../src/errors/index.js'
import type { Host } from '../host/host.js'
import { openAnonymousFile, readAnonymousFile } from './anonymous-file.js'
import { pidFile, pidPipe } from './pid-channel.js'
import type { ExecRequest, Run } from './run.js'
import { saidIn } from './run-log.js'
import { runtimeEnvironment } from './runtime-environment.js'

/** A process on its way into a container. */
export interface ExecRun extends Run {
  /** Why there is no process, in the runtime's words; to be asked when `pid` has resolved to undefined. */
  failure(): Promise<string | undefined>
}

export interface ExecProgram {
  readonly host: Host
  readonly path: string
  /** What is executed, where that is not the path. */
  readonly executable: string
  readonly stateRoot: string
}

/** Descriptors that crun inherits after its standard streams and the one for the number. */
const processFd = 4
const logFd = 5

/**
 * Run one more process in a container, in the foreground: the runtime lives as long as the process and ends with its exit code. crun gets
 * its files as descriptors, others as names.
 */
export async function execProcess(program: ExecProgram, request: ExecRequest): Promise<ExecRun> {
  const { host, path, executable, stateRoot } = program
  const isCrun = basename(path).includes('crun')
  if (request.consoleSocket !== undefined && !isCrun) {
    throw new EngineError(
      'not_implemented',
      `a terminal with the OCI runtime ${basename(path)} is not built yet: install crun, or go without tty`,
      {
        details: { runtime: path }
      }
    )
  }
  const files = isCrun ? descriptors(request) : await names(request)
  const channel = isCrun ? await pidPipe(host) : await pidFile(request.folder)
  try {
    const score = request.process.oomScoreAdj ?? 0
    const process = await host.spawn({
      ...(score === 0 && { executable }),
      argv: [
        ...(score === 0 ? [] : scored(score)),
        path,
        '--root',
        stateRoot,
        '--log',
        files.log,
        '--log-format',
        'json',
        'exec',
        '--process',
        files.process,
        '--pid-file',
        channel.path,
        ...(request.consoleSocket === undefined ? [] : ['--console-socket', request.consoleSocket]),
        request.id
      ],
      env: runtimeEnvironment,
      stdio: [...request.stdio, ...channel.inherited, ...files.inherited],
      background: true
    })
    // After the failure, where there is one, has been read.
    void process.exited.then(() => setImmediate(files.close))
    const pid = channel.pid(process.exited)
    let said: Promise<string> | undefined
    void pid.then(number => {
      if (number === undefined) said = files.read()
    })
    return { process, pid, failure: async () => saidIn((await said) ?? '') }
  } catch (error) {
    channel.close()
    files.close()
    throw error
  }
}

/** crun gives a process that joins a container its own score: so it gets the container's first. */
function scored(score: number): readonly string[] {
  return ['/bin/sh', '-c', 'echo "$0" > /proc/self/oom_score_adj && exec "$@"', String(score)]
}

interface Files {
  readonly process: string
  readonly log: string
  readonly inherited: readonly number[]
  read(): Promise<string>
  close(): void
}

function descriptors({ process }: ExecRequest): Files {
  const settings = openAnonymousFile(JSON.stringify(process))
  const log = openAnonymousFile()
  return {
    process: `/proc/self/fd/${processFd}`,
    log: `/proc/self/fd/${logFd}`,
    inherited: [settings, log],
    read: async () => readAnonymousFile(log).toString('utf8'),
    close: () => {
      closeSync(settings)
      closeSync(log)
    }
  }
}

async function names({ process, folder }: ExecRequest): Promise<Files> {
  const settings = join(folder, 'process.json')
  const log = join(folder, 'runtime.log')
  await writeFile(settings, JSON.stringify(process))
  return { process: settings, log, inherited: [], read: () => readFile(log, 'utf8').catch(() => ''), close: () => {} }
}
