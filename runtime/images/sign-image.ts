import { EngineError } from '../../src/errors/index.js'
import { type Digest, digestOf, parseDigest } from '../registry/digest.js'
import { canonical, familiar, parseReference, withDigest } from '../registry/reference.js'
import type { RegistryClient } from '../registry/registry-client.js'
import { parsePublicKeys, verifySignature } from '../trust/public-key.js'
import { SignatureProblem } from '../trust/signature.js'
import { checkPayload } from '../trust/simple-signing.js'
import { writeSignature } from '../trust/write-signature.js'
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
  { digest: text, payload, signature, publicKeyPem, storage }: ImageSignature,
  options: SignOptions,
  { registry, locks }: SignParts
): Promise<SignResult> {
  const reference = withDigest(parseReference(name), parseDigest(text))
  const [key, more] = parsePublicKeys('PublicKey', publicKeyPem)
  if (key === undefined || more !== undefined) throw new EngineError('invalid_argument', 'PublicKey: expected one key')
  const { digest, bytes, document } = await registry.manifest(reference, { ...options, skipMirrors: true })
  checkClaim(payload, { reference, digest, bytes })
  if (!verifySignature(key, payload, signature))
    throw new EngineError('invalid_argument', 'Signature: it is not by the key PublicKey, of Payload')
  const subject = { reference, descriptor: { mediaType: document.mediaType, digest, size: bytes.byteLength } }
  // What is written is what was there and one more: one signer at a time, as far as this host can see to it.
  const lock = await locks.blob(digestOf(`signatures of ${canonical(reference)}`), { signal: options.signal })
  try {
    const signatures: SignResult['signatures'][number][] = []
    for (const where of new Set(storage)) {
      const written = await writeSignature(subject, { payload, signature, key }, where, { registry, access: options })
      signatures.push({ storage: where, reference: familiar(written.reference), added: written.added })
    }
    return { digest, signatures }
  } finally {
    lock.release()
  }
}

function checkClaim(payload: Uint8Array, subject: Parameters<typeof checkPayload>[1]): void {
  try {
    checkPayload(payload, subject)
  } catch (error) {
    if (!(error instanceof SignatureProblem)) throw error
    throw new EngineError(
      'invalid_argument',
      `Payload: a signature of ${canonical(subject.reference)} cannot be made of it: ${error.message}`
    )
  }
}
