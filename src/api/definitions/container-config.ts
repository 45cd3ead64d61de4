import { argv, boolean, type Empty, empty, integer, lazy, list, map, object, type Shape, string } from '../schema.js'

/** How to find out whether a container works. All durations are nanoseconds; 0 takes what the image says. */
export interface HealthConfig {
  /** `['NONE']`, `['CMD', ...argv]` or `['CMD-SHELL', command]`; empty takes what the image says. */
  readonly Test?: readonly string[] | null | undefined
  /** Between two checks. At least a millisecond. */
  readonly Interval?: number | undefined
  /** After which a check counts as failed. */
  readonly Timeout?: number | undefined
  /** Failures in a row that make it unhealthy. */
  readonly Retries?: number | undefined
  /** From the start, while failures do not count. */
  readonly StartPeriod?: number | undefined
  /** Between two checks during the start period. Since API 1.44. */
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

/** What runs in a container, independent of the host. Also what an image says about the containers made of it. */
export interface ContainerConfig {
  readonly Hostname?: string | undefined
  readonly Domainname?: string | undefined
  /** Name or number, with `:group` if need be. */
  readonly User?: string | undefined
  readonly AttachStdin?: boolean | undefined
  readonly AttachStdout?: boolean | undefined
  readonly AttachStderr?: boolean | undefined
  /** Keys like `80/tcp`. */
  readonly ExposedPorts?: Readonly<Record<string, Empty>> | null | undefined
  /** Give it a terminal: then its whole output is one stream. */
  readonly Tty?: boolean | undefined
  readonly OpenStdin?: boolean | undefined
  /** Close stdin when the first attached client leaves. */
  readonly StdinOnce?: boolean | undefined
  /** `NAME=value`; a `NAME` alone removes the image's. */
  readonly Env?: readonly string[] | null | undefined
  /** Arguments of the entrypoint, or the command where there is none. One string is taken as one word. */
  readonly Cmd?: readonly string[] | null | undefined
  readonly Healthcheck?: HealthConfig | undefined
  /** Windows only. */
  readonly ArgsEscaped?: boolean | null | undefined
  /** Reference or id. */
  readonly Image?: string | undefined
  /** Folders in the container that get a volume of their own. */
  readonly Volumes?: Readonly<Record<string, Empty>> | null | undefined
  readonly WorkingDir?: string | undefined
  /** `['']` removes the image's. */
  readonly Entrypoint?: readonly string[] | null | undefined
  readonly NetworkDisabled?: boolean | null | undefined
  /** Instructions for builds that stand on the image. */
  readonly OnBuild?: readonly string[] | null | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  /** Name or number. */
  readonly StopSignal?: string | null | undefined
  /** Seconds between the stop signal and the kill. */
  readonly StopTimeout?: number | null | undefined
  /** What the shell forms of the Dockerfile instructions run in. */
  readonly Shell?: readonly string[] | null | undefined
  /** EndpointSettings has it since API 1.44. Until API 1.51. */
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
