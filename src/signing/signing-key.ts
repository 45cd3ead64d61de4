import { createPrivateKey, createPublicKey, type KeyObject, type PrivateKeyInput, sign } from 'node:crypto'
import { EngineError } from '../errors/index.js'
import { isSigstoreKey, openSigstoreKey, passphraseMissing } from './sigstore-key.js'

/** A private key that images are signed with. */
export interface SigningKey {
  /** Its public half as PEM text: what `verify: { keyPem }` takes. */
  readonly publicKeyPem: string
  /** As cosign signs: with SHA-256, ECDSA as DER, RSA by PKCS #1 v1.5; Ed25519 the bytes themselves. */
  sign(data: Uint8Array): Buffer
}

const smallestRsaBits = 2048
const curves: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])
const labelPattern = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----/

/**
 * Read a private key: PKCS #8, SEC 1 or PKCS #1 as PEM text, encrypted or not, or what `cosign generate-key-pair` writes.
 *
 * @param path - its name in messages, which never show anything of it
 * @throws EngineError `invalid_argument` for what is no such key, and for a passphrase that is missing or wrong; `not_supported` for kinds of
 *   keys that nobody signs images with
 */
export async function readSigningKey(path: string, keyPem: string, passphrase?: string): Promise<SigningKey> {
  const label = labelPattern.exec(keyPem)?.[1]
  if (label === undefined) {
    throw new EngineError('invalid_argument', `${path}.keyPem: there is no private key in it (-----BEGIN PRIVATE KEY-----)`)
  }
  if (label === 'OPENSSH PRIVATE KEY') {
    throw new EngineError(
      'not_supported',
      `${path}.keyPem: a key of OpenSSH's own format is not taken: write it as PKCS #8 (ssh-keygen -p -m PKCS8)`
    )
  }
  const isEncrypted = label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: 4,ENCRYPTED/m.test(keyPem)
  if (isEncrypted && passphrase === undefined) throw passphraseMissing(path)
  const key = isSigstoreKey(label)
    ? readKey(path, { key: await openSigstoreKey(path, keyPem, passphrase), format: 'der', type: 'pkcs8' })
    : readKey(path, { key: keyPem, format: 'pem', ...(passphrase !== undefined && { passphrase }) })
  checkKind(path, key)
  const hash = key.asymmetricKeyType === 'ed25519' ? undefined : 'sha256'
  return {
    publicKeyPem: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
    sign: data => sign(hash, data, key)
  }
}

function readKey(path: string, source: PrivateKeyInput): KeyObject {
  try {
    return createPrivateKey(source)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    const hint = source.passphrase === undefined ? '' : ', or the passphrase is wrong'
    throw new EngineError('invalid_argument', `${path}.keyPem: the private key in it cannot be read${hint}`, { details: { errno: code } })
  }
}

function checkKind(path: string, key: KeyObject): void {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  const isTaken =
    type === 'ed25519' ||
    (type === 'ec' && curves.has(details?.namedCurve ?? '')) ||
    (type === 'rsa' && (details?.modulusLength ?? 0) >= smallestRsaBits)
  if (isTaken) return
  const found = [type, type === 'rsa' ? `${details?.modulusLength} bits` : details?.namedCurve].filter(word => word !== undefined)
  throw new EngineError(
    'not_supported',
    `${path}.keyPem: a key of this kind is not taken (${found.join(', ')}): use ECDSA P-256, Ed25519, or RSA from 2048 bits`
  )
}
