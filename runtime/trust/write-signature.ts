import type { SignatureStorage } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { type Digest, digestOf } from '../registry/digest.js'
import type { Descriptor } from '../registry/manifest.js'
import { mediaTypes } from '../registry/media-types.js'
import { familiar, type Reference, withDigest } from '../registry/reference.js'
import type { RegistryClient } from '../registry/registry-client.js'
import type { RegistryWriteOptions } from '../registry/registry-writer.js'
import { isBundleType } from './bundle.js'
import { signatureArtifactType, signatureTag } from './find-signatures.js'
import { type PublicKey, verifySignature } from './public-key.js'
import { SignatureProblem } from './signature.js'
import { annotations, readSignatureLayer, type SignatureLayer, signatureLayers } from './signature-manifest.js'
import { simpleSigningType } from './simple-signing.js'

/** A signature of cosign's first kind, and the key that it is by. */
export interface NewSignature {
  readonly payload: Uint8Array
  readonly signature: Uint8Array
  readonly key: PublicKey
}

/** What is signed: a manifest or an index of a repository. */
export interface SignedSubject {
  readonly reference: Reference
  readonly descriptor: Descriptor
}

/** Where signatures are written. */
export interface SigningPlace {
  readonly registry: Pick<RegistryClient, 'manifest' | 'blob' | 'referrers' | 'pushBlob' | 'pushManifest'>
  readonly access: RegistryWriteOptions
}

/** Where a signature is now. */
export interface WrittenSignature {
  readonly reference: Reference
  /** False where it was there already: by the same key, of the same payload. */
  readonly added: boolean
}

/** As many as a pull looks at. */
const maximumSignatures = 256
const configLimitBytes = 1024 * 1024
const maximumRounds = 5

/**
 * Write a signature as cosign does, besides those that are there. What is read of the registry comes from itself, never from a mirror.
 *
 * @throws EngineError `conflict` where something else is in its place, `resource_exhausted` where there are too many; as pushes do
 */
export function writeSignature(
  subject: SignedSubject,
  signature: NewSignature,
  storage: SignatureStorage,
  place: SigningPlace
): Promise<WrittenSignature> {
  return storage === 'tag' ? writeByTag(subject, signature, place) : writeAsReferrer(subject, signature, place)
}

/** cosign's own place: one manifest for all signatures of a digest, under a tag that names the digest. */
async function writeByTag(
  { reference, descriptor }: SignedSubject,
  signature: NewSignature,
  place: SigningPlace
): Promise<WrittenSignature> {
  const tagged: Reference = { domain: reference.domain, path: reference.path, tag: signatureTag(descriptor.digest) }
  for (let round = 1; round <= maximumRounds; round++) {
    const known = await readList(tagged, place)
    if (known?.layers.some(layer => isSame(layer, signature))) return { reference: tagged, added: round > 1 }
    if (known !== undefined && known.layers.length >= maximumSignatures) {
      throw new EngineError(
        'resource_exhausted',
        `cannot sign ${familiar(reference)}: it has ${known.layers.length} signatures, and more than ${maximumSignatures} are not looked at`
      )
    }
    await putList(tagged, signature, { known, place, configType: mediaTypes.ociConfig })
    // Registries have no "only if it is still the same": a signer on another machine may have written over this one. Asking again mostly shows it.
  }
  throw new EngineError('unavailable', `cannot sign ${familiar(reference)}: others write its signatures at the same time; try again`)
}

/** As cosign does with OCI 1.1: a manifest of its own for the signature, whose subject is the image. */
async function writeAsReferrer(subject: SignedSubject, signature: NewSignature, place: SigningPlace): Promise<WrittenSignature> {
  const { reference, descriptor } = subject
  const named = withDigest(reference, descriptor.digest)
  for (const referrer of await place.registry.referrers(named, { ...place.access, artifactType: signatureArtifactType })) {
    const found = withDigest(reference, referrer.digest)
    const known = await readList(found, place).catch(() => undefined)
    if (known?.layers.some(layer => isSame(layer, signature))) return { reference: found, added: false }
  }
  const digest = await putList({ domain: reference.domain, path: reference.path }, signature, {
    known: undefined,
    place,
    configType: signatureArtifactType,
    subject: descriptor
  })
  return { reference: withDigest(reference, digest), added: true }
}

/** A manifest whose layers are signatures. */
interface SignatureList {
  readonly document: { readonly layers: readonly unknown[]; readonly config?: unknown }
  readonly mediaType: string
  readonly layers: readonly SignatureLayer[]
  /** Undefined where it is of no use. */
  readonly config: Readonly<Record<string, unknown>> | undefined
  readonly configType: string
}

