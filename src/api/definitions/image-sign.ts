import { lazy, list, object, oneOf, required, string } from '../schema.js'

/** Where a registry keeps signatures of an image: under cosign's tag for it, or as referrers (OCI 1.1). */
export type SignatureStorage = 'tag' | 'referrers'

/** How a signature is written: cosign's own form with key pairs until version 2, or the sigstore bundle of version 3. */
export type SignatureFormat = 'simple-signing' | 'bundle'

/** A signature, made where the key is. */
export interface ImageSignRequest {
  /** What was signed: a manifest or an index that the repository has. */
  readonly Digest: string
  /** What names it, in base64: cosign's payload; of a bundle the in-toto statement. */
  readonly Payload: string
  /** The signature of the payload, in base64; of a bundle that of its DSSE envelope. */
  readonly Signature: string
  /** PEM text of the key that it is by; checked before anything is written. Goes no further. */
  readonly PublicKey: string
  /** `simple-signing` when absent. */
  readonly Format?: SignatureFormat | undefined
  /** `tag` when absent. A bundle is always a referrer. */
  readonly Storage?: readonly SignatureStorage[] | null | undefined
}

/** Schema of {@link ImageSignRequest}. */
export const imageSignRequest = lazy(() =>
  object<ImageSignRequest>({
    Digest: required(string()),
    Payload: required(string()),
    Signature: required(string()),
    PublicKey: required(string()),
    Format: oneOf('simple-signing', 'bundle'),
    Storage: list(oneOf('tag', 'referrers'))
  })
)

/** Where the signatures of an image are now. */
export interface ImageSignResponse {
  readonly Digest: string
  readonly Signatures: readonly {
    readonly Storage: SignatureStorage
    /** `host/name:sha256-<hex>.sig`, or `host/name@sha256:<hex>`. */
    readonly Reference: string
    /** False where the same key had signed the same there before; then nothing was written. */
    readonly Added: boolean
  }[]
}
