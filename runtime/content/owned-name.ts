import { randomBytes } from 'node:crypto'
import { isAlive, type ProcessIdentity } from '../host/process-identity.js'

/** A file name that tells which process made the file: `<pid>-<start time>-<random>`. */
export function ownedName(owner: ProcessIdentity): string {
  return `${owner.pid}-${owner.startTime}-${randomBytes(6).toString('hex')}`
}

/** The dead process that left a file of this name; undefined when its owner lives or the name is no owned one. */
export function abandonedBy(name: string): ProcessIdentity | undefined {
  const match = /^(\d+)-(.*)-[0-9a-f]{12}$/.exec(name)
  if (match === null) return undefined
  const owner = { pid: Number(match[1]), startTime: match[2] ?? '' }
  return isAlive(owner) ? undefined : owner
}
