import { scrypt } from 'node:crypto'
import { EngineError } from '../errors/index.js'

// What `cosign generate-key-pair` writes: PEM around JSON, in which the private key as PKCS #8 is encrypted as go-securesystemslib does it.
//
//   -----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
//   { "kdf": { "name": "scrypt", "params": { "N": 65536, "r": 8, "p": 1 }, "salt": "<base64>" },
//     "cipher": { "name": "nacl/secretbox", "nonce": "<base64>" }, "ciphertext": "<base64>" }

/** Whether a PEM label is of such a key; COSIGN is what versions before 2 wrote. */
export function isSigstoreKey(label: string): boolean {
  return label === 'ENCRYPTED SIGSTORE PRIVATE KEY' || label === 'ENCRYPTED COSIGN PRIVATE KEY'
}

/** What the derivation may take: four times what cosign asks for at most. */
const memoryLimitBytes = 512 * 1024 * 1024
const highestParallelism = 16
const [keyBytes, nonceBytes] = [32, 24]

/** The private key in it, as PKCS #8. Takes a tenth of a second, in another thread. @throws EngineError `invalid_argument`, `not_supported` */
export async function openSigstoreKey(path: string, keyPem: string, passphrase: string | undefined): Promise<Buffer> {
  const envelope = readEnvelope(path, keyPem)
  if (passphrase === undefined) throw passphraseMissing(path)
  const key = await derive(path, passphrase, envelope)
  // Loaded here: few programs sign, and fewer with such a key.
  const { xsalsa20poly1305 } = await import('@noble/ciphers/salsa.js')
  try {
    return Buffer.from(xsalsa20poly1305(key, envelope.nonce).decrypt(envelope.ciphertext))
  } catch {
    throw new EngineError('invalid_argument', `${path}.passphrase: it is wrong, or the private key is damaged`)
  }
}

/** The error of a key that is encrypted, where nothing was given to decrypt it with. */
export function passphraseMissing(path: string): EngineError {
  return new EngineError('invalid_argument', `${path}.passphrase: the private key is encrypted: give the passphrase`)
}

interface Envelope {
  readonly cost: Cost
  readonly salt: Buffer
  readonly nonce: Buffer
  readonly ciphertext: Buffer
}

interface Cost {
  readonly N: number
  readonly r: number
  readonly p: number
}

function readEnvelope(path: string, keyPem: string): Envelope {
  const base64 = /-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----([^-]+)-----END/.exec(keyPem)?.[1] ?? ''
  const envelope = parse(path, Buffer.from(base64, 'base64').toString('utf8'))
  const [kdf, cipher] = [at(envelope, 'kdf'), at(envelope, 'cipher')]
  const [kdfName, cipherName] = [at(kdf, 'name'), at(cipher, 'name')]
  const params = at(kdf, 'params')
  const cost = { N: Number(at(params, 'N')), r: Number(at(params, 'r')), p: Number(at(params, 'p')) }
  const [salt, nonce, ciphertext] = [at(kdf, 'salt'), at(cipher, 'nonce'), at(envelope, 'ciphertext')].map(bytesOf)
  if (salt === undefined || nonce?.length !== nonceBytes || ciphertext === undefined || kdfName === undefined || cipherName === undefined) {
    throw damaged(path)
  }
  if (kdfName !== 'scrypt' || cipherName !== 'nacl/secretbox') {
    throw new EngineError(
      'not_supported',
      `${path}.keyPem: a key that is encrypted otherwise than with scrypt and nacl/secretbox is not taken: export it as PKCS #8`
    )
  }
  return { cost, salt, nonce, ciphertext }
}

/** @throws EngineError `invalid_argument` for parameters that scrypt has not, `not_supported` for what would take too much */
function derive(path: string, passphrase: string, { salt, cost }: Envelope): Promise<Buffer> {
  const { N, r, p } = cost
  const isPossible = [N, r, p].every(number => Number.isSafeInteger(number) && number > 0) && N > 1 && Number.isInteger(Math.log2(N))
  if (!isPossible) throw damaged(path)
  const neededBytes = 128 * r * (N + p)
  if (neededBytes > memoryLimitBytes || p > highestParallelism) {
    throw new EngineError(
      'not_supported',
      `${path}.keyPem: to decrypt it takes more memory or time than is given to it (scrypt, N ${N}, r ${r}, p ${p})`
    )
  }
  return new Promise((resolve, reject) => {
    scrypt(Buffer.from(passphrase, 'utf8'), salt, keyBytes, { N, r, p, maxmem: 2 * neededBytes }, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw damaged(path)
  }
}

function at(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
}

function bytesOf(value: unknown): Buffer | undefined {
  return typeof value === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(value) ? Buffer.from(value, 'base64') : undefined
}

function damaged(path: string): EngineError {
  return new EngineError('invalid_argument', `${path}.keyPem: the private key in it is damaged: it is not as cosign writes it`)
}
