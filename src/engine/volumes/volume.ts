import type { Abortable } from '../values.js'

/** How to make a volume. */
export interface VolumeOptions extends Abortable {
  /** @default 'local' */
  driver?: string
  /** The driver's own. */
  options?: Record<string, string>
  label?: Record<string, string>
  /** Let it outlive this engine. @default false */
  keep?: boolean
}

/** A volume: data that outlives the containers it is mounted in. */
export interface Volume extends AsyncDisposable {
  readonly name: string
  /** What it takes on the engine's disk, which takes the engine some time to find out. */
  usage(options?: Abortable): Promise<{ readonly sizeBytes: number }>
  /** No container may use it. @throws EngineError `not_found`, `conflict` */
  remove(options?: Abortable & { force?: boolean }): Promise<void>
  /** Remove it. One that is gone already is fine. */
  [Symbol.asyncDispose](): Promise<void>
}
