import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecConfig, Frame, Hijacked } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { deferred } from '../../src/util/deferred.js'
import { Unwind } from '../../src/util/unwind.js'
import type { ExecRun } from '../oci/exec-process.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import { defaultDetachKeys, detachable, parseDetachKeys } from './detach-keys.js'
import { containerAttributes } from './event-attributes.js'
import { cannotStart, execFailure } from './exec-failure.js'
import { execSpec } from './exec-spec.js'
import type { Exec } from './execs.js'
import { LiveContainer } from './live-container.js'
import { openStdio, type Stdio } from './open-stdio.js'
import type { PreparedExec } from './prepared-execs.js'
import { rewired } from './rewired.js'

/**
 * Set up a process for a running container.
 *
 * @throws EngineError `not_found`, `conflict` (it does not run, or is paused), `invalid_argument` (no command), `failed` (detach keys that
 *   are none)
 */
export function createExec(context: ContainerContext, idOrName: string, settings: ExecConfig): Exec {
  const record = context.store.get(idOrName)
  refuseNotRunning(record, idOrName)
  const argv = settings.Cmd ?? []
  if (argv.length === 0) throw new EngineError('invalid_argument', 'No exec command specified', { details: { field: 'Cmd' } })
  const detachKeys = settings.DetachKeys ? parseDetachKeys(settings.DetachKeys) : undefined
  if (settings.DetachKeys && detachKeys === undefined) {
    throw new EngineError('failed', `Invalid escape keys (${settings.DetachKeys}) provided`, {
      details: { field: 'DetachKeys', value: settings.DetachKeys }
    })
  }
  context.cgroupAttach.expect()
  const exec: Exec = {
    id: randomBytes(32).toString('hex'),
    containerId: record.id,
    containerStartedAt: record.state.startedAt,
    settings,
    argv,
    io: new LiveContainer({ tty: settings.Tty ?? false, stdinOnce: true }),
    detachKeys,
    launched: deferred<void>(),
    state: { status: 'created', pid: 0 }
  }
  context.execs.add(exec)
  publish(context, record, exec, actionOf('exec_create', exec))
  return exec
}

/**
 * Start it, connected to its streams as it was set up. What hinders the process is told on its output, as dockerd tells it. The connection is
 * there before the process, as with dockerd: clients that read an answer's header and its first output in one go lose the output (docker-py).
 */
export async function startExec(
  context: ContainerContext,
  id: string,
  options: { readonly consoleSize?: readonly number[] } = {}
): Promise<Hijacked> {
  const exec = findExec(context, id)
  const record = claim(context, exec)
  const { AttachStdin = false, AttachStdout = false, AttachStderr = false } = exec.settings
  const connection = exec.io.attach({ stdin: AttachStdin, stdout: AttachStdout, stderr: AttachStderr })
  const failure = launch(context, record, exec, options.consoleSize).then(
    () => undefined,
    (error: unknown) => ({ error })
  )
  const whole = withLastWords(connection, failure)
  if (!exec.io.tty || !AttachStdin) return whole
  return detachable(whole, exec.detachKeys ?? defaultDetachKeys, () => publish(context, record, exec, 'exec_detach'))
}

/** Start it, connected to nothing. @throws EngineError what hinders it */
export async function startDetached(context: ContainerContext, id: string): Promise<void> {
  const exec = findExec(context, id)
  await launch(context, claim(context, exec), exec, undefined)
}

/** A process in a container, its output and its end: what health checks do. */
export interface ExecOutcome {
  readonly exitCode: number
  /** Both streams as they came, the first so many bytes. */
  readonly output: string
}

/**
 * Run a process in a container and wait for its end. When `signal` is aborted the process is killed.
 *
 * @throws EngineError as {@link createExec}, and what hinders the start; the signal's reason
 */
