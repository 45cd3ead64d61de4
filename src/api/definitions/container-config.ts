import { argv, boolean, type Empty, empty, integer, lazy, list, map, object, type Shape, string } from '../schema.js'

export interface HealthConfig {
  readonly Test?: readonly string[] | null | undefined
  readonly Interval?: number | undefined
  readonly Timeout?: number | undefined
  readonly Retries?: number | undefined
  readonly StartPeriod?: number | undefined
  readonly StartInterval?: number | undefined
}

/** Schema of {@link HealthConfig}. */
export const healthConfig = lazy(() =>
  object<HealthConfig>({
    Test: list(string()),
    Interval: integer(),
    Timeout: integer(),
    Retries: integer(),
    StartPeriod: integer(),
    StartInterval: integer()
  })
)

export interface ContainerConfig {
  readonly Hostname?: string | undefined
  readonly Domainname?: string | undefined
  readonly User?: string | undefined
  readonly AttachStdin?: boolean | undefined
  readonly AttachStdout?: boolean | undefined
  readonly AttachStderr?: boolean | undefined
  readonly ExposedPorts?: Readonly<Record<string, Empty>> | null | undefined
  readonly Tty?: boolean | undefined
  readonly OpenStdin?: boolean | undefined
  readonly StdinOnce?: boolean | undefined
  readonly Env?: readonly string[] | null | undefined
  readonly Cmd?: readonly string[] | null | undefined
  readonly Healthcheck?: HealthConfig | undefined
  readonly ArgsEscaped?: boolean | null | undefined
  readonly Image?: string | undefined
  readonly Volumes?: Readonly<Record<string, Empty>> | null | undefined
  readonly WorkingDir?: string | undefined
  readonly Entrypoint?: readonly string[] | null | undefined
  readonly NetworkDisabled?: boolean | null | undefined
  readonly OnBuild?: readonly string[] | null | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  readonly StopSignal?: string | null | undefined
  readonly StopTimeout?: number | null | undefined
  readonly Shell?: readonly string[] | null | undefined
  /** Gone after API 1.51. */
  readonly MacAddress?: string | null | undefined
}

export const containerConfigShape = lazy(
  (): Shape<ContainerConfig> => ({
    Hostname: string(),
    Domainname: string(),
    User: string(),
    AttachStdin: boolean(),
    AttachStdout: boolean(),
    AttachStderr: boolean(),
    ExposedPorts: map(empty()),
    Tty: boolean(),
    OpenStdin: boolean(),
    StdinOnce: boolean(),
    Env: list(string()),
    Cmd: argv(),
    Healthcheck: healthConfig(),
    ArgsEscaped: boolean(),
    Image: string(),
    Volumes: map(empty()),
    WorkingDir: string(),
    Entrypoint: argv(),
    NetworkDisabled: boolean(),
    OnBuild: list(string()),
    Labels: map(string()),
    StopSignal: string(),
    StopTimeout: integer(),
    Shell: argv(),
    MacAddress: string()
  })
)

/** Schema of {@link ContainerConfig}. */
export const containerConfig = lazy(() => object<ContainerConfig>(containerConfigShape()))
