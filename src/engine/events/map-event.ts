import type { EventMessage } from '../../api/index.js'
import { signalOfExitCode } from '../processes/exit-code.js'
import type { Digest } from '../values.js'
import type { ContainerStepEvent, EngineEvent } from './engine-event.js'

const containerSteps: Readonly<Record<string, ContainerStepEvent['type']>> = {
  start: 'container.started',
  pause: 'container.paused',
  unpause: 'container.unpaused',
  destroy: 'container.removed'
}

/**
 * Turns the Engine API's event messages into {@link EngineEvent}s. It remembers what one message says and a later one needs: names of
 * containers (a network's message has only the id) and kills for want of memory (told before the exit).
 */
export class EventMapper {
  readonly #names = new Map<string, string>()
  readonly #oomKilled = new Set<string>()

  /** The events a message stands for: none, one, or two. */
  map(message: EventMessage): readonly EngineEvent[] {
    switch (message.Type) {
      case 'container':
        return this.#container(message)
      case 'network':
        return this.#network(message)
      case 'volume':
        return volume(message)
      case 'image':
        return image(message)
      default:
        return []
    }
  }

  #container(message: EventMessage): readonly EngineEvent[] {
    const id = message.Actor.ID
    const attributes = message.Actor.Attributes ?? {}
    const name = attributes.name ?? ''
    const at = timeOf(message)
    this.#names.set(id, name)
    const action = message.Action
    if (action.startsWith('health_status')) return health(action, { id, name, at })
    switch (action) {
      case 'create':
        // The Engine API allocates the read-write layer together with the container and has no event of its own for it.
        return [
          { type: 'container.created', id, name, at },
          { type: 'container.layered', id, name, at }
        ]
      case 'oom':
        this.#oomKilled.add(id)
        return []
      case 'die': {
        const exitCode = Number(attributes.exitCode ?? 0)
        const signal = signalOfExitCode(exitCode)
        return [{ type: 'container.exited', id, name, at, exitCode, ...(signal && { signal }), oomKilled: this.#oomKilled.delete(id) }]
      }
      case 'destroy':
        this.#names.delete(id)
        this.#oomKilled.delete(id)
        break
    }
    const type = Object.hasOwn(containerSteps, action) ? containerSteps[action] : undefined
    return type === undefined ? [] : [{ type, id, name, at }]
  }

  #network(message: EventMessage): readonly EngineEvent[] {
    const { ID: id, Attributes: attributes = {} } = message.Actor
    const at = timeOf(message)
    switch (message.Action) {
      case 'create':
        return [{ type: 'network.created', id, name: attributes.name ?? '', at }]
      case 'destroy':
        return [{ type: 'network.removed', id, name: attributes.name ?? '', at }]
      case 'connect': {
        const container = attributes.container
        return container === undefined ? [] : [{ type: 'container.networked', id: container, name: this.#names.get(container) ?? '', at }]
      }
      default:
        return []
    }
  }
}

/** The moment of a message, to the millisecond. */
export function timeOf(message: EventMessage): Date {
  return new Date(message.timeNano ? Math.floor(message.timeNano / 1e6) : message.time * 1000)
}

function health(action: string, container: { id: string; name: string; at: Date }): readonly EngineEvent[] {
  const status = action.slice(action.indexOf(':') + 1).trim()
  if (status !== 'starting' && status !== 'healthy' && status !== 'unhealthy') return []
  return [{ type: 'container.health', ...container, status }]
}

function volume(message: EventMessage): readonly EngineEvent[] {
  const type = message.Action === 'create' ? 'volume.created' : message.Action === 'destroy' ? 'volume.removed' : undefined
  return type === undefined ? [] : [{ type, id: message.Actor.ID, name: message.Actor.ID, at: timeOf(message) }]
}

function image(message: EventMessage): readonly EngineEvent[] {
  const { ID: id, Attributes: attributes = {} } = message.Actor
  const ref = attributes.name ?? id
  // The reason for the casts: the Engine API gives an image's id here.
  switch (message.Action) {
    case 'tag':
      return [{ type: 'image.tagged', ref, id: id as Digest }]
    case 'untag':
    case 'delete':
      return [{ type: 'image.removed', ref, id: id as Digest }]
    default:
      return []
  }
}
