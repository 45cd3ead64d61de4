import type { EventMessage } from '../../src/api/index.js'

/**
 * Docker's event filters: values of one key are alternatives, but all labels have to be there; keys all have to match. Keys that nobody knows
 * are ignored, as Docker ignores them.
 */
export function matches(message: EventMessage, filters: Readonly<Record<string, readonly string[]>>): boolean {
  return Object.entries(filters).every(([key, values]) => {
    if (values.length === 0) return true
    return key === 'label' ? values.every(value => hasLabel(message, value)) : values.some(value => matchesOne(message, key, value))
  })
}

function matchesOne(message: EventMessage, key: string, value: string): boolean {
  const { ID, Attributes } = message.Actor
  switch (key) {
    case 'type':
      return message.Type === value
    case 'event':
      // Actions such as `exec_start: sh` and `health_status: healthy` are matched by what stands before the colon too.
      return message.Action === value || message.Action.startsWith(`${value}:`)
    case 'scope':
      return message.scope === value
    case 'container':
    case 'volume':
    case 'network':
    case 'daemon':
    case 'plugin':
    case 'node':
    case 'service':
    case 'secret':
    case 'config':
      return message.Type === key && (ID.startsWith(value) || (Attributes.name ?? '').startsWith(value))
    case 'image':
      return imageNames(message).includes(value)
    default:
      return true
  }
}

/** What an event's image may be called: as it is, and without its tag. */
function imageNames({ Type, Actor }: EventMessage): readonly string[] {
  const named = [Actor.ID, Type === 'image' ? Actor.Attributes.name : Actor.Attributes.image].filter(name => name !== undefined)
  return [...named, ...named.map(name => name.replace(/:[^:/]*$/, ''))]
}

function hasLabel({ Actor }: EventMessage, wanted: string): boolean {
  const equals = wanted.indexOf('=')
  return equals === -1 ? wanted in Actor.Attributes : Actor.Attributes[wanted.slice(0, equals)] === wanted.slice(equals + 1)
}
