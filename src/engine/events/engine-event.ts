import type { Digest } from '../values.js'

/** Progress of one layer. `total` is 0 where the engine does not tell the size. */
export interface ImagePullProgressEvent {
  type: 'image.pull.progress'
  ref: string
  /** The layer's digest; engines that shorten it give the first 12 digits. */
  layer: string
  phase: 'downloading' | 'unpacking' | 'done' | 'present'
  current: number
  total: number
}

/** A pull has ended well. */
export interface ImagePulledEvent {
  type: 'image.pulled'
  ref: string
  digest: Digest
  /** Bytes fetched, as far as the engine told. */
  bytes: number
  /** Whether everything was here already. */
  fromCache: boolean
}

/** Progress of one layer on its way to a registry. `total` is 0 where the engine does not tell the size. */
export interface ImagePushProgressEvent {
  type: 'image.push.progress'
  ref: string
  /** The layer's digest; engines that shorten it give the first 12 digits. */
  layer: string
  /** `present`: the registry has it. `mounted`: it took it from another repository. `skipped`: only its maker may hand it out. */
  phase: 'waiting' | 'pushing' | 'present' | 'mounted' | 'skipped' | 'done'
  /** Of `mounted`: the other repository. */
  from?: string
  current: number
  total: number
}

/** A push has ended well. */
export interface ImagePushedEvent {
  type: 'image.pushed'
  ref: string
  /** Of what the tag names in the registry now. */
  digest: Digest
  /** Bytes of the layers that were sent, as far as the engine told. */
  bytes: number
}

/** How far a layer of an archive has come in. */
export interface ImageLoadProgressEvent {
  type: 'image.load.progress'
  /** The first 12 digits of the layer's digest, or of the name that it has in the archive. */
  layer: string
  current: number
  total: number
}

/** An image got a name, or an image or one of its names is gone. */
export interface ImageChangedEvent {
  type: 'image.tagged' | 'image.removed'
  ref: string
  id: Digest
}

/**
 * A container went one step on.
 *
 * `container.layered`: its read-write layer stands on the image's layers. `container.networked`: it was connected to a network.
 */
export interface ContainerStepEvent {
  type:
    | 'container.created'
    | 'container.layered'
    | 'container.networked'
    | 'container.started'
    | 'container.paused'
    | 'container.unpaused'
    | 'container.removed'
  id: string
  name: string
  at: Date
}

/** A container's process has ended. */
export interface ContainerExitedEvent {
  type: 'container.exited'
  id: string
  name: string
  at: Date
  exitCode: number
  /** Where the exit code is 128 and a signal's number. A program may end with such a code by itself. */
  signal?: NodeJS.Signals
  /** Whether the kernel killed it for want of memory. */
  oomKilled: boolean
}

/** A health check changed its mind. */
export interface ContainerHealthEvent {
  type: 'container.health'
  id: string
  name: string
  at: Date
  status: 'starting' | 'healthy' | 'unhealthy'
}

/** A network or a volume was made or removed. */
export interface ResourceEvent {
  type: 'network.created' | 'network.removed' | 'volume.created' | 'volume.removed'
  id: string
  name: string
  at: Date
}

/** Events may be missing here. It is delivered whatever types were asked for. */
export interface GapEvent {
  type: 'gap'
  /** The last moment of which everything is known. */
  since: Date
  reason: 'reconnected' | 'overflow'
}

/** Everything an engine announces: one union, by `type` on iterables and by name on emitters. */
export type EngineEvent =
  | ImagePullProgressEvent
  | ImagePulledEvent
  | ImagePushProgressEvent
  | ImagePushedEvent
  | ImageLoadProgressEvent
  | ImageChangedEvent
  | ContainerStepEvent
  | ContainerExitedEvent
  | ContainerHealthEvent
  | ResourceEvent
  | GapEvent

/** The event of one type, where that member of the union may stand for several. */
export type EventOf<T extends EngineEvent['type']> = Narrowed<EngineEvent, T>

type Narrowed<E, T> = E extends { type: infer U } ? (T extends U ? E & { type: T } : never) : never

/** Listener arguments by event name, for the emitters. */
export type EngineEvents = { [T in EngineEvent['type']]: [event: EventOf<T>] }
