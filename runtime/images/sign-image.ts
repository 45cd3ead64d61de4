import type { SignatureFormat } from '../../src/api/index.js'
import { EngineError } from '../../src/errors/index.js'
import { type Digest, digestOf, parseDigest } from '../registry/digest.js'
import { canonical, familiar, parseReference, withDigest } from '../registry/reference.js'
import type { RegistryClient } from '../registry/registry-client.js'
import { readBundle } from '../trust/bundle.js'
import { parsePublicKeys, verifySignature } from '../trust/public-key.js'
import { SignatureProblem, type SignedStatement, type Subject } from '../trust/signature.js'
import { checkPayload } from '../trust/simple-signing.js'
import { makeBundle, writeBundle } from '../trust/write-bundle.js'
import { type NewSignature, writeSignature } from '../trust/write-signature.js'
import type { DigestLocks } from './digest-locks.js'
import type { ImageSignature, SignOptions, SignResult } from './image-service.js'

/** What a name stands for in its registry. @throws EngineError as the registry's manifests */
export async function signingSubject(name: string, options: SignOptions, registry: Pick<RegistryClient, 'manifest'>): Promise<Digest> {
  const { digest } = await registry.manifest(parseReference(name), { ...options, skipMirrors: true })
  return digest
}

/** What writing signatures needs. */
export interface SignParts {
  readonly registry: RegistryClient
  readonly locks: DigestLocks
}

/**
 * Write a signature to an image's registry: one that was made elsewhere, and is checked here.
 *
 * @throws EngineError `invalid_argument` for one that does not hold; `not_found` where the registry does not have what was signed; as pushes do
 */
export async function signImage(
  name: string,
  given: ImageSignature,
  options: SignOptions,
  { registry, locks }: SignParts
): Promise<SignResult> {
  const { payload, signature, format, storage } = given
  if (format === 'bundle' && storage.includes('tag')) throw new EngineError('invalid_argument', 'Storage: a bundle is always a referrer')
  const reference = withDigest(parseReference(name), parseDigest(given.digest))
  const [key, more] = parsePublicKeys('PublicKey', given.publicKeyPem)
  if (key === undefined || more !== undefined) throw new EngineError('invalid_argument', 'PublicKey: expected one key')
  const { digest, bytes, document } = await registry.manifest(reference, { ...options, skipMirrors: true })
  const subject: Subject = { reference, digest, bytes }
  const signed: NewSignature = { payload, signature, key }
  checkSigned(signed, format, subject)
  const descriptor = { mediaType: document.mediaType, digest, size: bytes.byteLength }
  const place = { registry, access: options }
  // What is written is what was there and one more: one signer at a time, as far as this host can see to it.
  const lock = await locks.blob(digestOf(`signatures of ${canonical(reference)}`), { signal: options.signal })
  try {
    const signatures: SignResult['signatures'][number][] = []
    for (const where of new Set(storage)) {
      const written =
        format === 'bundle'
          ? await writeBundle(subject, signed, place, descriptor.mediaType)
          : await writeSignature({ reference, descriptor }, signed, where, place)
      signatures.push({ storage: where, reference: familiar(written.reference), added: written.added })
    }
    return { digest, signatures }
  } finally {
    lock.release()
  }
}

/** A signature that does not hold is not written. @throws EngineError `invalid_argument` */
function checkSigned(signed: NewSignature, format: SignatureFormat, subject: Subject): void {
  const { data, signature } = readSigned(signed, format, subject)
  if (verifySignature(signed.key, data, signature)) return
  throw new EngineError('invalid_argument', 'Signature: it is not by the key PublicKey, of Payload')
}

function readSigned(signed: NewSignature, format: SignatureFormat, subject: Subject): Pick<SignedStatement, 'data' | 'signature'> {
  try {
    if (format === 'bundle') return readBundle(makeBundle(signed), subject)
    checkPayload(signed.payload, subject)
    return { data: signed.payload, signature: signed.signature }
  } catch (error) {
    if (!(error instanceof SignatureProblem)) throw error
    const problem = `a signature of ${canonical(subject.reference)} cannot be made of it: ${error.message}`
    throw new EngineError('invalid_argument', `Payload: ${problem}`)
  }
}