export async function execInContainer(
  context: ContainerContext,
  idOrName: string,
  settings: ExecConfig,
  options: { readonly signal: AbortSignal; readonly outputLimitBytes: number }
): Promise<ExecOutcome> {
  const { signal, outputLimitBytes } = options
  signal.throwIfAborted()
  const exec = createExec(context, idOrName, { ...settings, AttachStdout: true, AttachStderr: true })
  const record = claim(context, exec)
  const connection = exec.io.attach({ stdin: false, stdout: true, stderr: true })
  const kill = () => killExec(exec)
  signal.addEventListener('abort', kill)
  try {
    await launch(context, record, exec, undefined)
    if (signal.aborted) kill()
    const pieces: Uint8Array[] = []
    let bytes = 0
    for await (const { data } of connection.output) {
      if (bytes < outputLimitBytes) pieces.push(data.subarray(0, outputLimitBytes - bytes))
      bytes += data.length
    }
    signal.throwIfAborted()
    return { exitCode: exec.state.exitCode ?? cannotStart, output: Buffer.concat(pieces).toString('utf8') }
  } finally {
    signal.removeEventListener('abort', kill)
    await connection.close()
  }
}

/** End an exec's process, where there is one. */
export function killExec({ state }: Exec): void {
  if (state.status !== 'running') return
  try {
    process.kill(state.pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/**
 * Set the size of an exec's terminal, once it is there; without a terminal there is nothing to set.
 *
 * @throws EngineError `not_found`, of one that has ended too; `failed` where it is not started in time
 */
export async function resizeExec(
  context: ContainerContext,
  id: string,
  size: { readonly columns: number; readonly rows: number }
): Promise<void> {
  const exec = findExec(context, id)
  const late = new AbortController()
  const isLate = sleep(startPatienceMs, true, { signal: late.signal, ref: false }).catch(() => false)
  if (await Promise.race([exec.launched.promise.then(() => false), isLate])) {
    throw new EngineError('failed', 'timeout waiting for exec session ready', { details: { exec: exec.id } })
  }
  late.abort()
  if (exec.state.status === 'exited') throw new EngineError('not_found', 'no such exec', { details: { exec: exec.id } })
  if (exec.io.terminalFd !== undefined) context.host.resizeTerminal(exec.io.terminalFd, size)
}

/**
 * An exec by its id. One that was set up for an earlier run of its container, and never started, went with that run.
 *
 * @throws EngineError `not_found`
 */
export function findExec(context: ContainerContext, id: string): Exec {
  const exec = context.execs.get(id)
  const record = context.store.find(exec.containerId)
  const isOver =
    exec.state.status === 'created' && (record?.state.status !== 'running' || record.state.startedAt !== exec.containerStartedAt)
  if (record !== undefined && !isOver) return exec
  context.execs.remove(exec.id)
  throw new EngineError('not_found', `No such exec instance: ${id}`, { details: { exec: id } })
}

function claim(context: ContainerContext, exec: Exec): ContainerRecord {
  const record = context.store.find(exec.containerId)
  if (record === undefined)
    throw new EngineError('not_found', `No such container: ${exec.containerId}`, { details: { container: exec.containerId } })
  refuseNotRunning(record, record.id)
  if (exec.state.status !== 'created') {
    const why = exec.state.status === 'running' ? 'is already running' : 'has already run'
    throw new EngineError('conflict', `Error: Exec command ${exec.id} ${why}`, { details: { exec: exec.id } })
  }
  // A second start finds it taken, however soon it comes.
  exec.state = { status: 'running', pid: 0 }
  return record
}

function refuseNotRunning({ id, state }: ContainerRecord, asked: string): void {
  if (state.status === 'running' && !state.paused) return
  const why = state.paused ? `Container ${asked} is paused, unpause the container before exec` : `Container ${id} is not running`
  throw new EngineError('conflict', why, { details: { id } })
}

async function launch(
  context: ContainerContext,
  record: ContainerRecord,
  exec: Exec,
  consoleSize: readonly number[] | undefined
): Promise<void> {
  const { host, oci, paths } = context
  const { settings, io } = exec
  const folder = join(paths.bundle(record.id), `exec-${exec.id.slice(0, 12)}`)
  const unwind = new Unwind()
  context.cgroupAttach.expect()
  publish(context, record, exec, actionOf('exec_start', exec))
  try {
    const prepared = isPlain(exec) ? await context.preparedExecs.take(record) : undefined
    if (prepared !== undefined) {
      unwind.add(() => void prepared.unwind.run())
      await follow(context, record, exec, { stdio: prepared.stdio, run: await startPrepared(context, record, exec, prepared) })
      return
    }
    const needsFolder = io.tty || oci.name !== 'crun'
    if (needsFolder) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      unwind.add(() => rmSync(folder, { recursive: true, force: true }))
    }
    const socketPath = join(folder, 'tty')
    const stdio = await openStdio(host, { tty: io.tty, openStdin: settings.AttachStdin ?? false, socketPath }, unwind)
    const run = await oci.exec({
      id: record.id,
      folder,
      process: () => execSpec(context, record, { settings, argv: exec.argv, consoleSize }),
      oomScoreAdj: record.hostConfig.OomScoreAdj ?? 0,
      stdio: stdio.child,
      ...(stdio.consoleSocket && { consoleSocket: stdio.consoleSocket.path })
    })
    stdio.spawned()
    await follow(context, record, exec, { stdio, run, ...(needsFolder && { folder }) })
  } catch (error) {
    await unwind.run()
    exec.state = { status: 'exited', pid: 0, exitCode: cannotStart }
    exec.launched.resolve()
    io.finish()
    throw error
  }
}

/** Without terminal and stdin, for which nothing is prepared. */
function isPlain({ io, settings }: Exec): boolean {
  return !io.tty && !settings.AttachStdin
}

async function startPrepared(context: ContainerContext, record: ContainerRecord, exec: Exec, prepared: PreparedExec): Promise<ExecRun> {
  try {
    return prepared.exec.start(await execSpec(context, record, { settings: exec.settings, argv: exec.argv, consoleSize: undefined }))
  } catch (error) {
    prepared.exec.discard()
    throw error
  }
}

/** See it to its process, and from there to its end. */
async function follow(
  context: ContainerContext,
  record: ContainerRecord,
  exec: Exec,
  { stdio, run, folder }: { readonly stdio: Stdio; readonly run: ExecRun; readonly folder?: string }
): Promise<void> {
  const pid = await run.pid
  if (pid === undefined) throw execFailure(exec, context.oci.name, await run.failure())
  exec.state = { status: 'running', pid }
  exec.io.begin(await stdio.connect(), undefined)
  exec.launched.resolve()
  void watch(context, record, exec, run.process.exited, folder)
}

async function watch(
  context: ContainerContext,
  record: ContainerRecord,
  exec: Exec,
  exited: Promise<{ readonly code: number | null }>,
  folder: string | undefined
): Promise<void> {
  const { code } = await exited
  // What it has started may hold its output open; the exec is over with its own process.
  await Promise.race([exec.io.drained, new Promise(resolve => setTimeout(resolve, drainGraceMs).unref())])
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  const exitCode = code ?? 137
  // Whoever sees the end of the output finds the exit code.
  exec.state = { status: 'exited', pid: exec.state.pid, exitCode }
  const now = context.store.find(record.id)
  publish(context, now ?? record, exec, 'exec_die', { exitCode: String(exitCode) })
  exec.io.finish()
  if (now !== undefined && isPlain(exec)) context.preparedExecs.ended(now)
}

const drainGraceMs = 500

/** Docker's, for a terminal whose size is set before its process is there. */
const startPatienceMs = 10_000

/** A connection that says at its end why there was no process, where there was none. */
function withLastWords(connection: Hijacked, failure: Promise<{ readonly error: unknown } | undefined>): Hijacked {
  async function* output(): AsyncGenerator<Frame, void, undefined> {
    yield* connection.output
    const failed = await failure
    if (failed === undefined) return
    const { error } = failed
    yield { stream: 'stdout', data: Buffer.from(`${error instanceof Error ? error.message : String(error)}\r\n`) }
  }
  return rewired(connection, { output: output() })
}

/** Docker puts the command into the event's name, arguments after a blank whether there are any or not. */
function actionOf(action: string, { argv }: Exec): string {
  const [program = '', ...rest] = argv
  return `${action}: ${program} ${rest.join(' ')}`
}

function publish(
  context: ContainerContext,
  record: ContainerRecord,
  exec: Exec,
  action: string,
  more: Readonly<Record<string, string>> = {}
): void {
  const attributes = { ...containerAttributes(record), execID: exec.id, ...more }
  context.events.publish({ Type: 'container', Action: action, id: record.id, attributes })
}
