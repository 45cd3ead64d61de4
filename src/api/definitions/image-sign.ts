import { lazy, list, object, oneOf, required, string } from '../schema.js'

/** Where a registry keeps signatures of an image: under cosign's tag for it, or as referrers (OCI 1.1). */
export type SignatureStorage = 'tag' | 'referrers'

/** A signature, made where the key is. */
export interface ImageSignRequest {
  /** What was signed: a manifest or an index that the repository has. */
  readonly Digest: string
  /** cosign's payload that names it, in base64. */
  readonly Payload: string
  /** The signature of the payload, in base64. */
  readonly Signature: string
  /** PEM text of the key that it is by; checked before anything is written. Goes no further. */
  readonly PublicKey: string
  /** `tag` when absent. */
  readonly Storage?: readonly SignatureStorage[] | null | undefined
}

/** Schema of {@link ImageSignRequest}. */
export const imageSignRequest = lazy(() =>
  object<ImageSignRequest>({
    Digest: required(string()),
    Payload: required(string()),
    Signature: required(string()),
    PublicKey: required(string()),
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
