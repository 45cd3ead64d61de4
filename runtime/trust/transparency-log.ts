import { createHash, X509Certificate } from 'node:crypto'
import { base64At, isObject, type JsonObject, listAt, objectAt, parseJson } from './json.js'
import { type PublicKey, verifySignature } from './public-key.js'
import { type InclusionProof, type LogEntry, SignatureProblem, type SignedStatement } from './signature.js'

/**
 * Check that a signature is in a transparency log: by the log's promise, or by a proof that leads to a root which the log has signed.
 *
 * @param keys - Of the logs that count
 * @returns when it came into the log, where the log has signed that
 * @throws SignatureProblem
 */
export function verifyLogEntry(entry: LogEntry, statement: SignedStatement, keys: readonly PublicKey[]): Date | undefined {
  if (entry.promise === undefined && entry.proof === undefined) throw new SignatureProblem('its log entry comes without a proof')
  if (entry.proof !== undefined) verifyProof(entry.body, entry.proof, keys)
  if (entry.promise !== undefined) verifyPromise(entry, entry.promise, keys)
  checkBody(entry.body, statement)
  return entry.promise === undefined ? undefined : new Date(entry.integratedTime * 1000)
}

/** Rekor's signed entry timestamp: a signature for the entry's fields as JSON in its canonical form (RFC 8785). */
function verifyPromise({ body, integratedTime, logId, logIndex }: LogEntry, promise: Uint8Array, keys: readonly PublicKey[]): void {
  const signed = JSON.stringify({ body: Buffer.from(body).toString('base64'), integratedTime, logID: logId, logIndex })
  const log = keys.find(({ fingerprint }) => fingerprint === logId)
  if (log === undefined) throw new SignatureProblem('its log entry is of a log that is not in the trusted root')
  if (!verifySignature(log, Buffer.from(signed), promise)) throw new SignatureProblem("its log entry has not the log's signature")
}

function verifyProof(body: Uint8Array, proof: InclusionProof, keys: readonly PublicKey[]): void {
  if (!rootOf(body, proof).equals(proof.rootHash)) throw new SignatureProblem("its log entry is not in the log's tree")
  const { size, root } = verifyCheckpoint(proof.checkpoint, keys)
  if (size !== proof.treeSize || !root.equals(proof.rootHash)) throw new SignatureProblem("its log entry is of another tree than the log's")
}

/** The root of the tree that has the entry: RFC 9162, section 2.1.3.2. */
function rootOf(body: Uint8Array, { leafIndex, treeSize, hashes }: InclusionProof): Buffer {
  if (leafIndex >= treeSize) throw new SignatureProblem("its log entry stands behind the end of the log's tree")
  let [index, last] = [BigInt(leafIndex), BigInt(treeSize - 1)]
  let hash = sha256(Buffer.from([0]), body)
  for (const sibling of hashes) {
    if (last === 0n) throw new SignatureProblem('its log entry has a proof that is too long')
    if (index % 2n === 1n || index === last) {
      hash = sha256(Buffer.from([1]), sibling, hash)
      while (index % 2n === 0n && index !== 0n) [index, last] = [index >> 1n, last >> 1n]
    } else {
      hash = sha256(Buffer.from([1]), hash, sibling)
    }
    index >>= 1n
    last >>= 1n
  }
  if (last !== 0n) throw new SignatureProblem('its log entry has a proof that is too short')
  return hash
}

/**
 * A checkpoint (C2SP tlog-checkpoint): a name, a size, a root, perhaps more; an empty line; signatures, a line each: `— name base64`, of
 * which the first four bytes only say whose it may be.
 */
