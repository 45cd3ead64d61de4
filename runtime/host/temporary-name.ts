import { randomBytes } from 'node:crypto'
import { isAlive, type ProcessIdentity } from './process-identity.js'

/** A name that tells whose it is: `<pid>.<start time>.<random>`. */
export function temporaryName({ pid, startTime }: ProcessIdentity): string {
  return `${pid}.${startTime}.${randomBytes(6).toString('hex')}`
}

/** Whether the process that a temporary file or directory belongs to still runs. Names of another making belong to nobody. */
export function isOwnedTemporary(name: string): boolean {
  const match = /^([0-9]+)\.(.*)\.[0-9a-f]+$/.exec(name)
  return match !== null && isAlive({ pid: Number(match[1]), startTime: match[2] ?? '' })
}
