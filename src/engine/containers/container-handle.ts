import {
  ContainerDelete,
  ContainerInspect,
  ContainerKill,
  ContainerRename,
  ContainerRestart,
  ContainerStart,
  ContainerStop,
  ContainerWait
} from '../../api/index.js'
import type { OutputOf } from '../../api/operation.js'
import { checkAbortable, openCallScope } from '../call-scope.js'
import { checkBoolean, checkDuration, checkKeys, checkString, optional } from '../checks.js'
import { call, callWith, type EngineContext } from '../context.js'
import { LiveEmitter } from '../events/live-emitter.js'
import { attachProcess } from '../processes/attach-driver.js'
import type { PipeProcess, TtyProcess } from '../processes/process.js'
import type { Abortable, Duration } from '../values.js'
import type { AttachOptions, Container, ContainerState, LogOptions, Logs } from './container.js'
import { containerLogs } from './container-logs.js'
import { removeForGood } from './create-container.js'
import { startFailure } from './start-failure.js'

/** What is known of a container without asking. */
export interface ContainerFacts {
  readonly id: string
  readonly name: string
  /** Undefined where a list named it: lists do not tell. */
  readonly tty?: boolean
}

/** One container of an engine. */
export class ContainerHandle extends LiveEmitter implements Container {
  readonly id: string
  readonly #context: EngineContext
  readonly #tty: boolean | undefined
  #name: string

  constructor(context: EngineContext, facts: ContainerFacts) {
    super(context.events, event => 'id' in event && event.id === facts.id)
    this.id = facts.id
    this.#context = context
    this.#name = facts.name
    this.#tty = facts.tty
  }

  get name(): string {
    return this.#name
  }

  async state(): Promise<ContainerState> {
    const { State } = await this.inspect()
    const startedAt = new Date(State.StartedAt)
    const hasRun = !Number.isNaN(startedAt.getTime()) && startedAt.getUTCFullYear() > 1
    const hasEnded = State.Status === 'exited' || State.Status === 'dead'
    return {
      status: State.Status,
      ...(hasEnded && { exitCode: State.ExitCode }),
      ...(hasRun && { startedAt }),
      ...(State.Health && { health: State.Health.Status })
    }
  }

  inspect(): Promise<OutputOf<typeof ContainerInspect>> {
    return call(this.#context, ContainerInspect, this.#path())
  }

  async start(options: Abortable = {}): Promise<void> {
    const limits = checkAbortable('start', checkKeys('start', options, ['signal', 'timeout']))
    try {
      await call(this.#context, ContainerStart, this.#path(), limits)
    } catch (error) {
      throw startFailure(error)
    }
  }

  async stop(options: Abortable & { grace?: Duration } = {}): Promise<void> {
    await this.#end('stop', ContainerStop, options)
  }

  async restart(options: Abortable & { grace?: Duration } = {}): Promise<void> {
    await this.#end('restart', ContainerRestart, options)
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await call(this.#context, ContainerKill, {
      ...this.#path(),
      query: { signal: checkString('kill', signal, 'text, the name of a signal') }
    })
  }

  async wait(options: Abortable = {}): Promise<{ readonly exitCode: number }> {
    const limits = checkAbortable('wait', checkKeys('wait', options, ['signal', 'timeout']))
    const scope = openCallScope(`wait for container ${this.#name}`, limits, this.#context.session.closing)
    try {
      const input = { ...this.#path(), query: { condition: 'not-running' as const } }
      const { StatusCode } = await callWith(this.#context, ContainerWait, input, { signal: scope.signal })
      return { exitCode: StatusCode }
    } finally {
      scope.release()
    }
  }

  async rename(name: string): Promise<void> {
    await call(this.#context, ContainerRename, { ...this.#path(), query: { name: checkString('rename', name, 'text') } })
    this.#name = name
  }

  async remove(options: { force?: boolean; volumes?: boolean } = {}): Promise<void> {
    const given = checkKeys('remove', options, ['force', 'volumes'])
    const force = optional(checkBoolean, 'remove.force', given.force) ?? false
    const volumes = optional(checkBoolean, 'remove.volumes', given.volumes) ?? false
    await call(this.#context, ContainerDelete, { ...this.#path(), query: { force, v: volumes } })
    this.#context.session.forget(this.id)
  }

  attach(options: AttachOptions = {}): PipeProcess | TtyProcess {
    return attachProcess(this.#context, this, this.#tty, options)
  }

  logs(options: LogOptions = {}): Logs {
    return containerLogs(this.#context, this, this.#tty, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeForGood(this.#context, this.id)
  }

  async #end(
    verb: 'stop' | 'restart',
    operation: typeof ContainerStop | typeof ContainerRestart,
    options: Abortable & { grace?: Duration }
  ): Promise<void> {
    const given = checkKeys(verb, options, ['signal', 'timeout', 'grace'])
    const limits = checkAbortable(verb, given)
    const graceMs = optional(checkDuration, `${verb}.grace`, given.grace)
    const query = graceMs === undefined ? {} : { t: Math.ceil(graceMs / 1000) }
    // The engine waits as long as it was told to, or as the image says: the deadline is the caller's alone.
    await call(this.#context, operation, { ...this.#path(), query }, { timeoutMs: Number.POSITIVE_INFINITY, ...limits })
  }

  #path(): { readonly path: { readonly id: string } } {
    return { path: { id: this.id } }
  }
}

/** A handle of a container that exists. What is known of it need not be asked for. */
export async function openContainer(
  context: EngineContext,
  idOrName: string,
  known: { readonly name?: string; readonly tty?: boolean } = {}
): Promise<ContainerHandle> {
  const { name, tty } = known
  if (name !== undefined && tty !== undefined) return new ContainerHandle(context, { id: idOrName, name, tty })
  const { Id, Name, Config } = await call(context, ContainerInspect, { path: { id: idOrName } })
  return new ContainerHandle(context, { id: Id, name: plainName(Name), tty: Config.Tty ?? false })
}

/** A name without the slash that the Engine API puts before it. */
export function plainName(name: string): string {
  return name.replace(/^\//, '')
}
