// What cosign signs of an image ("simple signing"), byte for byte as Go's encoding/json writes it:
//
//   {"critical":{"identity":{"docker-reference":"ghcr.io/owner/app"},
//                "image":{"docker-manifest-digest":"sha256:..."},
//                "type":"cosign container image signature"},
//    "optional":null}

/** The type that such a payload names. */
export const simpleSigningPayloadType = 'cosign container image signature'

/** What a payload says: this digest is an image of this repository. */
export interface SimpleSigningClaim {
  /** `docker.io`, `localhost:5000`. */
  readonly registry: string
  /** `library/alpine` */
  readonly repository: string
  readonly digest: string
  /** What the signer says besides. */
  readonly annotations?: Readonly<Record<string, string>>
}

/** The bytes to sign. */
export function simpleSigningPayload({ registry, repository, digest, annotations = {} }: SimpleSigningClaim): Buffer {
  // Docker Hub by its name of before, as cosign spells it.
  const name = `${registry === 'docker.io' ? 'index.docker.io' : registry}/${repository}`
  const critical = {
    identity: { 'docker-reference': name },
    image: { 'docker-manifest-digest': digest },
    type: simpleSigningPayloadType
  }
  return Buffer.from(`{"critical":${goJson(critical)},"optional":${goMap(annotations)}}`)
}

/** A map of Go's: its keys in the order of their bytes; an empty one is none. Objects would put keys that are numbers first. */
function goMap(texts: Readonly<Record<string, string>>): string {
  const entries = Object.entries(texts).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return entries.length === 0 ? 'null' : `{${entries.map(([key, value]) => `${goJson(key)}:${goJson(value)}`).join(',')}}`
}

/** Go escapes what browsers and JavaScript take amiss. */
function goJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
