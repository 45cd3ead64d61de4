import type { Identity } from './image-identity.js'
import type { OCIDescriptor, OCIPlatform } from './oci-descriptor.js'

/** Bytes that a manifest takes. */
export interface ManifestSize {
  readonly Total: number
  readonly Content: number
}

/** Bytes of the unpacked image. */
export interface ManifestImageSize {
  readonly Unpacked: number
}

/** A manifest that is an image. */
export interface ManifestImageData {
  readonly Platform: OCIPlatform
  readonly Identity?: Identity | null | undefined
  readonly Containers: readonly string[]
  readonly Size: ManifestImageSize
}

/** A manifest that is about another. */
export interface ManifestAttestationData {
  readonly For: string
}

/** One manifest of an image. */
export interface ImageManifestSummary {
  readonly ID: string
  readonly Descriptor: OCIDescriptor
  /** Whether all of its content is here. */
  readonly Available: boolean
  readonly Size: ManifestSize
  readonly Kind: 'image' | 'attestation' | 'unknown'
  readonly ImageData?: ManifestImageData | null | undefined
  readonly AttestationData?: ManifestAttestationData | null | undefined
}

/** An image in a list. */
export interface ImageSummary {
  readonly Id: string
  readonly ParentId: string
  readonly RepoTags: readonly string[] | null
  readonly RepoDigests: readonly string[] | null
  /** Unix seconds. */
  readonly Created: number
  /** Bytes. */
  readonly Size: number
  /** -1 where it was not asked for. */
  readonly SharedSize: number
  readonly Labels: Readonly<Record<string, string>> | null
  /** -1 where it was not counted. */
  readonly Containers: number
  readonly Manifests?: readonly ImageManifestSummary[] | undefined
  readonly Descriptor?: OCIDescriptor | null | undefined
  /** No longer in API 1.51. */
  readonly VirtualSize?: number | undefined
}
