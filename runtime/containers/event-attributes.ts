import type { ContainerRecord } from './container-record.js'

/** What Docker's container events say of the container: labels, image and name. */
export function containerAttributes(record: ContainerRecord): Readonly<Record<string, string>> {
  return { ...record.config.Labels, image: record.imageReference, name: record.name }
}
