import { EngineError } from '../../src/errors/index.js'

/** Options of Docker's `--volume`, each group at most once. */
const groups: readonly (readonly string[])[] = [
  ['ro', 'rw'],
  // Labels for SELinux mean nothing where it is off; Docker takes them here too.
  ['z', 'Z'],
  ['rprivate', 'private', 'rslave', 'slave', 'rshared', 'shared'],
  ['nocopy'],
  // For Docker Desktop's file sharing; on Linux they mean nothing.
  ['consistent', 'cached', 'delegated', 'default']
]

/** What `ro,rslave,z` says. */
export interface MountMode {
  readonly readOnly: boolean
  /** As written; undefined where it was not. */
  readonly propagation: string | undefined
  readonly noCopy: boolean
}

/** @throws EngineError `invalid_argument` */
export function parseMountMode(mode: string): MountMode {
  const words = mode === '' ? [] : mode.split(',')
  const picked = groups.map(group => words.filter(word => group.includes(word)))
  const isKnown = words.every(word => groups.some(group => group.includes(word)))
  if (!isKnown || picked.some(group => group.length > 1)) {
    throw new EngineError('invalid_argument', `invalid mode: ${mode}`, { details: { mode } })
  }
  return { readOnly: words.includes('ro'), propagation: picked[2]?.[0], noCopy: words.includes('nocopy') }
}

/** Whether the text is a list of such options. */
export function isMountMode(text: string): boolean {
  try {
    parseMountMode(text)
    return true
  } catch {
    return false
  }
}
