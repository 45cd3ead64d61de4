import type { HostProcess } from '../host/host.js'
import type { RuntimeSpec, SpecProcess } from './runtime-spec.js'

/** A bundle to run: a folder, what goes into its config.json, and where the process's streams go. */
export interface RunRequest {
  readonly id: string
  readonly bundle: string
  readonly spec: RuntimeSpec
  /** The process's standard streams: descriptors of this process, or 'ignore' for /dev/null. Unused with a terminal. */
  readonly stdio: readonly [number | 'ignore', number | 'ignore', number | 'ignore']
  /** Where the runtime sends the terminal's master side. */
  readonly consoleSocket?: string
}

/** A bundle on its way. */
export interface Run {
  /** The runtime in the foreground: it lives as long as the container's process and ends with its exit code. */
  readonly process: HostProcess
  /** The container's process, as soon as it is set up. Undefined when the runtime ended before that. Never rejects. */
  readonly pid: Promise<number | undefined>
  /** All output has been read. Only where somebody waits for that. */
  release?(): void
}

/** One more process in a container that runs. */
export interface ExecRequest {
  /** The container's. */
  readonly id: string
  /** `process` of the runtime specification. Asked for once, while the runtime is on its way. */
  process(): Promise<SpecProcess>
  /** The container's; 0 where it is everybody's. */
  readonly oomScoreAdj: number
  readonly stdio: RunRequest['stdio']
  readonly consoleSocket?: string
  /** A folder of its own, for what the runtime wants as files. */
  readonly folder: string
}
