export interface EventActor {
  readonly ID: string
  readonly Attributes: Readonly<Record<string, string>>
}

export interface EventMessage {
  readonly Type: 'builder' | 'config' | 'container' | 'daemon' | 'image' | 'network' | 'node' | 'plugin' | 'secret' | 'service' | 'volume'
  readonly Action: string
  readonly Actor: EventActor
  readonly scope: 'local' | 'swarm'
  readonly time: number
  readonly timeNano: number
}
