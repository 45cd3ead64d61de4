import { EngineError } from '../../src/errors/index.js'
import { type Digest, digestParts } from '../registry/digest.js'
import type { Descriptor } from '../registry/manifest.js'
import { type Reference, withDigest } from '../registry/reference.js'
import type { RegistryClient, RegistryReadOptions } from '../registry/registry-client.js'
import { isBundleType, readBundle } from './bundle.js'
import { SignatureProblem, type SignedStatement, type Subject } from './signature.js'
import { readSignatureLayer, type SignatureLayer, signatureLayers } from './signature-manifest.js'
import { checkPayload, simpleSigningType } from './simple-signing.js'

/** Artifact type of a signature that is a referrer of its image. */
export const signatureArtifactType = 'application/vnd.dev.cosign.artifact.sig.v1+json'

/** A signature that a registry has for an image. */
export interface FoundSignature {
  /** For messages: where it was found. */
  readonly source: string
  /** What it says, if it is for the image. @throws SignatureProblem; EngineError when the registry does not give it */
  read(): Promise<SignedStatement>
}

/** Where signatures are looked for. */
export interface SignaturePlace {
  readonly registry: Pick<RegistryClient, 'manifest' | 'blob' | 'referrers' | 'hasMirrors'>
  readonly access: RegistryReadOptions
}

/** As many signatures as are looked at: a registry must not keep a pull busy for ever. */
const maximumSignatures = 256
const payloadLimitBytes = 1024 * 1024
const bundleLimitBytes = 4 * 1024 * 1024

/** The tag that cosign keeps an image's signatures under. */
export function signatureTag(digest: Digest): string {
  return `${tagOf(digest)}.sig`
}

/**
 * The signatures of an image: those under cosign's tag, then its referrers (OCI distribution-spec 1.1), where the registry has them.
 *
 * @throws EngineError what the registry fails with; that there are none is no failure
 */
export async function* findSignatures(subject: Subject, place: SignaturePlace): AsyncGenerator<FoundSignature, void, undefined> {
  let left = maximumSignatures
  const signaturesOf = function* (source: string, manifest: Uint8Array): Generator<FoundSignature, void, undefined> {
    for (const layer of layersOf(manifest)) {
      if (left-- <= 0) return
      yield { source, read: () => readLayer(layer, subject, place) }
    }
  }
  const tagged = withTag(subject.reference, signatureTag(subject.digest))
  const byTag = await readManifest(tagged, place)
  if (byTag !== undefined) yield* signaturesOf('under its tag', byTag)
  if (place.registry.hasMirrors(tagged)) {
    // A mirror may not have heard of the newest one.
    const newest = await readManifest(tagged, { ...place, access: { ...place.access, skipMirrors: true } })
    const isNews = newest !== undefined && (byTag === undefined || !Buffer.from(newest).equals(byTag))
    if (isNews) yield* signaturesOf('under its tag at the registry itself', newest)
  }
  // Asked for only where none of those under the tag was enough: not every registry knows what referrers are.
  for (const digest of (await referrersOf(subject, place)).slice(0, maximumSignatures)) {
    if (left <= 0) return
    const bytes = await readManifest({ ...nameOf(subject.reference), digest }, place)
    if (bytes !== undefined) yield* signaturesOf(`referrer ${digest.slice(0, 19)}`, bytes)
  }
}

/** What is no manifest of signatures counts as a signature that cannot be read, so that a message tells of it. */
function layersOf(manifest: Uint8Array): readonly (SignatureLayer | SignatureProblem)[] {
  try {
    return signatureLayers(manifest).filter(({ descriptor: { mediaType } }) => mediaType === simpleSigningType || isBundleType(mediaType))
  } catch (error) {
    if (error instanceof SignatureProblem) return [error]
    throw error
  }
}

async function readLayer(layer: SignatureLayer | SignatureProblem, subject: Subject, place: SignaturePlace): Promise<SignedStatement> {
  if (layer instanceof SignatureProblem) throw layer
  const { descriptor, annotations } = layer
  if (isBundleType(descriptor.mediaType)) return readBundle(await readBlob(descriptor, subject, place, bundleLimitBytes), subject)
  const payload = await readBlob(descriptor, subject, place, payloadLimitBytes)
  checkPayload(payload, subject)
  return readSignatureLayer(payload, annotations)
}

async function readBlob(descriptor: Descriptor, { reference }: Subject, place: SignaturePlace, limitBytes: number): Promise<Uint8Array> {
  try {
    return await place.registry.blob(reference, descriptor, { ...place.access, limitBytes })
  } catch (error) {
    if (isOwnFault(error)) throw new SignatureProblem(`the registry does not give it: ${error.message}`)
    throw error
  }
}

/** Failures that are of one signature, and say nothing about others. */
function isOwnFault(error: unknown): error is EngineError {
  return EngineError.is(error) && ['not_found', 'data_loss', 'not_supported'].includes(error.code)
}

async function readManifest(reference: Reference, { registry, access }: SignaturePlace): Promise<Uint8Array | undefined> {
  try {
    return (await registry.manifest(reference, access)).bytes
  } catch (error) {
    if (isOwnFault(error)) return undefined
    throw error
  }
}

/** Digests of the signatures among an image's referrers. */
async function referrersOf({ reference, digest }: Subject, { registry, access }: SignaturePlace): Promise<readonly Digest[]> {
  const { signal, auth } = access
  const referrers = await registry.referrers(withDigest(reference, digest), { signal, ...(auth !== undefined && { auth }) })
  return referrers.flatMap(({ artifactType = '', digest: found }) =>
    artifactType === signatureArtifactType || isBundleType(artifactType) ? [found] : []
  )
}

function tagOf(digest: Digest): string {
  const { algorithm, hex } = digestParts(digest)
  return `${algorithm}-${hex}`
}

function nameOf({ domain, path }: Reference): Reference {
  return { domain, path }
}

function withTag(reference: Reference, tag: string): Reference {
  return { ...nameOf(reference), tag }
}
