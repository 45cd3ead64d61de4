import type { Identity } from './image-identity.js'
import type { OCIDescriptor, OCIPlatform } from './oci-descriptor.js'

export interface ImageManifestSummarySize {
  readonly Total: number
  readonly Content: number
}

export interface ImageDataSize {
  readonly Unpacked: number
}

export interface ImageManifestSummaryImageData {
  readonly Platform: OCIPlatform
  readonly Identity?: Identity | null | undefined
  readonly Containers: readonly string[]
  readonly Size: ImageDataSize
}

export interface ImageManifestSummaryAttestationData {
  readonly For: string
}

export interface ImageManifestSummary {
  readonly ID: string
  readonly Descriptor: OCIDescriptor
  readonly Available: boolean
  readonly Size: ImageManifestSummarySize
  readonly Kind: 'image' | 'attestation' | 'unknown'
  readonly ImageData?: ImageManifestSummaryImageData | null | undefined
  readonly AttestationData?: ImageManifestSummaryAttestationData | null | undefined
}

export interface ImageSummary {
  readonly Id: string
  readonly ParentId: string
  readonly RepoTags: readonly string[]
  readonly RepoDigests: readonly string[]
  readonly Created: number
  readonly Size: number
  readonly SharedSize: number
  readonly Labels: Readonly<Record<string, string>>
  readonly Containers: number
  readonly Manifests?: readonly ImageManifestSummary[] | undefined
  readonly Descriptor?: OCIDescriptor | null | undefined
  /** Gone after API 1.41. */
  readonly VirtualSize?: number | undefined
}
