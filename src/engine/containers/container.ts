import type { Network } from '../networks/network.js'
import type { Output } from '../processes/process.js'
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

/** What a container uses. */
export interface Stats {
  readonly at: Date
  /** Since the sample before; 100 is one processor in full. */
  readonly cpuPercent: number
  /** Without page cache that could be given back at any time. */
  readonly memoryBytes: number
  readonly memoryLimitBytes: number
  /** Over all its networks, since its start. */
  readonly receivedBytes: number
  readonly sentBytes: number
  readonly pids: number
}

/** How often to look. */
export interface StatsOptions extends Abortable {
  /** Engines look once a second; a longer time leaves samples out, and their CPU time counts to the next. @default '1s' */
  every?: Duration
}

/** Samples while the loop runs; `now()` gives one, which takes an engine a second or two. Nothing is asked for before either is used. */
export interface StatsStream extends AsyncIterable<Stats> {
  now(): Promise<Stats>
}

/** A process of a container, as its host sees it. */
export interface ContainerProcess {
  readonly pid: number
  readonly user: string
  readonly command: string
}

/** What differs from the image. */
export interface FileChange {
  readonly path: string
  readonly kind: 'added' | 'changed' | 'deleted'
}

/** How to make an image of a container. */
export interface CommitOptions extends Abortable {
  message?: string
  author?: string
  /** Dockerfile instructions, such as `CMD ["server"]`. */
  changes?: string[]
}

/** A place in a network. */
export interface ConnectOptions extends Abortable {
  /** Further names it is found by. */
  alias?: string | string[]
  ipv4?: string
  ipv6?: string
}

/** A container's networks. */
export interface ContainerNetworks {
  /** `docker network connect`, while it runs as well. */
  connect(network: Network, options?: ConnectOptions): Promise<void>
  /** `docker network disconnect` */
  disconnect(network: Network, options?: Abortable): Promise<void>
}

/** What `attach` can be told. */
export interface AttachOptions extends Abortable {
  /** Whether the container has a terminal. Only a handle from a list has to be told. */
  tty?: boolean
}
