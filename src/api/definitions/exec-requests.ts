import { argv, boolean, integer, lazy, list, object, string } from '../schema.js'

/** A process to run in a container. */
export interface ExecConfig {
  readonly AttachStdin?: boolean | undefined
  readonly AttachStdout?: boolean | undefined
  readonly AttachStderr?: boolean | undefined
  /** `[height, width]`. */
  readonly ConsoleSize?: readonly number[] | null | undefined
  readonly DetachKeys?: string | undefined
  readonly Tty?: boolean | undefined
  readonly Env?: readonly string[] | null | undefined
  readonly Cmd?: readonly string[] | null | undefined
  readonly Privileged?: boolean | undefined
  /** Name or number, with `:group` if need be. */
  readonly User?: string | undefined
  readonly WorkingDir?: string | undefined
}

/** Schema of {@link ExecConfig}. */
export const execConfig = lazy(() =>
  object<ExecConfig>({
    AttachStdin: boolean(),
    AttachStdout: boolean(),
    AttachStderr: boolean(),
    ConsoleSize: list(integer()),
    DetachKeys: string(),
    Tty: boolean(),
    Env: list(string()),
    Cmd: argv(),
    Privileged: boolean(),
    User: string(),
    WorkingDir: string()
  })
)

/** How to start it. */
export interface ExecStartConfig {
  /** Do not wait for it: then nothing is connected. */
  readonly Detach?: boolean | undefined
  readonly Tty?: boolean | undefined
  /** `[height, width]`. */
  readonly ConsoleSize?: readonly number[] | null | undefined
}

/** Schema of {@link ExecStartConfig}. */
export const execStartConfig = lazy(() => object<ExecStartConfig>({ Detach: boolean(), Tty: boolean(), ConsoleSize: list(integer()) }))
