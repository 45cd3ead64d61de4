import { closeSync, writeSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { EngineError } from '../../src/errors/index.js'
import type { Host, HostProcess } from '../host/host.js'
import { openAnonymousFile, readAnonymousFile } from './anonymous-file.js'
import { type PidChannel, pidFile, pidPipe } from './pid-channel.js'
import type { ExecRequest, Run } from './run.js'
import { saidIn } from './run-log.js'
import { runtimeEnvironment } from './runtime-environment.js'
import type { SpecProcess } from './runtime-spec.js'

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

/** A runtime that has loaded, and waits for what it is to run in a container. */
export interface WaitingExec {
  /** Resolves when the runtime is gone, started or not. */
  readonly ended: Promise<unknown>
  /** Once. */
  start(process: SpecProcess): ExecRun
  /** Idempotent; nothing after `start`. */
  discard(): void
}

/** Start crun for a container before it is known what it is to run there; undefined for other runtimes. Without a terminal. */
export async function prepareExec(program: ExecProgram, request: Pick<ExecRequest, 'id' | 'stdio'>): Promise<WaitingExec | undefined> {
  if (!isCrun(program)) return undefined
  const { host } = program
  const [files, channel] = await Promise.all([descriptors(host), pidPipe(host)])
  const process = await spawn(program, { ...request, oomScoreAdj: 0 }, files, channel)
  let isOver = false
  return {
    ended: process.exited,
    start(settings) {
      isOver = true
      return begun(process, files, channel, settings)
    },
    discard() {
      // Told nothing, it ends by itself.
      if (!isOver) begun(process, files, channel, undefined)
      isOver = true
    }
  }
}

/**
 * Run one more process in a container, in the foreground: the runtime lives as long as the process and ends with its exit code. crun gets
 * its files as descriptors, others as names.
 */
export async function execProcess(program: ExecProgram, request: ExecRequest): Promise<ExecRun> {
  const { host, path } = program
  if (request.consoleSocket !== undefined && !isCrun(program)) {
    throw new EngineError(
      'not_implemented',
      `a terminal with the OCI runtime ${basename(path)} is not built yet: install crun, or go without tty`,
      {
        details: { runtime: path }
      }
    )
  }
  const [files, channel] = isCrun(program)
    ? await Promise.all([descriptors(host), pidPipe(host)])
    : [await names(request.folder, await request.process()), await pidFile(request.folder)]
  const spawned = spawn(program, request, files, channel)
  // What it is to run is found out while it loads; without that it ends by itself.
  const [started, found] = await Promise.allSettled([spawned, isCrun(program) ? request.process() : undefined])
  if (started.status === 'rejected') throw started.reason
  const run = begun(started.value, files, channel, found.status === 'fulfilled' ? found.value : undefined)
  if (found.status === 'rejected') throw found.reason
  return run
}

async function spawn(
  { host, path, executable, stateRoot }: ExecProgram,
  request: Pick<ExecRequest, 'id' | 'stdio' | 'consoleSocket' | 'oomScoreAdj'>,
  files: Files,
  channel: PidChannel
): Promise<HostProcess> {
  const score = request.oomScoreAdj
  try {
    return await host.spawn({
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
  } catch (error) {
    channel.close()
    files.close()
    throw error
  }
}

/** Tell the runtime what to run, or that there is nothing. */
function begun(process: HostProcess, files: Files, channel: PidChannel, settings: SpecProcess | undefined): ExecRun {
  // After the failure, where there is one, has been read.
  void process.exited.then(() => setImmediate(files.close))
  files.give(settings)
  const pid = channel.pid(process.exited)
  let said: Promise<string> | undefined
  void pid.then(number => {
    if (number === undefined) said = files.read()
  })
  return { process, pid, failure: async () => saidIn((await said) ?? '') }
}

/** Whether an OCI runtime is crun, by the name of its program. */
export function isCrun({ path }: Pick<ExecProgram, 'path'>): boolean {
  return basename(path).includes('crun')
}

/** crun gives a process that joins a container its own score: so it gets the container's first. */
function scored(score: number): readonly string[] {
  return ['/bin/sh', '-c', 'echo "$0" > /proc/self/oom_score_adj && exec "$@"', String(score)]
}

interface Files {
  readonly process: string
  readonly log: string
  readonly inherited: readonly number[]
  /** What it waits for. To be called once it has been spawned. */
  give(process: SpecProcess | undefined): void
  read(): Promise<string>
  close(): void
}

async function descriptors(host: Host): Promise<Files> {
  const settings = await host.pipe()
  const log = openAnonymousFile()
  const open = new Set([settings.read, settings.write])
  const close = (fd: number) => {
    if (open.delete(fd)) host.closeFd(fd)
  }
  return {
    process: `/proc/self/fd/${processFd}`,
    log: `/proc/self/fd/${logFd}`,
    inherited: [settings.read, log],
    give(process) {
      close(settings.read)
      try {
        if (process !== undefined) writeSync(settings.write, JSON.stringify(process))
      } catch (error) {
        // It has ended already, and says why in its log.
        if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
      } finally {
        close(settings.write)
      }
    },
    read: async () => readAnonymousFile(log).toString('utf8'),
    close: () => {
      for (const fd of [...open]) close(fd)
      closeSync(log)
    }
  }
}

async function names(folder: string, process: SpecProcess): Promise<Files> {
  const settings = join(folder, 'process.json')
  const log = join(folder, 'runtime.log')
  await writeFile(settings, JSON.stringify(process))
  return { process: settings, log, inherited: [], give() {}, read: () => readFile(log, 'utf8').catch(() => ''), close() {} }
}
