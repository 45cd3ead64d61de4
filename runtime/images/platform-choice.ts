import { EngineError } from '../../src/errors/index.js'
import { choosePlatform, formatPlatform, type Platform } from '../registry/platform.js'

/** Which platform's image to take of several. */
export interface PlatformChoice {
  /** What was asked for; nothing else will do. */
  readonly asked?: Platform
  /** What is taken where nothing was asked for and it is there. */
  readonly preferred: Platform
}

/** @throws EngineError `not_found` where another platform was asked for than the image is for */
export function checkPlatform(
  name: string,
  { os, architecture, variant }: { readonly os: string; readonly architecture: string; readonly variant?: string },
  { asked }: Pick<PlatformChoice, 'asked'>
): void {
  const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) }
  if (asked !== undefined && choosePlatform([{ platform }], asked) === undefined) throw wrongPlatform(name, asked, [platform])
}

/** In Docker's words. */
export function wrongPlatform(name: string, asked: Platform, available: readonly Platform[]): EngineError {
  const has = available.map(formatPlatform)
  return new EngineError(
    'not_found',
    `image ${name} was found but does not match the asked platform: wanted ${formatPlatform(asked)}, actual ${has.join(', ') || 'none'}`,
    { details: { platform: formatPlatform(asked), available: has } }
  )
}
