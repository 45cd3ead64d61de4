/** What an image runs on, in the words of the OCI image specification. */
export interface OCIPlatform {
  readonly architecture: string
  readonly os: string
  readonly 'os.version'?: string | undefined
  readonly 'os.features'?: readonly string[] | undefined
  readonly variant?: string | undefined
}

/** A reference to content, as in the OCI image specification. */
export interface OCIDescriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly urls?: readonly string[] | null | undefined
  readonly annotations?: Readonly<Record<string, string>> | null | undefined
  /** The content itself, in base64. */
  readonly data?: string | null | undefined
  readonly platform?: OCIPlatform | undefined
  readonly artifactType?: string | null | undefined
}

/** What a registry has under a name. */
export interface DistributionInspectResponse {
  readonly Descriptor: OCIDescriptor
  readonly Platforms: readonly OCIPlatform[]
}
