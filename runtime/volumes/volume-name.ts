import { randomBytes } from 'node:crypto'
import { EngineError } from '../../src/errors/index.js'

const allowed = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

/** A name that nobody chose: 64 hexadecimal digits. */
export function anonymousVolumeName(): string {
  return randomBytes(32).toString('hex')
}

/**
 * Docker's rule for names of local volumes.
 *
 * @throws EngineError `invalid_argument`
 */
export function checkVolumeName(name: string): string {
  if (name.length < 2) {
    throw invalid(name, `create ${name}: volume name is too short, names should be at least two alphanumeric characters`)
  }
  // The name is that of a folder, and longer ones no file system takes.
  if (name.length > 255) throw invalid(name, `create ${name}: volume name is too long, names should be at most 255 characters`)
  if (!allowed.test(name)) {
    throw invalid(
      name,
      `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`
    )
  }
  return name
}

/** @throws EngineError `not_found` for a driver other than `local`: plugins are not built yet */
export function checkVolumeDriver(name: string, driver: string): void {
  if (driver === '' || driver === 'local') return
  throw new EngineError(
    'not_found',
    `create ${name}: error looking up volume plugin ${driver}: plugin ${JSON.stringify(driver)} not found`,
    {
      details: { volume: name, driver }
    }
  )
}

function invalid(name: string, message: string): EngineError {
  return new EngineError('invalid_argument', message, { details: { volume: name } })
}
