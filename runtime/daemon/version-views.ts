import { type EventMessage, isAtLeast } from '../../src/api/index.js'
import { mapStream } from './map-stream.js'

/** Changes an operation's output into what an API version shows of it. */
type View = (output: unknown, version: string) => unknown

const views: Readonly<Record<string, View>> = {
  // Each cast has one reason: an operation's output is what its handler gives.
  SystemEvents: (output, version) => (isAtLeast(version, '1.52') ? output : withOldFields(output as AsyncIterable<EventMessage>))
}

/** An operation's output as clients of an API version expect it. */
export function viewFor(operationId: string, output: unknown, version: string): unknown {
  return views[operationId]?.(output, version) ?? output
}

/** What events of containers and images looked like at first; docker-compose 1 and docker-py read nothing else. */
function withOldFields(events: AsyncIterable<EventMessage>): AsyncIterable<EventMessage> {
  return mapStream(events, event => {
    const { Type, Action, Actor } = event
    if (Type === 'container') return { status: Action, id: Actor.ID, from: Actor.Attributes.image ?? '', ...event }
    return Type === 'image' ? { status: Action, id: Actor.ID, ...event } : event
  })
}
