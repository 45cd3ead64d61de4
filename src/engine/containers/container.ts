import type { EventEmitter } from 'eventemitter3'
import type { ContainerInspect } from '../../api/index.js'
import type { OutputOf } from '../../api/operation.js'
import type { EngineEvents } from '../events/engine-event.js'
import type { Output, PipeProcess, TtyProcess } from '../processes/process.js'
import type { Abortable, Duration } from '../values.js'

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
  state(): Promise<ContainerState>
  /** Everything the Engine API says of it, in its own spelling. */
  inspect(): Promise<OutputOf<typeof ContainerInspect>>
  start(options?: Abortable): Promise<void>
  /** Ask it to end (its stop signal), and kill it after `grace`. @default grace 10 s, or what the image says */
  stop(options?: Abortable & { grace?: Duration }): Promise<void>
  restart(options?: Abortable & { grace?: Duration }): Promise<void>
  /** @default SIGKILL */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Resolves when it is not running; at once where it is not. */
  wait(options?: Abortable): Promise<{ readonly exitCode: number }>
  /** This handle's `name` follows. */
  rename(name: string): Promise<void>
  remove(options?: { force?: boolean; volumes?: boolean }): Promise<void>
  /**
   * Be connected to what it does from now on. Where it does not run, await the process after `start()`: it ends with the next run.
   *
   * Which of the two types it is shows in `'terminal' in process`.
   */
  attach(options?: AttachOptions): PipeProcess | TtyProcess
  logs(options?: LogOptions): Logs
  /** Remove it, running or not, with its anonymous volumes. A container that is gone already is fine. */
  [Symbol.asyncDispose](): Promise<void>
}
