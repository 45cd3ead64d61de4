import type { EngineEvent } from './engine-event.js'

/** Where emitters get their events from. */
export interface EventFeed {
  add(listener: (event: EngineEvent) => void): void
  remove(listener: (event: EngineEvent) => void): void
}
