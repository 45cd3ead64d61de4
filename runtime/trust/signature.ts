import type { Digest } from '../registry/digest.js'
import type { Reference } from '../registry/reference.js'

/** What a signature has to be for. */
export interface Subject {
  readonly reference: Reference
  /** Of what the reference named: an index or a manifest. */
  readonly digest: Digest
  /** The index or manifest itself. */
  readonly bytes: Uint8Array
}

/** What a signer put their name to, and what there is to know them by. Nothing of it is checked yet. */
export interface SignedStatement {
  /** What was signed, byte by byte. */
  readonly data: Uint8Array
  readonly signature: Uint8Array
  /** As transparency logs note it: the message itself, or an envelope with a payload. */
  readonly form: { readonly kind: 'message' } | { readonly kind: 'envelope'; readonly payload: Uint8Array }
  /** The signer's certificate, as DER. Absent where they are known by a key alone. */
  readonly certificate?: Uint8Array
  /** Certificates between the signer's and the root, as DER. */
  readonly intermediates: readonly Uint8Array[]
  readonly logEntries: readonly LogEntry[]
  /** RFC 3161 time-stamp responses for `signature`, as DER. */
  readonly timestamps: readonly Uint8Array[]
}

/** An entry of a transparency log (Rekor), with what shows that it is in the log. */
export interface LogEntry {
  /** What the log noted, JSON in one spelling. */
  readonly body: Uint8Array
  /** Key id of the log, in hex: SHA-256 of its key. */
  readonly logId: string
  /** Of all entries of the log, its shards included. */
  readonly logIndex: number
  /** When it came into the log, in seconds since 1970. Says nothing without `promise`. */
  readonly integratedTime: number
  /** The log's signature for the four above: its signed entry timestamp. */
  readonly promise?: Uint8Array
  readonly proof?: InclusionProof
}

/** The way from an entry up to the root of a log's tree: RFC 9162, section 2.1.3. */
export interface InclusionProof {
  readonly leafIndex: number
  readonly treeSize: number
  readonly hashes: readonly Uint8Array[]
  readonly rootHash: Uint8Array
  /** Root and size, signed by the log: a C2SP checkpoint. */
  readonly checkpoint: string
}

/** Why a signature does not count. Never leaves this folder: of several signatures one has to count, not all. */
export class SignatureProblem extends Error {}
