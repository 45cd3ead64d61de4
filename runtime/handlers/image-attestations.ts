import type { ImageAttestations, OutputOf } from '../../src/api/index.js'
import type { InputOf } from '../../src/api/operation.js'
import { EngineError } from '../../src/errors/index.js'
import type { ImageService } from '../images/image-service.js'
import { choosePlatform, formatPlatform, normalizePlatform } from '../registry/platform.js'

/**
 * `GET /images/{name}/attestations`.
 *
 * @throws EngineError `not_found` for the image, or where it is for another platform; `invalid_argument` for several platforms
 */
export async function imageAttestations(
  { path, query }: InputOf<typeof ImageAttestations>,
  images: ImageService
): Promise<OutputOf<typeof ImageAttestations>> {
  const { platform: platforms = [], type: types = [], statement: withStatements = false } = query ?? {}
  const image = await images.get(path.name)
  const [asked, ...more] = platforms
  if (more.length > 0)
    throw new EngineError('invalid_argument', 'platform: give one, not several', { details: { field: 'query.platform' } })
  const own = { os: image.os, architecture: image.architecture, ...(image.variant !== undefined && { variant: image.variant }) }
  if (asked !== undefined) {
    const wanted = normalizePlatform({
      os: asked.os,
      architecture: asked.architecture,
      ...(asked.variant !== undefined && { variant: asked.variant })
    })
    if (choosePlatform([{ platform: own }], wanted) === undefined) {
      throw new EngineError(
        'not_found',
        `image ${path.name} was found but its platform (${formatPlatform(own)}) does not match the asked one (${formatPlatform(wanted)})`,
        { details: { image: path.name, platform: formatPlatform(wanted) } }
      )
    }
  }
  const found = await images.attestations(path.name, { types, withStatements })
  return found.map(({ descriptor, predicateType, statement }) => ({
    Descriptor: descriptor,
    PredicateType: predicateType,
    ...(statement !== undefined && { Statement: statement })
  }))
}
