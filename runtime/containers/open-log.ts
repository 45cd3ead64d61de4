import type { ContainerContext } from './container-context.js'
import { type ContainerRecord, zeroTime } from './container-record.js'
import { logPlace, logSettings } from './log-settings.js'
import { LogWriter } from './log-writer.js'

/**
 * Begin to write a container's log; undefined where its driver keeps none. No file is touched before the first entry.
 *
 * @throws EngineError `failed`, in the words in which dockerd refuses to start the container
 */
export function openLog({ paths }: Pick<ContainerContext, 'paths'>, record: ContainerRecord): LogWriter | undefined {
  const place = logPlace(paths, record)
  return place && new LogWriter(place.path, { ...logSettings(record), continues: record.state.startedAt !== zeroTime })
}
