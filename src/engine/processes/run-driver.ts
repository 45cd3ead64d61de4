import { ContainerAttach, ContainerKill, ContainerResize, ContainerStart } from '../../api/index.js'
import type { LinkedSignal } from '../../util/link-signals.js'
import { type CallLimits, openCallScope } from '../call-scope.js'
import { openContainer } from '../containers/container-handle.js'
import { createContainer, removeForGood } from '../containers/create-container.js'
import { startFailure } from '../containers/start-failure.js'
import { call, callWith, type EngineContext } from '../context.js'
import type { Container } from '../handles.js'
import type { SpecSettings } from '../images/spec-settings.js'
import type { Launched, ProcessDriver } from './foreground.js'
import { openWait } from './open-wait.js'
import type { PullPolicy, TerminalSize } from './process.js'

/** Options of `run`, checked. */
export interface RunSettings extends CallLimits {
  readonly name?: string
  readonly tty: boolean
  readonly remove: boolean
  readonly keep: boolean
  readonly pull: PullPolicy
}

/** Runs a new container in the foreground: `docker run`. */
export class RunDriver implements ProcessDriver {
  readonly argv: readonly string[]
  readonly tty: boolean
  readonly scope: LinkedSignal
  readonly owned = true
  readonly #context: EngineContext
  readonly #spec: SpecSettings
  readonly #settings: RunSettings
  #containerId: string | undefined
  #isStarted = false

  constructor(context: EngineContext, spec: SpecSettings, settings: RunSettings) {
    this.argv = spec.cmd ?? []
    this.tty = settings.tty
    this.scope = openCallScope(`run of ${spec.reference}`, settings, context.session.closing)
    this.#context = context
    this.#spec = spec
    this.#settings = settings
  }

  async launch(port: { identify(id: string): void; size(): TerminalSize | undefined }): Promise<Launched> {
    const { signal } = this.scope
    const context = this.#context
    const size = this.tty ? port.size() : undefined
    const request = { ...this.#settings, attached: true, emit: () => {}, signal, ...(size && { size }) }
    const id = await createContainer(context, this.#spec, request)
    this.#containerId = id
    port.identify(id)
    // Attached and waited for before the start: nothing it writes is missed, and its exit code is known however soon it ends.
    const attaching = callWith(context, ContainerAttach, attachInput(id), { signal, tty: this.tty })
    const wait = openWait(context, id, this.#settings.remove ? 'removed' : 'next-exit', signal)
    const [connection] = await Promise.all([attaching, wait.registered])
    const startedAt = performance.now()
    try {
      await call(context, ContainerStart, { path: { id } }, { signal })
    } catch (error) {
      await connection.close().catch(() => {})
      throw startFailure(error)
    }
    this.#isStarted = true
    return { id, connection, exit: this.#forgetting(id, wait.exit), startedAt }
  }

  /** With `remove`, the wait ends when the container is gone: the session need not remember it. */
  async #forgetting(id: string, exit: Promise<number>): Promise<number> {
    const exitCode = await exit
    if (this.#settings.remove) this.#context.session.forget('container', id)
    return exitCode
  }

  async kill(id: string, signal: NodeJS.Signals): Promise<void> {
    await call(this.#context, ContainerKill, { path: { id }, query: { signal } })
  }

  async resize(id: string, size: TerminalSize): Promise<void> {
    await call(this.#context, ContainerResize, { path: { id }, query: { w: size.columns, h: size.rows } })
  }

  container(id: string): Promise<Container> {
    const { name } = this.#settings
    // Where it publishes ports, only the engine knows on which.
    const known = this.#spec.ports === undefined && this.#spec.raw === undefined
    return openContainer(this.#context, id, known ? { tty: this.tty, ...(name !== undefined && { name }) } : {})
  }

  async abandon(): Promise<void> {
    const id = this.#containerId
    // An engine that closes removes its session's containers itself, and leaves the kept ones running.
    if (id === undefined || (this.#isStarted && this.#context.session.closing.aborted)) return
    // What fails here stays in the session, which tries again when it ends.
    await removeForGood(this.#context, id).catch(() => {})
  }
}

function attachInput(id: string) {
  return { path: { id }, query: { stream: true, stdin: true, stdout: true, stderr: true } }
}
