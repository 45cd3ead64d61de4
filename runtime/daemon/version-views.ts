import { type EventMessage, isAtLeast } from '../../src/api/index.js'

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
async function* withOldFields(events: AsyncIterable<EventMessage>): AsyncGenerator<EventMessage> {
  for await (const event of events) {
    const { Type, Action, Actor } = event
    if (Type === 'container') yield { status: Action, id: Actor.ID, from: Actor.Attributes.image ?? '', ...event }
    else if (Type === 'image') yield { status: Action, id: Actor.ID, ...event }
    else yield event
  }
}