/** Undefined where there is none. @throws EngineError `conflict` for what is no list of signatures */
async function readList(reference: Reference, { registry, access }: SigningPlace): Promise<SignatureList | undefined> {
  const found = await registry.manifest(reference, { ...access, skipMirrors: true }).catch((error: unknown) => {
    if (EngineError.is(error) && error.code === 'not_found') return undefined
    throw error
  })
  if (found === undefined) return undefined
  const { bytes, document } = found
  const layers = document.kind === 'manifest' ? signaturesOf(bytes) : undefined
  if (document.kind !== 'manifest' || layers === undefined) {
    throw new EngineError('conflict', `cannot sign: ${familiar(reference)} is something else than signatures; it is left as it is`)
  }
  return {
    // Checked when it was read: a manifest, with layers.
    document: JSON.parse(Buffer.from(bytes).toString('utf8')) as SignatureList['document'],
    mediaType: document.mediaType,
    layers,
    config: await readConfig(reference, document.config, { registry, access }),
    configType: document.config.mediaType
  }
}

/** Undefined for a manifest of something else. */
function signaturesOf(manifest: Uint8Array): readonly SignatureLayer[] | undefined {
  try {
    const layers = signatureLayers(manifest)
    return layers.every(({ descriptor: { mediaType } }) => mediaType === simpleSigningType || isBundleType(mediaType)) ? layers : undefined
  } catch (error) {
    if (error instanceof SignatureProblem) return undefined
    throw error
  }
}

/** Some signers leave it empty, or out. */
async function readConfig(
  reference: Reference,
  descriptor: Descriptor,
  { registry, access }: SigningPlace
): Promise<SignatureList['config']> {
  try {
    const bytes = await registry.blob(reference, descriptor, { ...access, skipMirrors: true, limitBytes: configLimitBytes })
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch (error) {
    if (error instanceof SyntaxError || (EngineError.is(error) && ['not_found', 'not_supported', 'data_loss'].includes(error.code)))
      return undefined
    throw error
  }
}

/** Whether a layer is a signature of the same payload by the same key. Most keys sign differently each time. */
function isSame(layer: SignatureLayer, { payload, key }: NewSignature): boolean {
  if (layer.descriptor.digest !== digestOf(payload)) return false
  try {
    const { data, signature } = readSignatureLayer(payload, layer.annotations)
    return verifySignature(key, data, signature)
  } catch (error) {
    if (error instanceof SignatureProblem) return false
    throw error
  }
}

interface ListPlace {
  readonly known: SignatureList | undefined
  readonly place: SigningPlace
  readonly configType: string
  readonly subject?: Descriptor
}

/** The blobs, then the manifest with one signature more. In the order of fields, and with the configuration, that cosign writes. */
async function putList(reference: Reference, { payload, signature }: NewSignature, options: ListPlace): Promise<Digest> {
  const { known, place, configType, subject } = options
  const layer = {
    mediaType: simpleSigningType,
    size: payload.byteLength,
    digest: digestOf(payload),
    annotations: { [annotations.signature]: Buffer.from(signature).toString('base64') }
  }
  const diffIds = [...(known?.layers ?? []).map(({ descriptor }) => descriptor.digest), layer.digest]
  const config = Buffer.from(JSON.stringify(configOf(known?.config, diffIds)))
  await putBlob(reference, payload, place)
  await putBlob(reference, config, place)
  const manifest = {
    schemaVersion: 2,
    mediaType: known?.mediaType ?? mediaTypes.ociManifest,
    ...known?.document,
    config: { mediaType: known?.configType ?? configType, size: config.byteLength, digest: digestOf(config) },
    layers: [...(known?.document.layers ?? []), layer],
    ...(subject && { subject: { mediaType: subject.mediaType, size: subject.size, digest: subject.digest } })
  }
  const written = { bytes: Buffer.from(JSON.stringify(manifest)), mediaType: manifest.mediaType }
  return (await place.registry.pushManifest(reference, written, place.access)).digest
}

const noTime = '0001-01-01T00:00:00Z'

/** An image configuration for layers that are no file systems: a payload is its own diff ID. */
function configOf(known: SignatureList['config'], diffIds: readonly Digest[]): object {
  const history: readonly unknown[] = Array.isArray(known?.history) ? known.history : diffIds.slice(1).map(() => ({ created: noTime }))
  return {
    architecture: '',
    created: noTime,
    ...known,
    history: [...history, { created: noTime }],
    ...(known?.os === undefined && { os: '' }),
    rootfs: { type: 'layers', diff_ids: diffIds },
    ...(known?.config === undefined && { config: {} })
  }
}

/** A blob of some bytes. */
export async function putBlob(reference: Reference, bytes: Uint8Array, { registry, access }: SigningPlace): Promise<void> {
  const source = {
    size: bytes.byteLength,
    digest: digestOf(bytes),
    async *open(offset: number) {
      yield bytes.subarray(offset)
    }
  }
  await registry.pushBlob(reference, source, access)
}
