import type { ContainerConfig, EndpointSettings, HealthcheckResult, HostConfig } from '../../src/api/index.js'
import type { ProcessIdentity } from '../host/process-identity.js'
import type { Endpoint, PublishedPort } from '../networks/network-record.js'
import type { MountPoint } from '../volumes/volume-record.js'

/**
 * A container as the metadata store keeps it (table `containers`, key: id), format version 1. The configuration parts
 * are in Docker's spelling because `inspect` gives them back as they came.
 */
export interface ContainerRecord {
  /** 64 hexadecimal digits. */
  readonly id: string
  /** Without the leading slash that Docker puts before it. */
  readonly name: string
  /** RFC 3339 with nanoseconds. */
  readonly createdAt: string
  /** Digest of the image's configuration; {@link hostImageReference} for the host's own root. */
  readonly imageId: string
  /** What the caller called the image. */
  readonly imageReference: string
  /** Merged from the caller's and the image's. */
  readonly config: ContainerConfig
  readonly hostConfig: HostConfig
  /** Networks that it is in, or joins when it starts, and what it asks of them. Absent: that of its mode, without wishes. */
  readonly networks?: ContainerNetworks
  /** Executable and arguments, entrypoint and command put together. */
  readonly path: string
  readonly args: readonly string[]
  /** Host paths, volumes and memory that it has mounted. Absent: none but what every container has. */
  readonly mounts?: readonly MountPoint[]
  /** Its empty volumes have not been filled from the image yet. */
  readonly volumesPending?: true
  /** The process whose session made it and removes it. */
  readonly owner: ProcessIdentity
  readonly sessionId: string
  /** Of the groups above its own that it asked for, the topmost one that was not there before: it goes when nothing is in it any more. */
  readonly madeCgroup?: string
  /** It outlives the process that made it. */
  readonly keep?: true
  readonly state: ContainerState
}

/** What a container asks of its networks, by network name or id as the caller wrote it. */
export type ContainerNetworks = Readonly<Record<string, EndpointSettings>>

/** Where a container is in its life. */
export interface ContainerState {
  readonly status: ContainerStatus
  /** The container's first process, seen from the host; 0 when there is none. */
  readonly pid: number
  readonly exitCode: number
  readonly error: string
  readonly oomKilled: boolean
  /** Its processes are frozen. It counts as running, apart from what Docker refuses meanwhile. */
  readonly paused?: boolean
  /** RFC 3339, or Go's zero time while it never happened. */
  readonly startedAt: string
  readonly finishedAt: string
  readonly restartCount: number
  /** The process that watches it while it runs: it has the streams, and it alone learns the exit code. */
  readonly monitor?: ProcessIdentity
  /** What keeps it running without a monitor, and who holds its stdin or terminal. Of a kept container that runs. */
  readonly guard?: { readonly process: ProcessIdentity; readonly holder?: ProcessIdentity }
  /** Of one with a health check, from its start on. */
  readonly health?: HealthState
  /** It ended and will be started again by its restart policy. */
  readonly restarting?: boolean
  /** Somebody stopped it: its restart policy does not start it again. */
  readonly stoppedByHand?: boolean
  /** Its places in networks while it runs, in the order of its interfaces. */
  readonly endpoints?: readonly Endpoint[]
  /** Ids of the networks of the last run by name, once it has ended. */
  readonly networkIds?: Readonly<Record<string, string>>
  /** Ports of the host that lead to it while it runs. */
  readonly ports?: readonly PublishedPort[]
  /** Tells its network namespace from that of other runs: 64 hexadecimal digits. */
  readonly sandboxId?: string
}

/** What its health check has found. */
export interface HealthState {
  readonly status: 'starting' | 'healthy' | 'unhealthy'
  /** Bad checks in a row. */
  readonly failingStreak: number
  /** The last ones, oldest first. */
  readonly log: readonly HealthcheckResult[]
}

export type ContainerStatus = 'created' | 'running' | 'exited' | 'dead'

/** How the Engine API writes "never". */
export const zeroTime = '0001-01-01T00:00:00Z'

/** The state of a container that has not been started. */
export const createdState: ContainerState = {
  status: 'created',
  pid: 0,
  exitCode: 0,
  error: '',
  oomKilled: false,
  startedAt: zeroTime,
  finishedAt: zeroTime,
  restartCount: 0
}
