import type { Descriptor } from '../registry/manifest.js'
import type { Platform } from '../registry/platform.js'

/** What an image's name stands for. */
export interface ImageManifests {
  /** The index, or the manifest where there is none. */
  readonly target: Descriptor
  readonly manifests: readonly ManifestFacts[]
}

/** A manifest, and what of it is here. */
export interface ManifestFacts {
  readonly descriptor: Descriptor
  readonly kind: 'image' | 'attestation' | 'unknown'
  /** Whether everything of it is here. */
  readonly isAvailable: boolean
  /** Of its blobs that are here. */
  readonly contentBytes: number
  /** Of the image's files; 0 where it is not unpacked. */
  readonly unpackedBytes: number
  /** Of an image. */
  readonly platform?: Platform
  /** Of an image that is here. */
  readonly imageId?: string
  /** Digest of the manifest that an attestation is about. */
  readonly subject?: string
}
