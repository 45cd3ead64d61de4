import { parseReference, type Reference } from '../registry/reference.js'
import { isObject, parseJson } from './json.js'
import { SignatureProblem, type Subject } from './signature.js'

// What cosign signs with a key pair, and Red Hat signed before it ("simple signing"):
//
//   {"critical":{"identity":{"docker-reference":"ghcr.io/owner/app"},
//                "image":{"docker-manifest-digest":"sha256:..."},
//                "type":"cosign container image signature"},
//    "optional":null}

/** Media type of such a payload: a layer of a signature's manifest. */
export const simpleSigningType = 'application/vnd.dev.cosign.simplesigning.v1+json'

const payloadType = 'cosign container image signature'

/** A payload that says: this digest is an image of this repository. Its bytes are cosign's. */
export function simpleSigningPayload(reference: Reference, digest: string): Uint8Array {
  const critical = {
    identity: { 'docker-reference': signedName(reference) },
    image: { 'docker-manifest-digest': digest },
    type: payloadType
  }
  return Buffer.from(JSON.stringify({ critical, optional: null }))
}

/** Whether a payload speaks of this image. @throws SignatureProblem */
export function checkPayload(payload: Uint8Array, { digest, reference }: Subject): void {
  const { critical } = parseJson(payload, 'its payload')
  if (!isObject(critical)) throw new SignatureProblem('its payload has no part "critical"')
  const { type, image, identity } = critical
  if (type !== payloadType) throw new SignatureProblem(`its payload is of type ${shown(type)}, not ${shown(payloadType)}`)
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
    return named.domain === domain && named.path === path
  } catch {
    return false
  }
}

/** As cosign spells it: Docker Hub by its name of before. */
function signedName({ domain, path }: Reference): string {
  return `${domain === 'docker.io' ? 'index.docker.io' : domain}/${path}`
}

/** What came from outside goes into messages, but no pages of it. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length <= 200 ? text : `${text.slice(0, 200)}...`
}
