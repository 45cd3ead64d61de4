import type { EventLog } from '../events/event-log.js'
import type { ImageRecord } from '../images/image-service.js'

/** Tell what happened to an image, its labels with it, as Docker does. */
export function tellOfImage(
  events: EventLog,
  action: string,
  { id, config, name = id }: Pick<ImageRecord, 'id' | 'config'> & { readonly name?: string }
): void {
  events.publish({ Type: 'image', Action: action, id, attributes: { ...config.Labels, name } })
}
