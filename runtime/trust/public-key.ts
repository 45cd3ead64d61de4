import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { EngineError } from '../../src/errors/index.js'
import { pemBlocks } from './pem.js'

/** A key that signatures are checked with. */
export interface PublicKey {
  readonly key: KeyObject
  /** For messages: SHA-256 of the key as DER (SubjectPublicKeyInfo), in hex; what Sigstore's transparency logs are known by. */
  readonly fingerprint: string
}

const smallestRsaBits = 2048

/**
 * The public keys in a PEM text.
 *
 * @param path - its name in messages
 * @throws EngineError `invalid_argument` for what is no public key, a private one included; `not_supported` for kinds nobody signs images with
 */
export function parsePublicKeys(path: string, pem: string): readonly PublicKey[] {
  const blocks = pemBlocks(pem)
  if (blocks.length === 0) throw new EngineError('invalid_argument', `${path}: there is no PEM text in it (-----BEGIN PUBLIC KEY-----)`)
  return blocks.map(({ label, text }) => {
    // Node would make a public key of a private one, which has no place in a policy.
    if (!/^(RSA )?PUBLIC KEY$/.test(label)) {
      throw new EngineError('invalid_argument', `${path}: expected PUBLIC KEY in its PEM text, got ${label}`)
    }
    return checkedKey(path, createKey(path, text))
  })
}

/** A key of a certificate or a policy, if it is of a kind that is taken. @throws EngineError `not_supported` */
export function checkedKey(path: string, key: KeyObject): PublicKey {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  const bits = details?.modulusLength ?? 0
  const curve = details?.namedCurve ?? ''
  const isTaken = type === 'ed25519' || (type === 'ec' && curve in curveHashes) || (type === 'rsa' && bits >= smallestRsaBits)
  if (!isTaken) {
    const found = [type, type === 'rsa' ? `${bits} bits` : curve].filter(word => word !== '').join(', ')
    throw new EngineError(
      'not_supported',
      `${path}: a key of this kind is not taken (${found}): use ECDSA P-256, Ed25519, or RSA from 2048 bits`
    )
  }
  return {
    key,
    fingerprint: createHash('sha256')
      .update(key.export({ type: 'spki', format: 'der' }))
      .digest('hex')
  }
}

/** Whether `signature` is this key's for `data`. ECDSA signatures are DER, RSA ones PKCS #1 v1.5: as cosign makes them. */
export function verifySignature({ key }: PublicKey, data: Uint8Array, signature: Uint8Array): boolean {
  return hashesOf(key).some(hash => {
    try {
      return verify(hash, data, key, signature)
    } catch {
      // A signature that is not even of the key's form.
      return false
    }
  })
}

/** The hash that belongs to a curve; cosign signs with SHA-256 whatever the curve is, newer versions with the curve's own. */
const curveHashes: Readonly<Record<string, string>> = { prime256v1: 'sha256', secp384r1: 'sha384', secp521r1: 'sha512' }

function hashesOf(key: KeyObject): readonly (string | undefined)[] {
  if (key.asymmetricKeyType === 'ed25519') return [undefined]
  const own = curveHashes[key.asymmetricKeyDetails?.namedCurve ?? '']
  return [...new Set(['sha256', own ?? 'sha256'])]
}

function createKey(path: string, text: string): KeyObject {
  try {
    return createPublicKey(text)
  } catch (cause) {
    throw new EngineError('invalid_argument', `${path}: there is a public key in it that cannot be read`, { cause })
  }
}
