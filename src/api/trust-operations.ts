import { defineOperation } from './define-operation.js'
import { type ImageSignResponse, imageSignRequest } from './definitions/image-sign.js'
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

/** What a signature of an image is to be for. */
export interface ImageSigningSubjectResponse {
  /** What the name stands for in its registry now: a manifest or an index. */
  readonly Digest: string
}

/** Ask the registry itself, no mirror, what a name stands for: that is what a signature is made of. */
export const ImageSigningSubject = defineOperation<ImageSigningSubjectResponse>()({
  id: 'ImageSigningSubject',
  method: 'GET',
  path: '/gantry/images/{name}/signing-subject',
  request: 'none',
  response: 'json',
  headers: {
    /** Credentials, see `encodeRegistryAuth`. */
    'X-Registry-Auth': text
  }
})

/** Write a signature to the image's registry, besides those that are there. The key stays where it is: only what it made is sent. */
export const ImageSign = defineOperation<ImageSignResponse>()({
  id: 'ImageSign',
  method: 'POST',
  path: '/gantry/images/{name}/sign',
  request: 'json',
  response: 'json',
  headers: {
    /** Credentials, see `encodeRegistryAuth`. */
    'X-Registry-Auth': text
  },
  body: imageSignRequest
})
