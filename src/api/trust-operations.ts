import { defineOperation } from './define-operation.js'
import { text } from './parameter.js'

/** What a check of an image's signatures came to. */
export interface ImageVerifyResponse {
  /** What was checked: the manifest or index that the name stands for. */
  readonly Digest: string
  /** Whether a signature was asked for at all. */
  readonly Checked: boolean
}

/**
 * Check the signatures of an image that is here, as a pull of it would: those that its registry has now. 403 (`untrusted`) where it would not
 * be let in.
 */
export const ImageVerify = defineOperation<ImageVerifyResponse>()({
  id: 'ImageVerify',
  method: 'POST',
  path: '/gantry/images/{name}/verify',
  request: 'none',
  response: 'json',
  headers: {
    /** Credentials, see `encodeRegistryAuth`. */
    'X-Registry-Auth': text,
    /** Whose signature it has to have, besides what the engine's rules say; see `encodeTrustPolicy`. */
    'X-Gantry-Verify': text
  }
})
