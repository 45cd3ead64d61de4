/** What an event is about. */
export interface EventActor {
  readonly ID: string
  /** Labels, and details such as `exitCode` and `name`. */
  readonly Attributes: Readonly<Record<string, string>>
}

/** Something that happened. */
export interface EventMessage {
  readonly Type: 'builder' | 'config' | 'container' | 'daemon' | 'image' | 'network' | 'node' | 'plugin' | 'secret' | 'service' | 'volume'
  /** Such as `create`, `start`, `die`, `health_status: healthy`. */
  readonly Action: string
  readonly Actor: EventActor
  readonly scope: 'local' | 'swarm'
  /** Unix seconds. */
  readonly time: number
  /** Unix nanoseconds, rounded by JavaScript. */
  readonly timeNano: number
  /** The same as Action. Until API 1.51. */
  readonly status?: string | undefined
  /** The same as Actor.ID. Until API 1.51. */
  readonly id?: string | undefined
  /** The container's image. Until API 1.51. */
  readonly from?: string | undefined
}
