import type { EventMessage } from '../../src/api/index.js'

/** Docker's event filters: values of one key are alternatives, keys all have to match. */
export function matches(message: EventMessage, filters: Readonly<Record<string, readonly string[]>>): boolean {
  return Object.entries(filters).every(([key, values]) => values.length === 0 || values.some(value => matchesOne(message, key, value)))
}

function matchesOne(message: EventMessage, key: string, value: string): boolean {
  const { ID, Attributes } = message.Actor
  const isNamed = () => ID.startsWith(value) || Attributes.name === value
  switch (key) {
    case 'type':
      return message.Type === value
    case 'event':
      // Actions such as `exec_start: sh` and `health_status: healthy` are matched by what stands before the colon too.
      return message.Action === value || message.Action.startsWith(`${value}:`)
    case 'scope':
      return message.scope === value
    case 'label': {
      const equals = value.indexOf('=')
      return equals === -1 ? value in Attributes : Attributes[value.slice(0, equals)] === value.slice(equals + 1)
    }
    case 'container':
    case 'volume':
    case 'network':
    case 'daemon':
    case 'plugin':
      return message.Type === key && isNamed()
    case 'image':
      return (message.Type === 'image' && isNamed()) || Attributes.image === value
    default:
      return false
  }
}
