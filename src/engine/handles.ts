import type { Writable } from 'node:stream'
import type { EventEmitter } from 'eventemitter3'
import type { ContainerInspect } from '../api/index.js'
import type { OutputOf } from '../api/operation.js'
import type {
  AttachOptions,
  CommitOptions,
  ContainerNetworks,
  ContainerProcess,
  ContainerState,
  FileChange,
  LogOptions,
  Logs,
  StatsOptions,
  StatsStream
} from './containers/container.js'
import type { EngineEvents } from './events/engine-event.js'
import type { Task } from './events/task.js'
import type { ContainerFiles } from './files/files.js'
import type {
  CreateOptions,
  HealthOptions,
  ImageDetails,
  ImageStep,
  Limits,
  NetworkPlace,
  PullOptions,
  PushOptions,
  PushResult,
  RawCreate,
  RestartPolicy,
  SaveOptions,
  Security,
  SignedImage,
  SignOptions
} from './images/image.js'
import type { Network } from './networks/network.js'
import type { ExecOptions, PipeProcess, RunOptions, TtyProcess } from './processes/process.js'
import type { Abortable, Digest, Duration, Platform, PortSpec } from './values.js'
import type { MountSource } from './volumes/mount-source.js'
import type { Volume } from './volumes/volume.js'

// Images make containers and containers make images: that is why both contracts stand in one file.

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

/** A container run in the foreground: also its handle, so that it can be started again or removed afterwards. */
export interface RunOf {
  readonly container: Promise<Container>
}

/**
 * What to run, as an immutable value: every call gives a new one, nothing happens until a verb (`run`, `create`, `start`, `pull`, `push`).
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
  /** `docker push`: send the image that is here under this name to its registry. What the registry has already is not sent. */
  push(options?: PushOptions): Task<PushResult>
  /**
   * `cosign sign --key`: sign what the reference stands for in its registry, the digest of the manifest or index, with a key pair. An
   * {@link Image} is signed only where that is itself. Nobody is asked to log it; the same key signs the same once.
   *
   * @throws EngineError `invalid_argument` (the key, its passphrase), `not_found`, `conflict` (the registry has another image under the name),
   *   `unauthenticated`, `permission_denied`, `unavailable`; `not_supported` where the engine is no Gantry
   */
  sign(options: SignOptions): Promise<SignedImage>
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
  /**
   * `docker save`: an archive of the image under the name this handle was made with, into a file or a stream. A file that is cut short is removed.
   *
   * @throws EngineError `not_supported` for an OCI layout from an engine before API 1.44
   */
  save(target: string | Writable, options?: SaveOptions): Promise<void>
  /** Remove the name this handle was made with, and with the last name the image. */
  remove(options?: { force?: boolean }): Promise<void>
}
