import { ContainerAttach, ContainerInspect, ContainerKill, ContainerResize } from '../../api/index.js'
import { EngineError } from '../../errors/index.js'
import type { LinkedSignal } from '../../util/link-signals.js'
import { type CallLimits, checkAbortable, openCallScope } from '../call-scope.js'
import { checkBoolean, checkKeys, optional } from '../checks.js'
import type { AttachOptions } from '../containers/container.js'
import { call, callWith, type EngineContext } from '../context.js'
import type { Container } from '../handles.js'
import { ForegroundProcess, type Launched, type ProcessDriver } from './foreground.js'
import { openWait } from './open-wait.js'
import { PipeProcessHandle } from './pipe-process.js'
import type { PipeProcess, TerminalSize, TtyProcess } from './process.js'
import { TtyProcessHandle } from './tty-process.js'

/** Connect to a container that exists: `docker attach`. */
export function attachProcess(
  context: EngineContext,
  container: Container,
  knownTty: boolean | undefined,
  options: AttachOptions
): PipeProcess | TtyProcess {
  const given = checkKeys('attach', options, ['tty', 'signal', 'timeout'])
  const limits = checkAbortable('attach', given)
  const tty = optional(checkBoolean, 'attach.tty', given.tty) ?? knownTty
  if (tty === undefined) {
    throw new EngineError(
      'invalid_argument',
      `attach.tty: this handle of ${container.name} comes from a list, which does not tell whether it has a terminal. ` +
        'Say { tty: true } or { tty: false }, or take the handle from engine.container()'
    )
  }
  const process = new ForegroundProcess(new AttachDriver(context, container, tty, limits))
  return tty ? new TtyProcessHandle(process) : new PipeProcessHandle(process)
}

/** Leaves the container alone: it was there before, and is there afterwards. */
class AttachDriver implements ProcessDriver {
  readonly argv: readonly string[] = []
  readonly tty: boolean
  readonly scope: LinkedSignal
  // Other clients may be connected as well.
  readonly owned = false
  readonly #context: EngineContext
  readonly #container: Container

  constructor(context: EngineContext, container: Container, tty: boolean, limits: CallLimits) {
    this.tty = tty
    this.scope = openCallScope(`attach to container ${container.name}`, limits, context.session.closing)
    this.#context = context
    this.#container = container
  }

  async launch(port: { identify(id: string): void }): Promise<Launched> {
    const { signal } = this.scope
    const { id } = this.#container
    port.identify(id)
    const before = await this.#inspect(signal)
    const wait = openWait(this.#context, id, 'next-exit', signal)
    const attaching = callWith(
      this.#context,
      ContainerAttach,
      { path: { id }, query: { stream: true, stdin: before.hasInput, stdout: true, stderr: true } },
      { signal, tty: this.tty }
    )
    const [connection] = await Promise.all([attaching, wait.registered])
    const startedAt = performance.now()
    // A run that ended before the wait was there is the one to tell about; the wait is for the next.
    const after = await this.#inspect(signal)
    const isOver = !after.isRunning && (before.isRunning || after.startedAt !== before.startedAt)
    return { id, connection, exit: isOver ? Promise.resolve(after.exitCode) : wait.exit, startedAt }
  }

  async kill(id: string, signal: NodeJS.Signals): Promise<void> {
    await call(this.#context, ContainerKill, { path: { id }, query: { signal } })
  }

  async resize(id: string, size: TerminalSize): Promise<void> {
    await call(this.#context, ContainerResize, { path: { id }, query: { w: size.columns, h: size.rows } })
  }

  container(): Promise<Container> {
    return Promise.resolve(this.#container)
  }

  abandon(): Promise<void> {
    return Promise.resolve()
  }

  async #inspect(signal: AbortSignal) {
    const { State, Config } = await call(this.#context, ContainerInspect, { path: { id: this.#container.id } }, { signal })
    return { isRunning: State.Running, startedAt: State.StartedAt, hasInput: Config.OpenStdin ?? false, exitCode: State.ExitCode }
  }
}
