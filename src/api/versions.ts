import { EngineError } from '../errors/index.js'
import type { Operation } from './operation.js'

/** The oldest API version spoken: what Docker 1.12 had, and the oldest that dockerd takes. */
export const oldestVersion = '1.24'

/** The newest API version spoken. */
export const newestVersion = '1.55'

/** An API version's parts. */
export interface Version {
  readonly major: number
  readonly minor: number
}

/**
 * Read an API version such as `1.41`.
 *
 * @throws EngineError `invalid_argument` for anything but two numbers with a dot between.
 */
export function parseVersion(version: string): Version {
  const match = /^(\d{1,9})\.(\d{1,9})$/.exec(version)
  if (match === null) throw new EngineError('invalid_argument', `"${version}" is not an API version: expected something like 1.41`)
  return { major: Number(match[1]), minor: Number(match[2]) }
}

/** Less than 0 where `a` is the older one, 0 for equal ones. Numbers count: 1.9 is older than 1.10. */
export function compareVersions(a: string, b: string): number {
  const left = parseVersion(a)
  const right = parseVersion(b)
  return left.major - right.major || left.minor - right.minor
}

/** Whether `version` is `least` or newer. */
export function isAtLeast(version: string, least: string): boolean {
  return compareVersions(version, least) >= 0
}

/** Whether an API version has an operation, or a parameter of one. */
export function supports(what: Pick<Operation, 'since' | 'until'>, version: string): boolean {
  if (what.since !== undefined && !isAtLeast(version, what.since)) return false
  return what.until === undefined || isAtLeast(what.until, version)
}
