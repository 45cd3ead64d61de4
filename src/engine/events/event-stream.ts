import { checkAbortable, openCallScope } from '../call-scope.js'
import { checkDate, checkKeys, checkOneOf, checkTexts, optional, wrongSetting } from '../checks.js'
import type { EngineContext } from '../context.js'
import type { EventFilter } from '../engine.js'
import type { EngineEvent } from './engine-event.js'
import { followEvents } from './follow-events.js'

const types: readonly EngineEvent['type'][] = [
  'image.pull.progress',
  'image.pulled',
  'image.load.progress',
  'image.tagged',
  'image.removed',
  'container.created',
  'container.layered',
  'container.networked',
  'container.started',
  'container.paused',
  'container.unpaused',
  'container.removed',
  'container.exited',
  'container.health',
  'network.created',
  'network.removed',
  'volume.created',
  'volume.removed',
  'gap'
]

/** `engine.events()`: events from the moment of the call on (or from `since`), until the loop is left, `until`, or the engine closes. */
export function eventStream(context: EngineContext, filter: EventFilter): AsyncIterable<EngineEvent> {
  const given = checkKeys('events', filter, ['since', 'until', 'types', 'label', 'signal', 'timeout'])
  const limits = checkAbortable('events', given)
  const since = optional(checkDate, 'events.since', given.since) ?? new Date()
  const until = optional(checkDate, 'events.until', given.until)
  const wanted = optional(checkTypes, 'events.types', given.types)
  const labels = Object.entries(optional(checkTexts, 'events.label', given.label) ?? {})
  const filters = labels.length > 0 ? { label: labels.map(([name, value]) => (value === '' ? name : `${name}=${value}`)) } : undefined
  return { [Symbol.asyncIterator]: iterate }

  async function* iterate(): AsyncGenerator<EngineEvent, void, undefined> {
    const { closing } = context.session
    const scope = openCallScope('events', limits, closing)
    try {
      const options = { since, signal: scope.signal, ...(until && { until }), ...(filters && { filters }) }
      for await (const event of followEvents(context, options)) {
        if (wanted === undefined || wanted.has(event.type) || event.type === 'gap') yield event
      }
    } catch (error) {
      // Closing the engine is how its events end.
      if (!closing.aborted || error !== closing.reason) throw error
    } finally {
      scope.release()
    }
  }
}

function checkTypes(path: string, value: unknown): ReadonlySet<EngineEvent['type']> {
  if (!Array.isArray(value)) throw wrongSetting(path, 'a list of event types', value)
  return new Set(value.map((type, index) => checkOneOf(`${path}[${index}]`, type, types)))
}
