import { argv, boolean, integer, lazy, list, object, string } from '../schema.js'

export interface ExecConfig {
  readonly AttachStdin?: boolean | undefined
  readonly AttachStdout?: boolean | undefined
  readonly AttachStderr?: boolean | undefined
  readonly ConsoleSize?: readonly number[] | null | undefined
  readonly DetachKeys?: string | undefined
  readonly Tty?: boolean | undefined
  readonly Env?: readonly string[] | null | undefined
  readonly Cmd?: readonly string[] | null | undefined
  readonly Privileged?: boolean | undefined
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

export interface ExecStartConfig {
  readonly Detach?: boolean | undefined
  readonly Tty?: boolean | undefined
  readonly ConsoleSize?: readonly number[] | null | undefined
}

/** Schema of {@link ExecStartConfig}. */
export const execStartConfig = lazy(() => object<ExecStartConfig>({ Detach: boolean(), Tty: boolean(), ConsoleSize: list(integer()) }))
