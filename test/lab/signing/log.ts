import { createHash, createPublicKey } from 'node:crypto'
import { type KeyPair, makeKeyPair } from './openssl.js'

/** An entry as bundles have it, in protobuf's JSON. */
export interface BundledEntry {
  readonly logIndex: string
  readonly logId: { readonly keyId: string }
  readonly kindVersion: { readonly kind: string; readonly version: string }
  readonly integratedTime: string
  readonly inclusionPromise?: { readonly signedEntryTimestamp: string }
  readonly inclusionProof?: {
    readonly logIndex: string
    readonly rootHash: string
    readonly treeSize: string
    readonly hashes: readonly string[]
    readonly checkpoint: { readonly envelope: string }
  }
  readonly canonicalizedBody: string
}

/** A transparency log of a few entries, as Rekor has them. */
export class Log {
  readonly keys: KeyPair
  readonly #id: Buffer

  constructor(keys: KeyPair) {
    this.keys = keys
    this.#id = createHash('sha256')
      .update(createPublicKey(keys.publicPem).export({ type: 'spki', format: 'der' }))
      .digest()
  }

  static async open(): Promise<Log> {
    return new Log(await makeKeyPair())
  }

  /** Note something among `others` entries that mean nothing. @param at - when, in seconds since 1970 */
  async note(
    body: object,
    options: { readonly at?: number; readonly others?: number; readonly index?: number } = {}
  ): Promise<BundledEntry> {
    const { at = Math.floor(Date.now() / 1000), others = 4, index = 2 } = options
    const text = Buffer.from(JSON.stringify(body))
    const leaves = Array.from({ length: others + 1 }, (_, place) => hash(0, place === index ? text : Buffer.from(`entry ${place}`)))
    const root = rootOf(leaves)
    const note = `log.example - 1\n${leaves.length}\n${root.toString('base64')}\n`
    const signature = Buffer.concat([this.#id.subarray(0, 4), await this.keys.sign(Buffer.from(note))])
    const logID = this.#id.toString('hex')
    const promise = JSON.stringify({ body: text.toString('base64'), integratedTime: at, logID, logIndex: 1000 + index })
    const { kind, apiVersion } = body as { readonly kind: string; readonly apiVersion: string }
    return {
      logIndex: String(1000 + index),
      logId: { keyId: this.#id.toString('base64') },
      kindVersion: { kind, version: apiVersion },
      integratedTime: String(at),
      inclusionPromise: { signedEntryTimestamp: (await this.keys.sign(Buffer.from(promise))).toString('base64') },
      inclusionProof: {
        logIndex: String(index),
        rootHash: root.toString('base64'),
        treeSize: String(leaves.length),
        hashes: pathOf(leaves, index).map(sibling => sibling.toString('base64')),
        checkpoint: { envelope: `${note}\n\u2014 log.example ${signature.toString('base64')}\n` }
      },
      canonicalizedBody: text.toString('base64')
    }
  }
}

/** What Rekor notes of a signature for a message. */
export function hashedRekord(message: Uint8Array, signature: Uint8Array, certificatePem: string): object {
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: 'sha256', value: createHash('sha256').update(message).digest('hex') } },
      signature: {
        content: Buffer.from(signature).toString('base64'),
        publicKey: { content: Buffer.from(certificatePem).toString('base64') }
      }
    }
  }
}

/** What Rekor notes of an envelope. */
export function dsseRekord(payload: Uint8Array, signature: Uint8Array, certificatePem: string): object {
  return {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      envelopeHash: { algorithm: 'sha256', value: '0'.repeat(64) },
      payloadHash: { algorithm: 'sha256', value: createHash('sha256').update(payload).digest('hex') },
      signatures: [{ signature: Buffer.from(signature).toString('base64'), verifier: Buffer.from(certificatePem).toString('base64') }]
    }
  }
}

/** MTH of RFC 9162, section 2.1.1, and PATH of 2.1.3.1: by their recursive definitions. */
function rootOf(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves
  if (leaves.length === 1 && only !== undefined) return only
  const half = halfOf(leaves.length)
  return hash(1, rootOf(leaves.slice(0, half)), rootOf(leaves.slice(half)))
}

function pathOf(leaves: readonly Buffer[], index: number): readonly Buffer[] {
  if (leaves.length === 1) return []
  const half = halfOf(leaves.length)
  return index < half
    ? [...pathOf(leaves.slice(0, half), index), rootOf(leaves.slice(half))]
    : [...pathOf(leaves.slice(half), index - half), rootOf(leaves.slice(0, half))]
}

function halfOf(length: number): number {
  return 2 ** Math.floor(Math.log2(length - 1))
}

function hash(prefix: number, ...parts: readonly Uint8Array[]): Buffer {
  return createHash('sha256')
    .update(Buffer.concat([Buffer.from([prefix]), ...parts]))
    .digest()
}
