// What cosign signs of an image since version 3, in a sigstore bundle: an in-toto statement, in a DSSE envelope.
//
//   {"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"..."}}],
//    "predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}

/** Media type of a statement. */
export const statementMediaType = 'application/vnd.in-toto+json'

/** Of statements that are signatures. Others attest something about an image, which is not to vouch for it. */
export const signaturePredicate = 'https://sigstore.dev/cosign/sign/v1'

/** What a statement says: whoever signs it vouches for this digest. It names no repository. */
export interface StatementClaim {
  readonly digest: string
  /** What the signer says besides. */
  readonly annotations?: Readonly<Record<string, string>>
}

/** A statement about an image. */
export function signingStatement({ digest, annotations = {} }: StatementClaim): Buffer {
  const colon = digest.indexOf(':')
  const subject = {
    digest: { [digest.slice(0, colon)]: digest.slice(colon + 1) },
    ...(Object.keys(annotations).length > 0 && { annotations })
  }
  return Buffer.from(
    JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject: [subject], predicateType: signaturePredicate, predicate: {} })
  )
}

/** What is signed of an envelope's payload: DSSE's pre-authentication encoding. */
export function preAuthenticationEncoding(payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${statementMediaType.length} ${statementMediaType} ${payload.byteLength} `
  return Buffer.concat([Buffer.from(head), payload])
}
