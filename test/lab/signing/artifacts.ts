import { createHash } from 'node:crypto'

/** A manifest with the blobs that it names, to be put into a registry. */
export interface Artifact {
  readonly mediaType: string
  readonly manifest: Buffer
  readonly digest: string
  readonly blobs: readonly Buffer[]
}

export interface LayerOf {
  readonly mediaType: string
  readonly content: Buffer
  readonly annotations?: Readonly<Record<string, string>>
}

/** An OCI manifest, as signatures are kept in. */
export function artifactOf(layers: readonly LayerOf[], more: Readonly<Record<string, unknown>> = {}): Artifact {
  const config = Buffer.from('{}')
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: config.length },
      layers: layers.map(({ mediaType, content, annotations }) => ({
        mediaType,
        digest: digestOf(content),
        size: content.length,
        ...(annotations && { annotations })
      })),
      ...more
    })
  )
  return {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    manifest,
    digest: digestOf(manifest),
    blobs: [config, ...layers.map(({ content }) => content)]
  }
}

/** What cosign signs of an image. */
export function payloadOf(repository: string, digest: string, type = 'cosign container image signature'): Buffer {
  const critical = { identity: { 'docker-reference': repository }, image: { 'docker-manifest-digest': digest }, type }
  return Buffer.from(JSON.stringify({ critical, optional: null }))
}

/** A layer that is a signature, as `cosign sign` makes it. */
export function signatureLayer(payload: Buffer, signature: Uint8Array, annotations: Readonly<Record<string, string>> = {}): LayerOf {
  return {
    mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
    content: payload,
    annotations: { 'dev.cosignproject.cosign/signature': Buffer.from(signature).toString('base64'), ...annotations }
  }
}

export const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const inToto = 'application/vnd.in-toto+json'

/** An in-toto statement about an image, as `cosign sign` makes it since version 3. */
export function statementOf(digest: string, predicateType = 'https://sigstore.dev/cosign/sign/v1'): Buffer {
  const subject = [{ digest: { sha256: digest.replace('sha256:', '') } }]
  return Buffer.from(JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject, predicateType, predicate: {} }))
}

/** What is signed of an envelope: DSSE's pre-authentication encoding. */
export function envelopeBytes(payload: Buffer): Buffer {
  return Buffer.from(`DSSEv1 ${inToto.length} ${inToto} ${payload.length} ${payload}`)
}

/** A bundle with an envelope. */
export function envelopeBundle(payload: Buffer, signature: Uint8Array, material: object): Buffer {
  const envelope = {
    payload: payload.toString('base64'),
    payloadType: inToto,
    signatures: [{ sig: Buffer.from(signature).toString('base64') }]
  }
  return Buffer.from(JSON.stringify({ mediaType: bundleType, verificationMaterial: material, dsseEnvelope: envelope }))
}

/** A bundle with a signature of the manifest itself. */
export function messageBundle(manifest: Uint8Array, signature: Uint8Array, material: object): Buffer {
  const digest = createHash('sha256').update(manifest).digest('base64')
  const messageSignature = { messageDigest: { algorithm: 'SHA2_256', digest }, signature: Buffer.from(signature).toString('base64') }
  return Buffer.from(JSON.stringify({ mediaType: bundleType, verificationMaterial: material, messageSignature }))
}

/** A bundle as a referrer of its image. */
export function bundleArtifact(bundle: Buffer, subject: { readonly digest: string; readonly size: number }): Artifact {
  return artifactOf([{ mediaType: bundleType, content: bundle }], {
    artifactType: bundleType,
    subject: { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...subject }
  })
}

/** An index that lists referrers, for registries that cannot. */
export function referrersIndex(referrers: readonly (Artifact & { readonly artifactType: string })[]): Artifact {
  const mediaType = 'application/vnd.oci.image.index.v1+json'
  const manifests = referrers.map(({ mediaType: type, digest, manifest, artifactType }) => ({
    mediaType: type,
    digest,
    size: manifest.length,
    artifactType
  }))
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }))
  return { mediaType, manifest: index, digest: digestOf(index), blobs: [] }
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
