import { EngineError } from '../../src/errors/index.js'
import { type Digest, isDigest } from '../registry/digest.js'
import { canonical, parseReference, withDigest } from '../registry/reference.js'
import { findImage, type StoredReference } from './image-records.js'
import type { VerifyOptions, VerifyResult } from './image-service.js'
import type { PullParts } from './pull-image.js'

/**
 * Check the signatures of an image that is here, as a pull of it would.
 *
 * @throws EngineError `untrusted`; `not_found`; `invalid_argument` where a signature is asked for of an image that is not named by a repository
 */
export async function verifyImage(name: string, options: VerifyOptions, parts: PullParts): Promise<VerifyResult> {
  const { metadata, trust, content, registry } = parts
  const { id, reference } = findImage(metadata, name)
  if (reference === undefined) {
    // Rules are about names. What is asked for by its id came in before, or was made here.
    if (options.verify === undefined) return { digest: id, checked: false }
    throw new EngineError('invalid_argument', `${name}: name the image by its repository: an id does not say where its signatures are`)
  }
  const { target } = metadata.get<StoredReference>('references', canonical(reference)) ?? {}
  if (target === undefined || !isDigest(target)) throw new EngineError('not_found', `No such image: ${name}`, { details: { image: name } })
  const check = trust.checkFor(reference, options.verify)
  if (check === undefined) return { digest: target, checked: false }
  const access = { signal: options.signal, ...(options.auth && { auth: options.auth }) }
  const bytes = (await content.has(target))
    ? await content.read(target)
    : (await registry.manifest(withDigest(parseReference(name), target), access)).bytes
  await check({ digest: target, bytes }, access)
  return { digest: target satisfies Digest, checked: true }
}
