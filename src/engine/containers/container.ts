import type { Writable } from 'node:stream'
import type { EventEmitter } from 'eventemitter3'
import type { ContainerInspect } from '../../api/index.js'
import type { OutputOf } from '../../api/operation.js'
import type { EngineEvents } from '../events/engine-event.js'
import type { Image, Limits } from '../images/image.js'
import type { Network } from '../networks/network.js'
import type { ExecOptions, Output, PipeProcess, TtyProcess } from '../processes/process.js'
import type { Abortable, Duration, PortSpec } from '../values.js'
import type { ContainerFiles } from './container-files.js'

/** Where a container is in its life. */
export interface ContainerState {
  readonly status: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead'
  /** Of the last run, once it has ended. */
  readonly exitCode?: number
  readonly startedAt?: Date
  readonly health?: string
}

/** A container's output so far, and from now on with `follow`. */
export interface LogOptions extends Abortable {
  /** Go on until the container ends. @default false */
  follow?: boolean
  since?: Date
  /** Only the last lines of what is there. */
  tail?: number
}

/** Log lines; `text()` gives all of it as it was written. Nothing is asked for before either is used. */
export interface Logs extends AsyncIterable<Output> {
  text(): Promise<string>
}

/** What a container uses. */
export interface Stats {
  readonly at: Date
  /** Since the sample before; 100 is one processor in full. */
  readonly cpuPercent: number
  /** Without page cache that could be given back at any time. */
  readonly memoryBytes: number
  readonly memoryLimitBytes: number
  /** Over all its networks, since its start. */
  readonly receivedBytes: number
  readonly sentBytes: number
  readonly pids: number
}

/** How often to look. */
export interface StatsOptions extends Abortable {
  /** Engines look once a second; a longer time leaves samples out, and their CPU time counts to the next. @default '1s' */
  every?: Duration
}

/** Samples while the loop runs; `now()` gives one, which takes an engine a second or two. Nothing is asked for before either is used. */
export interface StatsStream extends AsyncIterable<Stats> {
  now(): Promise<Stats>
}

/** A process of a container, as its host sees it. */
export interface ContainerProcess {
  readonly pid: number
  readonly user: string
  readonly command: string
}

/** What differs from the image. */
export interface FileChange {
  readonly path: string
  readonly kind: 'added' | 'changed' | 'deleted'
}

/** How to make an image of a container. */
export interface CommitOptions extends Abortable {
  message?: string
  author?: string
  /** Dockerfile instructions, such as `CMD ["server"]`. */
  changes?: string[]
}

/** A place in a network. */
export interface ConnectOptions extends Abortable {
  /** Further names it is found by. */
  alias?: string | string[]
  ipv4?: string
  ipv6?: string
}

/** A container's networks. */
export interface ContainerNetworks {
  /** `docker network connect`, while it runs as well. */
  connect(network: Network, options?: ConnectOptions): Promise<void>
  /** `docker network disconnect` */
  disconnect(network: Network, options?: Abortable): Promise<void>
}

/** What `attach` can be told. */
export interface AttachOptions extends Abortable {
  /** Whether the container has a terminal. Only a handle from a list has to be told. */
  tty?: boolean
}

/**
 * A container. As an emitter it announces its own events; the stream behind that is open while there are listeners, and does not hold the
 * event loop.
 */
export interface Container extends EventEmitter<EngineEvents>, AsyncDisposable {
  readonly id: string
  readonly name: string
  /** Where its published ports are reached: an address of this machine, or the engine's host. */
  readonly host: string
  /** The port by which a container's port is reached on `host`. @throws EngineError `not_found` where it is not published */
  port(port: PortSpec): number
  /** As `http://host:port`. @default scheme http. @throws EngineError `not_found` */
  url(port: PortSpec, scheme?: string): string
  state(options?: Abortable): Promise<ContainerState>
  /** Everything the Engine API says of it, in its own spelling. */
  inspect(options?: Abortable): Promise<OutputOf<typeof ContainerInspect>>
  start(options?: Abortable): Promise<void>
  /** Ask it to end (its stop signal), and kill it after `grace`. @default grace 10 s, or what the image says */
  stop(options?: Abortable & { grace?: Duration }): Promise<void>
  restart(options?: Abortable & { grace?: Duration }): Promise<void>
  /** @default SIGKILL */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Freeze all its processes, and let them go on. */
  pause(options?: Abortable): Promise<void>
  unpause(options?: Abortable): Promise<void>
  /** Resolves when it is not running; at once where it is not. */
  wait(options?: Abortable): Promise<{ readonly exitCode: number }>
  /** This handle's `name` follows. */
  rename(name: string): Promise<void>
  /** Change limits while it runs; the others stay. */
  update(limits: Limits): Promise<void>
  remove(options?: { force?: boolean; volumes?: boolean }): Promise<void>
  /**
   * `docker exec`: run a further process in it. The process is what `run` gives: awaitable, iterable, with streams.
   *
   * Aborting it lets go of it at once. In-process it is killed as well; other engines have no call for that, and it goes on there.
   */
  exec(argv: string[], options: ExecOptions & { tty: true }): TtyProcess
  exec(argv: string[], options?: ExecOptions & { tty?: false }): PipeProcess
  /**
   * Be connected to what it does from now on. Where it does not run, await the process after `start()`: it ends with the next run.
   *
   * Which of the two types it is shows in `'terminal' in process`.
   */
  attach(options?: AttachOptions): PipeProcess | TtyProcess
  logs(options?: LogOptions): Logs
  /** `docker top` */
  top(): Promise<readonly ContainerProcess[]>
  /** `docker stats` */
  stats(options?: StatsOptions): StatsStream
  /** `docker diff` */
  changes(): Promise<readonly FileChange[]>
  /** Files in and out, running or not. */
  readonly fs: ContainerFiles
  readonly network: ContainerNetworks
  /** `docker export`: its whole file system as a tar archive, into a file or a stream. */
  export(target: string | Writable, options?: Abortable): Promise<void>
  /** `docker commit`: an image of it as it is now. Without a reference it is known by its id. */
  commit(reference?: string, options?: CommitOptions): Promise<Image>
  /** Remove it, running or not, with its anonymous volumes. A container that is gone already is fine. */
  [Symbol.asyncDispose](): Promise<void>
}
