import type { Writable } from 'node:stream'
import {
  ContainerDelete,
  ContainerInspect,
  ContainerKill,
  ContainerPause,
  ContainerRename,
  ContainerRestart,
  ContainerStart,
  ContainerStop,
  ContainerUnpause,
  ContainerWait
} from '../../api/index.js'
import type { OutputOf } from '../../api/operation.js'
import { EngineError } from '../../errors/index.js'
import { type CallLimits, checkAbortable, openCallScope } from '../call-scope.js'
import { checkBoolean, checkDuration, checkKeys, checkString, optional } from '../checks.js'
import { call, callWith, type EngineContext } from '../context.js'
import { LiveEmitter } from '../events/live-emitter.js'
import type { ContainerFiles } from '../files/files.js'
import type { Container, Image } from '../handles.js'
import type { Limits } from '../images/image.js'
import { attachProcess } from '../processes/attach-driver.js'
import { execVerb } from '../processes/exec-verb.js'
import type { ExecOptions, PipeProcess, TtyProcess } from '../processes/process.js'
import type { Abortable, Duration, PortSpec } from '../values.js'
import type {
  AttachOptions,
  CommitOptions,
  ContainerNetworks,
  ContainerProcess,
  ContainerState,
  FileChange,
  LogOptions,
  Logs,
  StatsOptions,
  StatsStream
} from './container.js'
import { commitContainer, exportContainer } from './container-export.js'
import { containerChanges, containerProcesses, updateLimits } from './container-facts.js'
import { filesOf } from './container-files.js'
import { containerLogs } from './container-logs.js'
import { networksOf } from './container-networks.js'
import { containerStats } from './container-stats.js'
import { removeForGood } from './create-container.js'
import { hostOf, type PublishedPorts, publishedPort } from './published-ports.js'
import { startFailure } from './start-failure.js'

/** What is known of a container without asking. */
export interface ContainerFacts {
  readonly id: string
  readonly name: string
  /** Undefined where a list named it: lists do not tell. */
  readonly tty?: boolean
  /** Undefined where nobody asked yet. */
  readonly ports?: PublishedPorts
  /** Whether it was told to publish any; undefined where that is not known. */
  readonly publishes?: boolean
}

/** One container of an engine. */
export class ContainerHandle extends LiveEmitter implements Container {
  readonly id: string
  readonly fs: ContainerFiles
  readonly network: ContainerNetworks
  readonly #context: EngineContext
  readonly #tty: boolean | undefined
  #name: string
  #ports: PublishedPorts | undefined
  readonly #publishes: boolean | undefined

  constructor(context: EngineContext, facts: ContainerFacts) {
    super(context.events, event => 'id' in event && event.id === facts.id)
    this.id = facts.id
    this.#context = context
    this.#name = facts.name
    this.#tty = facts.tty
    this.#ports = facts.ports
    this.#publishes = facts.publishes
    this.fs = filesOf(context, this)
    this.network = networksOf(context, this)
  }

  get name(): string {
    return this.#name
  }

