import type { Empty } from '../schema.js'
import type { ContainerConfig, HealthConfig } from './container-config.js'
import type { Identity } from './image-identity.js'
import type { ImageManifestSummary } from './image-summary.js'
import type { OCIDescriptor } from './oci-descriptor.js'
import type { DriverData } from './storage.js'

/** What an image says about containers made of it. */
export interface ImageConfig {
  readonly User?: string | undefined
  readonly ExposedPorts?: Readonly<Record<string, Empty>> | null | undefined
  readonly Env?: readonly string[] | null | undefined
  readonly Cmd?: readonly string[] | null | undefined
  readonly Healthcheck?: HealthConfig | undefined
  readonly ArgsEscaped?: boolean | null | undefined
  readonly Volumes?: Readonly<Record<string, Empty>> | null | undefined
  readonly WorkingDir?: string | undefined
  readonly Entrypoint?: readonly string[] | null | undefined
  readonly OnBuild?: readonly string[] | null | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  readonly StopSignal?: string | null | undefined
  readonly Shell?: readonly string[] | null | undefined
  /** No longer in API 1.51. */
  readonly Hostname?: string | undefined
  /** No longer in API 1.51. */
  readonly Domainname?: string | undefined
  /** No longer in API 1.51. */
  readonly AttachStdin?: boolean | undefined
  /** No longer in API 1.51. */
  readonly AttachStdout?: boolean | undefined
  /** No longer in API 1.51. */
  readonly AttachStderr?: boolean | undefined
  /** No longer in API 1.51. */
  readonly Tty?: boolean | undefined
  /** No longer in API 1.51. */
  readonly OpenStdin?: boolean | undefined
  /** No longer in API 1.51. */
  readonly StdinOnce?: boolean | undefined
  /** No longer in API 1.51. */
  readonly Image?: string | undefined
  /** No longer in API 1.51. */
  readonly NetworkDisabled?: boolean | null | undefined
  /** No longer in API 1.51. */
  readonly MacAddress?: string | null | undefined
  /** No longer in API 1.51. */
  readonly StopTimeout?: number | null | undefined
}

/** The image's layers, lowest first, by diff ID. */
export interface ImageRootFS {
  readonly Type: string
  readonly Layers?: readonly string[] | null | undefined
}

/** What the engine remembers about an image. */
export interface ImageMetadata {
  readonly LastTagTime?: string | null | undefined
}

/** Everything about one image. */
export interface ImageInspectResponse {
  readonly Id: string
  /** Since API 1.48, where containerd stores images. */
  readonly Descriptor?: OCIDescriptor | null | undefined
  /** Since API 1.48, when asked for. */
  readonly Manifests?: readonly ImageManifestSummary[] | null | undefined
  /** Since API 1.53. */
  readonly Identity?: Identity | null | undefined
  readonly RepoTags: readonly string[]
  readonly RepoDigests: readonly string[]
  readonly Comment?: string | null | undefined
  /** RFC 3339. */
  readonly Created?: string | null | undefined
  readonly Author?: string | null | undefined
  readonly Config?: ImageConfig | undefined
  readonly Architecture: string
  readonly Variant?: string | null | undefined
  readonly Os: string
  readonly OsVersion?: string | null | undefined
  /** Bytes of all layers. */
  readonly Size: number
  readonly GraphDriver?: DriverData | null | undefined
  readonly RootFS: ImageRootFS
  readonly Metadata?: ImageMetadata | undefined
  /** Until API 1.51. */
  readonly Parent?: string | undefined
  /** Until API 1.51. */
  readonly DockerVersion?: string | undefined
  /** No longer in API 1.51. */
  readonly Container?: string | undefined
  /** No longer in API 1.51. */
  readonly ContainerConfig?: ContainerConfig | undefined
  /** The same as Size. No longer in API 1.51. */
  readonly VirtualSize?: number | undefined
}
