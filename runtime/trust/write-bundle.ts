import { EngineError } from '../../src/errors/index.js'
import { signaturePredicate, statementMediaType } from '../../src/signing/statement.js'
import { digestOf } from '../registry/digest.js'
import { mediaTypes } from '../registry/media-types.js'
import { withDigest } from '../registry/reference.js'
import { isBundleType, readBundle } from './bundle.js'
import { verifySignature } from './public-key.js'
import { SignatureProblem, type Subject } from './signature.js'
import { signatureLayers } from './signature-manifest.js'
import { type NewSignature, putBlob, type SigningPlace, type WrittenSignature } from './write-signature.js'

const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const emptyType = 'application/vnd.oci.empty.v1+json'
const bundleLimitBytes = 4 * 1024 * 1024
/** As many of the image's bundles as are looked at for one that says the same. */
const maximumBundles = 256

/** A bundle of a statement and its signature by a key pair: `bundle.ts` draws it. */
export function makeBundle({ payload, signature, key }: NewSignature): Buffer {
  return Buffer.from(
    JSON.stringify({
      mediaType: bundleType,
      verificationMaterial: { publicKey: { hint: Buffer.from(key.fingerprint, 'hex').toString('base64') } },
      dsseEnvelope: {
        payload: Buffer.from(payload).toString('base64'),
        payloadType: statementMediaType,
        signatures: [{ sig: Buffer.from(signature).toString('base64') }]
      }
    })
  )
}

/** Write a bundle as cosign does since version 3: a referrer of the image. @throws EngineError as pushes do */
export async function writeBundle(
  subject: Subject,
  signature: NewSignature,
  place: SigningPlace,
  mediaType: string
): Promise<WrittenSignature> {
  const { reference, digest, bytes } = subject
  const known = await place.registry.referrers(withDigest(reference, digest), place.access)
  for (const referrer of known.filter(({ artifactType = '' }) => isBundleType(artifactType)).slice(0, maximumBundles)) {
    const found = withDigest(reference, referrer.digest)
    if (await isSame(found, subject, signature, place)) return { reference: found, added: false }
  }
  const [config, bundle] = [Buffer.from('{}'), makeBundle(signature)]
  const repository = { domain: reference.domain, path: reference.path }
  await putBlob(repository, config, place)
  await putBlob(repository, bundle, place)
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType: bundleType,
    config: { mediaType: emptyType, size: config.length, digest: digestOf(config) },
    layers: [{ mediaType: bundleType, size: bundle.length, digest: digestOf(bundle) }],
    subject: { mediaType, size: bytes.byteLength, digest },
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': signaturePredicate,
      'org.opencontainers.image.created': new Date().toISOString()
    }
  }
  const written = { bytes: Buffer.from(JSON.stringify(manifest)), mediaType: mediaTypes.ociManifest }
  const { digest: stored } = await place.registry.pushManifest(repository, written, place.access)
  return { reference: withDigest(reference, stored), added: true }
}

/** Whether a referrer is a bundle of the same statement by the same key; one that cannot be read is not. */
async function isSame(
  found: Subject['reference'],
  subject: Subject,
  { payload, key }: NewSignature,
  { registry, access }: SigningPlace
): Promise<boolean> {
  const origin = { ...access, skipMirrors: true }
  try {
    const { bytes } = await registry.manifest(found, origin)
    for (const { descriptor } of signatureLayers(bytes).filter(layer => isBundleType(layer.descriptor.mediaType))) {
      const bundle = await registry.blob(found, descriptor, { ...origin, limitBytes: bundleLimitBytes })
      const { data, form, signature } = readBundle(bundle, subject)
      if (form.kind === 'envelope' && Buffer.from(form.payload).equals(payload) && verifySignature(key, data, signature)) return true
    }
    return false
  } catch (error) {
    if (error instanceof SignatureProblem) return false
    if (EngineError.is(error) && ['not_found', 'data_loss', 'not_supported'].includes(error.code)) return false
    throw error
  }
}
