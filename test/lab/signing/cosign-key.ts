import { createPrivateKey, randomBytes, scryptSync } from 'node:crypto'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'

/** The costs of scrypt that cosign has used. */
export const cosignCost = { N: 65_536, r: 8, p: 1 } as const

/** A private key as `cosign generate-key-pair` writes it, encrypted with a passphrase. */
export function cosignKeyPem(
  privatePem: string,
  passphrase: string,
  { label = 'ENCRYPTED SIGSTORE PRIVATE KEY', cost = { ...cosignCost, N: 1024 } }: { readonly label?: string; readonly cost?: object } = {}
): string {
  const [salt, nonce] = [randomBytes(32), randomBytes(24)]
  const params = { ...cosignCost, ...cost }
  const key = scryptSync(passphrase, salt, 32, { ...params, maxmem: 2 ** 28 })
  const secret = createPrivateKey(privatePem).export({ type: 'pkcs8', format: 'der' })
  const envelope = {
    kdf: { name: 'scrypt', params, salt: salt.toString('base64') },
    cipher: { name: 'nacl/secretbox', nonce: nonce.toString('base64') },
    ciphertext: Buffer.from(xsalsa20poly1305(key, nonce).encrypt(secret)).toString('base64')
  }
  const lines =
    Buffer.from(JSON.stringify(envelope))
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
