/** A build that made the image. */
export interface BuildIdentity {
  readonly Ref?: string | undefined
  readonly CreatedAt?: string | undefined
}

/** A pull that brought the image. */
export interface PullIdentity {
  readonly Repository?: string | undefined
}

/** When a signature was made, according to a witness. */
export interface SignatureTimestamp {
  readonly Type?: 'Tlog' | 'TimestampAuthority' | undefined
  readonly URI?: string | undefined
  readonly Timestamp?: string | undefined
}

/** What a signer's certificate says (Fulcio's extensions). */
export interface SignerIdentity {
  readonly CertificateIssuer?: string | undefined
  readonly SubjectAlternativeName?: string | undefined
  readonly Issuer?: string | undefined
  readonly BuildSignerURI?: string | undefined
  readonly BuildSignerDigest?: string | undefined
  readonly RunnerEnvironment?: string | undefined
  readonly SourceRepositoryURI?: string | undefined
  readonly SourceRepositoryDigest?: string | undefined
  readonly SourceRepositoryRef?: string | undefined
  readonly SourceRepositoryIdentifier?: string | undefined
  readonly SourceRepositoryOwnerURI?: string | undefined
  readonly SourceRepositoryOwnerIdentifier?: string | undefined
  readonly BuildConfigURI?: string | undefined
  readonly BuildConfigDigest?: string | undefined
  readonly BuildTrigger?: string | undefined
  readonly RunInvocationURI?: string | undefined
  readonly SourceRepositoryVisibilityAtSigning?: string | undefined
}

/** A signature that was verified. */
export interface SignatureIdentity {
  readonly Name?: string | undefined
  readonly Timestamps?: readonly SignatureTimestamp[] | undefined
  readonly KnownSigner?: 'DHI' | undefined
  readonly DockerReference?: string | undefined
  readonly Signer?: SignerIdentity | undefined
  readonly SignatureType?: 'bundle-v0.3' | 'simplesigning-v1' | undefined
  readonly Error?: string | undefined
  readonly Warnings?: readonly string[] | undefined
}

/** Where an image comes from, as verified by the engine. */
export interface Identity {
  readonly Signature?: readonly SignatureIdentity[] | undefined
  readonly Pull?: readonly PullIdentity[] | undefined
  readonly Build?: readonly BuildIdentity[] | undefined
}
