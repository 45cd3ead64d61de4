/** What an exec runs. */
export interface ProcessConfig {
  readonly privileged?: boolean | undefined
  readonly user?: string | undefined
  readonly tty?: boolean | undefined
  readonly entrypoint?: string | undefined
  readonly arguments?: readonly string[] | undefined
}

/** The state of an exec. */
export interface ExecInspectResponse {
  readonly CanRemove?: boolean | undefined
  readonly DetachKeys?: string | undefined
  readonly ID?: string | undefined
  readonly Running?: boolean | undefined
  /** null while it runs. */
  readonly ExitCode?: number | null | undefined
  readonly ProcessConfig?: ProcessConfig | undefined
  readonly OpenStdin?: boolean | undefined
  readonly OpenStderr?: boolean | undefined
  readonly OpenStdout?: boolean | undefined
  readonly ContainerID?: string | undefined
  readonly Pid?: number | undefined
}
