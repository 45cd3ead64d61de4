import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecConfig, Frame, Hijacked } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { AsyncQueue } from '../../src/util/async-queue.js'
import { Unwind } from '../../src/util/unwind.js'
import type { ContainerContext } from './container-context.js'
import type { ContainerRecord } from './container-record.js'
import { containerAttributes } from './event-attributes.js'
import { execSpec } from './exec-spec.js'
import type { Exec } from './execs.js'
import { LiveContainer } from './live-container.js'
import { openStdio } from './open-stdio.js'

/** What dockerd says an exec ended with that could not be started. */
const cannotStart = 126

/**
 * Set up a process for a running container.
 *
 * @throws EngineError `not_found`, `conflict` (it does not run, or is paused), `invalid_argument` (no command)
 */
export function createExec(context: ContainerContext, idOrName: string, settings: ExecConfig): Exec {
  const record = context.store.get(idOrName)
  refuseNotRunning(record, idOrName)
  const [program = '', ...rest] = settings.Cmd ?? []
  if (program === '') throw new EngineError('invalid_argument', 'No exec command specified', { details: { field: 'Cmd' } })
  context.cgroupAttach.expect()
  const exec: Exec = {
    id: randomBytes(32).toString('hex'),
    containerId: record.id,
    settings,
    argv: [program, ...rest],
    io: new LiveContainer({ tty: settings.Tty ?? false, stdinOnce: true }),
    state: { status: 'created', pid: 0 }
  }
  context.execs.add(exec)
  publish(context, record, exec, `exec_create: ${exec.argv.join(' ')}`)
  return exec
}

/** Start it, connected to its streams as it was set up. What hinders the process is told on its output, as dockerd tells it. */
export async function startExec(
  context: ContainerContext,
  id: string,
  options: { readonly consoleSize?: readonly number[] } = {}
): Promise<Hijacked> {
  const exec = context.execs.get(id)
  const record = claim(context, exec)
  const { AttachStdin = false, AttachStdout = false, AttachStderr = false } = exec.settings
  const connection = exec.io.attach({ stdin: AttachStdin, stdout: AttachStdout, stderr: AttachStderr })
  try {
    await launch(context, record, exec, options.consoleSize)
    return connection
  } catch (error) {
    await connection.close()
    return lastWords(exec.io.tty, error)
  }
}

/** Start it, connected to nothing. @throws EngineError what hinders it */
export async function startDetached(context: ContainerContext, id: string): Promise<void> {
  const exec = context.execs.get(id)
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

/** Set the size of an exec's terminal. @throws EngineError `not_found`, `conflict` where there is no terminal */
export function resizeExec(context: ContainerContext, id: string, size: { readonly columns: number; readonly rows: number }): void {
  const { io } = context.execs.get(id)
  if (io.terminalFd === undefined)
    throw new EngineError('conflict', `exec ${id} has no terminal, or does not run`, { details: { exec: id } })
  context.host.resizeTerminal(io.terminalFd, size)
}

function claim(context: ContainerContext, exec: Exec): ContainerRecord {
  const record = context.store.find(exec.containerId)
  if (record === undefined)
    throw new EngineError('not_found', `No such container: ${exec.containerId}`, { details: { container: exec.containerId } })
  refuseNotRunning(record, record.id)
  if (exec.state.status !== 'created') {
    throw new EngineError('conflict', `Error: Exec command ${exec.id} has already run`, { details: { exec: exec.id } })
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
  publish(context, record, exec, `exec_start: ${exec.argv.join(' ')}`)
  try {
    const needsFolder = io.tty || oci.name !== 'crun'
    if (needsFolder) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      unwind.add(() => rmSync(folder, { recursive: true, force: true }))
    }
    const [specification, stdio] = await Promise.all([
      execSpec(context, record, { settings, argv: exec.argv, consoleSize }),
      openStdio(host, { tty: io.tty, openStdin: settings.AttachStdin ?? false, socketPath: join(folder, 'tty') }, unwind)
    ])
    const run = await oci.exec({
      id: record.id,
      folder,
      process: specification,
      stdio: stdio.child,
      ...(stdio.consoleSocket && { consoleSocket: stdio.consoleSocket.path })
    })
    stdio.spawned()
    const pid = await run.pid
    if (pid === undefined) throw failure(exec, oci.name, await run.failure())
    exec.state = { status: 'running', pid }
    io.begin(await stdio.connect(), undefined)
    void watch(context, record, exec, run.process.exited, needsFolder ? folder : undefined)
  } catch (error) {
    await unwind.run()
    exec.state = { status: 'exited', pid: 0, exitCode: cannotStart }
    io.finish()
    throw error
  }
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
  exec.state = { status: 'exited', pid: 0, exitCode }
  publish(context, context.store.find(record.id) ?? record, exec, 'exec_die', { exitCode: String(exitCode) })
  exec.io.finish()
}

const drainGraceMs = 500

function failure(exec: Exec, runtime: string, said = `${runtime} said nothing`): EngineError {
  const [program = ''] = exec.argv
  const isMissing = /not found|no such file or directory/i.test(said) && said.includes(program)
  const why = isMissing
    ? `exec: ${JSON.stringify(program)}: ${program.includes('/') ? `stat ${program}: no such file or directory` : 'executable file not found in $PATH'}`
    : /permission denied|is a directory/i.test(said)
      ? `exec: ${JSON.stringify(program)}: permission denied`
      : said
  return new EngineError('invalid_argument', `OCI runtime exec failed: exec failed: unable to start container process: ${why}: unknown`, {
    details: { exec: exec.id, runtime, said, exitCode: cannotStart }
  })
}

/** A connection that says why there is no process, and ends. */
function lastWords(tty: boolean, error: unknown): Hijacked {
  const output = new AsyncQueue<Frame>({ limit: 1 })
  output.push({ stream: 'stdout', data: Buffer.from(`${error instanceof Error ? error.message : String(error)}\r\n`) })
  output.end()
  const nothing = async () => {}
  return { tty, output, write: nothing, closeWrite: nothing, close: nothing, [Symbol.asyncDispose]: nothing }
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
