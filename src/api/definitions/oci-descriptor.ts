export interface OCIPlatform {
  readonly architecture: string
  readonly os: string
  readonly 'os.version'?: string | undefined
  readonly 'os.features'?: readonly string[] | undefined
  readonly variant?: string | undefined
}

export interface OCIDescriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly urls?: readonly string[] | null | undefined
  readonly annotations?: Readonly<Record<string, string>> | null | undefined
  readonly data?: string | null | undefined
  readonly platform?: OCIPlatform | undefined
  readonly artifactType?: string | null | undefined
}

export interface DistributionInspectResponse {
  readonly Descriptor: OCIDescriptor
  readonly Platforms: readonly OCIPlatform[]
}