function verifyCheckpoint(checkpoint: string, keys: readonly PublicKey[]): { readonly size: number; readonly root: Buffer } {
  const end = checkpoint.indexOf('\n\n')
  if (end < 0) throw new SignatureProblem('its checkpoint is malformed')
  const note = Buffer.from(checkpoint.slice(0, end + 1))
  const signatures = [...checkpoint.slice(end + 2).matchAll(/^\u2014 \S+ (\S+)$/gm)].slice(0, maximumSignatures)
  const isSigned = signatures.some(([, text = '']) => {
    const signature = Buffer.from(text, 'base64').subarray(4)
    return keys.some(key => verifySignature(key, note, signature))
  })
  if (!isSigned) throw new SignatureProblem('its checkpoint has not the signature of a log of the trusted root')
  const [, size = '', root = ''] = checkpoint.split('\n')
  if (!/^\d{1,15}$/.test(size)) throw new SignatureProblem('its checkpoint is malformed')
  return { size: Number(size), root: Buffer.from(root, 'base64') }
}

/** Signatures of witnesses stand there too. */
const maximumSignatures = 32

/** What the log noted has to be this signature by this signer for this: else it is the entry of something else. */
function checkBody(body: Uint8Array, statement: SignedStatement): void {
  const { kind, apiVersion, spec } = parseJson(body, 'its log entry')
  const noted = isObject(spec) ? notedBy(`${String(kind)} ${String(apiVersion)}`, spec) : undefined
  if (noted === undefined) throw new SignatureProblem(`its log entry is of a kind that is not known here: ${String(kind).slice(0, 40)}`)
  const { form, data, signature, certificate } = statement
  const message = form.kind === 'message' ? data : form.payload
  if (noted.form !== form.kind || !noted.digest.equals(sha256(message))) throw new SignatureProblem('its log entry is for something else')
  if (!noted.signature.equals(signature)) throw new SignatureProblem('its log entry is for another signature')
  if (certificate === undefined || !noted.certificate.equals(certificate)) throw new SignatureProblem('its log entry is of another signer')
}

interface Noted {
  readonly form: 'message' | 'envelope'
  readonly digest: Buffer
  readonly signature: Buffer
  readonly certificate: Buffer
}

/** The kinds of Rekor's entries that signatures come in: version 1 of the log, and 2. */
function notedBy(kind: string, spec: JsonObject): Noted | undefined {
  const [first = {}] = listAt(spec, 'signatures')
  switch (kind) {
    case 'hashedrekord 0.0.1':
      return {
        form: 'message',
        digest: hexOf(objectAt(spec, 'data', 'hash')),
        signature: base64At(objectAt(spec, 'signature'), 'content'),
        certificate: ofPem(base64At(objectAt(spec, 'signature', 'publicKey'), 'content'))
      }
    case 'dsse 0.0.1':
      return {
        form: 'envelope',
        digest: hexOf(objectAt(spec, 'payloadHash')),
        signature: base64At(first, 'signature'),
        certificate: ofPem(base64At(first, 'verifier'))
      }
    case 'hashedrekord 0.0.2': {
      const noted = objectAt(spec, 'hashedRekordV002')
      return {
        form: 'message',
        digest: base64At(objectAt(noted, 'data'), 'digest'),
        signature: base64At(objectAt(noted, 'signature'), 'content'),
        certificate: base64At(objectAt(noted, 'signature', 'verifier', 'x509Certificate'), 'rawBytes')
      }
    }
    case 'dsse 0.0.2': {
      const noted = objectAt(spec, 'dsseV002')
      const [signed = {}] = listAt(noted, 'signatures')
      return {
        form: 'envelope',
        digest: base64At(objectAt(noted, 'payloadHash'), 'digest'),
        signature: base64At(signed, 'content'),
        certificate: base64At(objectAt(signed, 'verifier', 'x509Certificate'), 'rawBytes')
      }
    }
    default:
      return undefined
  }
}

function hexOf({ algorithm, value }: JsonObject): Buffer {
  if (algorithm !== 'sha256' || typeof value !== 'string') throw new SignatureProblem('its log entry has no SHA-256')
  return Buffer.from(value, 'hex')
}

function ofPem(pem: Buffer): Buffer {
  try {
    return new X509Certificate(pem).raw
  } catch {
    throw new SignatureProblem('its log entry has no certificate')
  }
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
