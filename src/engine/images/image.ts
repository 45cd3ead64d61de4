import type { Container } from '../containers/container.js'
import type { Task } from '../events/task.js'
import type { Network } from '../networks/network.js'
import type { PipeProcess, PullPolicy, RunOptions, TtyProcess } from '../processes/process.js'
import type { Abortable, Auth, Digest, Duration, Platform, PortSpec, Size } from '../values.js'
import type { MountSource } from '../volumes/mount-source.js'
import type { Volume } from '../volumes/volume.js'

/** How to create a container. */
export interface CreateOptions extends Abortable {
  name?: string
  /** Give it a terminal. @default false */
  tty?: boolean
  /** Let it outlive this engine. @default false */
  keep?: boolean
  /** @default 'missing' */
  pull?: PullPolicy
}

/** How to pull an image. */
export interface PullOptions extends Abortable {
  /** @default 'always' */
  policy?: PullPolicy
  /** @default what the engine was given for the registry, else anonymous */
  auth?: Auth
}

/** Bounds on what a container may use. */
export interface Limits {
  /** `docker run --memory` */
  memory?: Size
  /** `docker run --cpus`; fractions are fine. */
  cpus?: number
  /** `docker run --pids-limit` */
  pids?: number
}

/** How far a container is held apart from the host. */
export interface Security {
  privileged?: boolean
  /** Mount the root file system read-only. */
  readOnly?: boolean
  capAdd?: string[]
  capDrop?: string[]
  /** `unconfined`, or the text of a JSON profile. */
  seccomp?: 'unconfined' | (string & {})
  noNewPrivileges?: boolean
}

/** A container's place in a network. */
export interface NetworkPlace {
  /** Further names it is found by. */
  alias?: string | string[]
  ipv4?: string
  ipv6?: string
}

/** When and how often to check that a container works. */
export interface HealthOptions {
  /** Between two checks. @default '30s' */
  interval?: Duration
  /** After which a check has failed. @default '30s' */
  timeout?: Duration
  /** Failures in a row that make it unhealthy. @default 3 */
  retries?: number
  /** From the start, while failures do not count. @default 0 */
  startPeriod?: Duration
}

/** When an engine starts a container again by itself. */
export type RestartPolicy = 'no' | 'always' | 'unless-stopped' | 'on-failure'

/** Parts of the Engine API's container-create body, in its own spelling. */
export interface RawCreate {
  Config?: object
  HostConfig?: object
  NetworkingConfig?: object
}

/** A container run in the foreground: also its handle, so that it can be started again or removed afterwards. */
export interface RunOf {
  readonly container: Promise<Container>
}

/**
 * What to run, as an immutable value: every call gives a new one, nothing happens until a verb (`run`, `create`, `start`, `pull`).
 *
 * Settings are checked when they are made. @throws EngineError `invalid_argument`, with the path of the setting
 */
export interface ImageSpec {
  readonly reference: string
  /** `docker run --platform` */
  platform(platform: Platform): ImageSpec
  /** The command where `run` is not given one. */
  cmd(...argv: string[]): ImageSpec
  /** `docker run --entrypoint`. Without arguments: none, not even the image's. */
  entrypoint(...argv: string[]): ImageSpec
  /** `docker run --env`; adds to what was set before. */
  env(variables: Record<string, string>): ImageSpec
  /** `docker run --workdir` */
  cwd(path: string): ImageSpec
  /** `docker run --user` */
  user(user: string): ImageSpec
  /** `docker run --hostname` */
  hostname(name: string): ImageSpec
  /** `docker run --label`; adds to what was set before. */
  label(labels: Record<string, string>): ImageSpec
  /** `docker run --publish <port>`: published on free ports of the host, which `container.port()` tells. */
  port(...ports: PortSpec[]): ImageSpec
  /** `docker run --publish <host port>:<port>`. @default address all of them */
  publish(map: Record<number, PortSpec>, options?: { address?: string }): ImageSpec
  /** `docker run --mount`: a volume, or what `host()`, `tmpfs()` and `copy()` give. */
  mount(target: string, source: Volume | MountSource): ImageSpec
  /** `docker run --network`: none, the host's own, another container's; or networks of your own, as many as it is called with. */
  network(network: 'none' | 'host' | Container): ImageSpec
  network(network: Network, place?: NetworkPlace): ImageSpec
  /** `docker run --dns` */
  dns(...servers: string[]): ImageSpec
  /** `docker run --add-host`, address by name; adds to what was set before. */
  hosts(map: Record<string, string>): ImageSpec
  limits(limits: Limits): ImageSpec
  security(options: Security): ImageSpec
  /** `docker run --health-cmd`, as a list of words; `none` switches the image's own off. */
  health(test: string[] | 'none', options?: HealthOptions): ImageSpec
  /** `docker run --restart` */
  restart(policy: RestartPolicy, maximumRetries?: number): ImageSpec
  /** Anything else the Engine API has. Objects are merged key by key over what the other settings made, lists and values replace. */
  raw(create: RawCreate): ImageSpec
  /** `docker run`: create a container, start it, be connected to its input and output. The image is pulled where it is missing. */
  run(argv?: string[], options?: RunOptions & { tty?: false }): PipeProcess & RunOf
  run(argv: string[], options: RunOptions & { tty: true }): TtyProcess & RunOf
  run(options: RunOptions & { tty: true }): TtyProcess & RunOf
  run(options: RunOptions & { tty?: false }): PipeProcess & RunOf
  /** `docker create` */
  create(options?: CreateOptions): Promise<Container>
  /** `docker run --detach` */
  start(options?: CreateOptions): Task<Container>
  /** `docker pull` */
  pull(options?: PullOptions): Task<Image>
}

/** An image that is here. It is also a spec: `image.run(...)`. */
export interface Image extends ImageSpec {
  /** Digest of its configuration. */
  readonly id: Digest
  /** Digest of its manifest or index in the registry; its id where it was never in one. */
  readonly digest: Digest
  readonly tags: readonly string[]
  readonly sizeBytes: number
  inspect(): Promise<ImageDetails>
  /** The steps it was made in, newest first. `docker image history` */
  history(): Promise<readonly ImageStep[]>
  /** Give it another name. */
  tag(reference: string): Promise<Image>
  /** Remove the name this handle was made with, and with the last name the image. */
  remove(options?: { force?: boolean }): Promise<void>
}

/** A step in the making of an image. */
export interface ImageStep {
  readonly createdBy: string
  readonly sizeBytes: number
  readonly created: Date
}

/** What an image says of itself. */
export interface ImageDetails {
  readonly config: { readonly env: Record<string, string>; readonly cmd: readonly string[]; readonly ports: readonly PortSpec[] }
  /** Digests of the uncompressed layers, lowest first. */
  readonly layers: readonly Digest[]
  readonly created: Date
}
