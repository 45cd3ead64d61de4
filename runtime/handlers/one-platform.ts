import { EngineError } from '../../src/errors/index.js'

/** A platform as the Engine API writes it, an OCI platform object. */
interface ApiPlatform {
  readonly os?: string | undefined
  readonly architecture?: string | undefined
  readonly variant?: string | undefined
}

/**
 * The one platform of a list, as `os/architecture/variant`: an image here is of one.
 *
 * @throws EngineError `not_implemented` for several, `invalid_argument` for one that names no architecture
 */
export function onePlatform(platforms: readonly ApiPlatform[] | undefined, field = 'platform'): string | undefined {
  const [first, second] = platforms ?? []
  if (first === undefined) return undefined
  if (second !== undefined) {
    throw new EngineError('not_implemented', `${field}: more than one platform at a time is not built yet in the in-process runtime`, {
      details: { field: `query.${field}` }
    })
  }
  if (!first.architecture || !first.os) {
    throw new EngineError('invalid_argument', `${field}: name os and architecture, such as {"os":"linux","architecture":"arm64"}`, {
      details: { field: `query.${field}` }
    })
  }
  return [first.os, first.architecture, ...(first.variant ? [first.variant] : [])].join('/')
}