  get host(): string {
    return hostOf(this.#context.transport)
  }

  port(port: PortSpec): number {
    return this.#published(port).port
  }

  url(port: PortSpec, scheme = 'http'): string {
    const { host, port: published } = this.#published(port)
    return `${checkString('url.scheme', scheme)}://${host}:${published}`
  }

  async state(options: Abortable = {}): Promise<ContainerState> {
    const { State } = await this.inspect(options)
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

  async inspect(options: Abortable = {}): Promise<OutputOf<typeof ContainerInspect>> {
    const limits = checkAbortable('inspect', checkKeys('inspect', options, ['signal', 'timeout']))
    const facts = await call(this.#context, ContainerInspect, this.#path(), limits)
    this.#ports = facts.NetworkSettings.Ports
    return facts
  }

  async start(options: Abortable = {}): Promise<void> {
    const limits = checkAbortable('start', checkKeys('start', options, ['signal', 'timeout']))
    try {
      await call(this.#context, ContainerStart, this.#path(), limits)
    } catch (error) {
      throw startFailure(error)
    }
    await this.#refreshPorts(limits)
  }

  async stop(options: Abortable & { grace?: Duration } = {}): Promise<void> {
    await this.#end('stop', ContainerStop, options)
  }

  async restart(options: Abortable & { grace?: Duration } = {}): Promise<void> {
    await this.#end('restart', ContainerRestart, options)
    await this.#refreshPorts({})
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await call(this.#context, ContainerKill, {
      ...this.#path(),
      query: { signal: checkString('kill', signal, 'text, the name of a signal') }
    })
  }

  async pause(options: Abortable = {}): Promise<void> {
    const limits = checkAbortable('pause', checkKeys('pause', options, ['signal', 'timeout']))
    await call(this.#context, ContainerPause, this.#path(), limits)
  }

  async unpause(options: Abortable = {}): Promise<void> {
    const limits = checkAbortable('unpause', checkKeys('unpause', options, ['signal', 'timeout']))
    await call(this.#context, ContainerUnpause, this.#path(), limits)
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

  async update(limits: Limits): Promise<void> {
    await updateLimits(this.#context, this.id, limits)
  }

  async remove(options: { force?: boolean; volumes?: boolean } = {}): Promise<void> {
    const given = checkKeys('remove', options, ['force', 'volumes'])
    const force = optional(checkBoolean, 'remove.force', given.force) ?? false
    const volumes = optional(checkBoolean, 'remove.volumes', given.volumes) ?? false
    await call(this.#context, ContainerDelete, { ...this.#path(), query: { force, v: volumes } })
    this.#context.session.forget('container', this.id)
  }

  exec(argv: string[], options: ExecOptions & { tty: true }): TtyProcess
  exec(argv: string[], options?: ExecOptions & { tty?: false }): PipeProcess
  exec(argv: string[], options: ExecOptions = {}): PipeProcess | TtyProcess {
    return execVerb(this.#context, this, argv, options)
  }

  attach(options: AttachOptions = {}): PipeProcess | TtyProcess {
    return attachProcess(this.#context, this, this.#tty, options)
  }

  logs(options: LogOptions = {}): Logs {
    return containerLogs(this.#context, this, this.#tty, options)
  }

  async top(): Promise<readonly ContainerProcess[]> {
    return await containerProcesses(this.#context, this.id)
  }

  stats(options: StatsOptions = {}): StatsStream {
    return containerStats(this.#context, this, options)
  }

  async changes(): Promise<readonly FileChange[]> {
    return await containerChanges(this.#context, this.id)
  }

  async export(target: string | Writable, options: Abortable = {}): Promise<void> {
    await exportContainer(this.#context, this, target, options)
  }

  async commit(reference?: string, options: CommitOptions = {}): Promise<Image> {
    return await commitContainer(this.#context, this, reference, options)
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

  #published(port: PortSpec) {
    return publishedPort({ name: this.#name, ports: this.#ports }, this.#context.transport, port)
  }

  /** Ports may be others after each start. A container that had none has none: that costs no question. */
  async #refreshPorts(limits: CallLimits): Promise<void> {
    if (this.#publishes === false) return
    try {
      const { NetworkSettings } = await call(this.#context, ContainerInspect, this.#path(), limits)
      this.#ports = NetworkSettings.Ports
    } catch (error) {
      // With AutoRemove it may have run and gone already.
      if (!EngineError.is(error) || error.code !== 'not_found') throw error
    }
  }

  #path(): { readonly path: { readonly id: string } } {
    return { path: { id: this.id } }
  }
}

/** A handle of a container that exists. What is known of it need not be asked for; who knows it knows that it publishes no ports. */
export async function openContainer(
  context: EngineContext,
  idOrName: string,
  known: { readonly name?: string; readonly tty?: boolean } = {}
): Promise<ContainerHandle> {
  const { name, tty } = known
  if (name !== undefined && tty !== undefined) return new ContainerHandle(context, { id: idOrName, name, tty, publishes: false })
  const { Id, Name, Config, HostConfig, NetworkSettings } = await call(context, ContainerInspect, { path: { id: idOrName } })
  const publishes = HostConfig?.PublishAllPorts === true || Object.keys(HostConfig?.PortBindings ?? {}).length > 0
  return new ContainerHandle(context, { id: Id, name: plainName(Name), tty: Config.Tty ?? false, ports: NetworkSettings.Ports, publishes })
}

/** A name without the slash that the Engine API puts before it. */
export function plainName(name: string): string {
  return name.replace(/^\//, '')
}
