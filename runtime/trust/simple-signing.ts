import { simpleSigningPayloadType } from '../../src/signing/simple-signing.js'
import { parseReference, type Reference } from '../registry/reference.js'
import { isObject, parseJson } from './json.js'
import { registryName } from './registry-name.js'
import { SignatureProblem, type Subject } from './signature.js'

/** Media type of what cosign signs with a key pair (src/signing): a layer of a signature's manifest. */
export const simpleSigningType = 'application/vnd.dev.cosign.simplesigning.v1+json'

/** Whether a payload speaks of this image. @throws SignatureProblem */
export function checkPayload(payload: Uint8Array, { digest, reference }: Subject): void {
  const { critical } = parseJson(payload, 'its payload')
  if (!isObject(critical)) throw new SignatureProblem('its payload has no part "critical"')
  const { type, image, identity } = critical
  if (type !== simpleSigningPayloadType)
    throw new SignatureProblem(`its payload is of type ${shown(type)}, not ${shown(simpleSigningPayloadType)}`)
  const signed = isObject(image) ? image['docker-manifest-digest'] : undefined
  if (signed !== digest) throw new SignatureProblem(`it is for ${shown(signed)}`)
  const name = isObject(identity) ? identity['docker-reference'] : undefined
  // Signers may leave it out.
  if (name === undefined || name === '') return
  if (typeof name !== 'string' || !isRepository(name, reference)) throw new SignatureProblem(`it is for the repository ${shown(name)}`)
}

function isRepository(name: string, { domain, path }: Reference): boolean {
  try {
    const named = parseReference(name)
    return registryName(named.domain) === registryName(domain) && named.path === path
  } catch {
    return false
  }
}

/** What came from outside goes into messages, but no pages of it. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length <= 200 ? text : `${text.slice(0, 200)}...`
}
