import { ContainerExec, ExecInspect, ExecResize, ExecStart } from '../../api/index.js'
import type { Frame, Hijacked } from '../../api/operation.js'
import { isAtLeast } from '../../api/versions.js'
import { EngineError } from '../../errors/index.js'
import { deferred } from '../../util/deferred.js'
import { type LinkedSignal, onAbort } from '../../util/link-signals.js'
import { type CallLimits, openCallScope } from '../call-scope.js'
import { call, callWith, type EngineContext } from '../context.js'
import type { Container } from '../handles.js'
import { untilExecEnded } from './exec-end.js'
import type { Launched, ProcessDriver } from './foreground.js'
import type { TerminalSize } from './process.js'

/** Options of `exec`, checked. */
export interface ExecSettings extends CallLimits {
  readonly argv: readonly string[]
  readonly tty: boolean
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly user?: string
  readonly privileged?: boolean
}

/** First version whose exec takes the terminal's size with its start. */
const sizedSince = '1.42'

/** Runs a further process in a running container: `docker exec`. */
export class ExecDriver implements ProcessDriver {
  readonly argv: readonly string[]
  readonly tty: boolean
  readonly scope: LinkedSignal
  readonly owned = true
  readonly #context: EngineContext
  readonly #container: Container
  readonly #settings: ExecSettings
  #started: string | undefined

  constructor(context: EngineContext, container: Container, settings: ExecSettings) {
    this.argv = settings.argv
    this.tty = settings.tty
    this.scope = openCallScope(`exec in container ${container.name}`, settings, context.session.closing)
    this.#context = context
    this.#container = container
    this.#settings = settings
  }

  async launch(port: { identify(id: string): void; size(): TerminalSize | undefined }): Promise<Launched> {
    const context = this.#context
    const { signal } = this.scope
    const size = this.tty ? port.size() : undefined
    const ConsoleSize = size && [size.rows, size.columns]
    const path = { id: this.#container.id }
    const { Id: id } = await call(context, ContainerExec, { path, body: this.#config(ConsoleSize) }, { signal })
    port.identify(id)
    const startedAt = performance.now()
    const body = { Detach: false, Tty: this.tty, ...(ConsoleSize && { ConsoleSize }) }
    const connection = await callWith(context, ExecStart, { path: { id }, body }, { signal, tty: this.tty })
    this.#started = id
    if (size !== undefined && !isAtLeast(context.transport.apiVersion, sizedSince)) await this.resize(id, size).catch(() => {})
    const { watched, ended } = watchOutput(connection, signal)
    const exit = ended.then(() => untilExecEnded(context, id, signal))
    exit.catch(() => {})
    return { id, connection: watched, exit, startedAt }
  }

  /** The Engine API cannot signal what was exec'd; on this host its process is known, and the kernel can. */
  async kill(id: string, signal: NodeJS.Signals): Promise<void> {
    const { transport } = this.#context
    if (transport.kind !== 'in-process') {
      throw new EngineError(
        'not_supported',
        `kill: the Engine API has no call that signals a process started by exec, and the engine is ${transport.endpoint}. ` +
          'Let its command end by itself (end its stdin, `timeout 10 command`), or stop the container'
      )
    }
    const { Running, Pid } = await call(this.#context, ExecInspect, { path: { id } })
    if (!Running || !Pid) return
    try {
      process.kill(Pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  async resize(id: string, size: TerminalSize): Promise<void> {
    await call(this.#context, ExecResize, { path: { id }, query: { w: size.columns, h: size.rows } })
  }

  container(): Promise<Container> {
    return Promise.resolve(this.#container)
  }

  async abandon(): Promise<void> {
    // What was not started leaves nothing. What was is ended where the engine can; elsewhere it goes on, as after docker exec.
    const id = this.#started
    if (id !== undefined) await this.kill(id, 'SIGKILL').catch(() => {})
  }

  #config(ConsoleSize: readonly number[] | undefined) {
    const { argv, tty, env, cwd, user, privileged } = this.#settings
    return {
      Cmd: argv,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: tty,
      ...(ConsoleSize && { ConsoleSize }),
      ...(env && { Env: Object.entries(env).map(([name, value]) => `${name}=${value}`) }),
      ...(cwd !== undefined && { WorkingDir: cwd }),
      ...(user !== undefined && { User: user }),
      ...(privileged !== undefined && { Privileged: privileged })
    }
  }
}

/** The connection, and when its output has ended: an engine tells an exec's exit code only to those who ask, so that is when to ask. */
function watchOutput(connection: Hijacked, signal: AbortSignal): { readonly watched: Hijacked; readonly ended: Promise<void> } {
  const { promise: ended, resolve, reject } = deferred<void>()
  // Whoever gives the process up does not wait for its output.
  const giveUp = (): void => reject(signal.reason)
  if (signal.aborted) giveUp()
  else onAbort(signal, giveUp)
  async function* output(): AsyncGenerator<Frame, void, undefined> {
    try {
      yield* connection.output
      resolve()
    } catch (error) {
      reject(error)
      throw error
    }
  }
  const close = (): Promise<void> => connection.close()
  const watched: Hijacked = {
    tty: connection.tty,
    output: output(),
    write: chunk => connection.write(chunk),
    closeWrite: () => connection.closeWrite(),
    close,
    [Symbol.asyncDispose]: close
  }
  return { watched, ended }
}
