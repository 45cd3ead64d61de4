import { createHash } from 'node:crypto'
import { preAuthenticationEncoding, signaturePredicate, statementMediaType } from '../../src/signing/statement.js'
import { base64At, countAt, isObject, type JsonObject, listAt, objectAt, parseJson } from './json.js'
import { type InclusionProof, type LogEntry, SignatureProblem, type SignedStatement, type Subject } from './signature.js'

// Sigstore's bundle: a signature with everything that is needed to check it, as JSON (protobuf-specs, sigstore_bundle.proto):
//
//   { "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
//     "verificationMaterial": { "certificate": { "rawBytes" } or "publicKey": { "hint" },
//                               "tlogEntries": [...], "timestampVerificationData": { "rfc3161Timestamps": [...] } },
//     "dsseEnvelope": { "payloadType", "payload", "signatures": [{ "sig" }] }
//     or "messageSignature": { "messageDigest": { "algorithm", "digest" }, "signature" } }

/** Whether a media type is a bundle's: version 0.3, and those of before. */
export function isBundleType(mediaType: string): boolean {
  return /^application\/vnd\.dev\.sigstore\.bundle(\.v0\.3)?\+json(; ?version=0\.[123])?$/.test(mediaType)
}

const statementTypes: ReadonlySet<unknown> = new Set(['https://in-toto.io/Statement/v1', 'https://in-toto.io/Statement/v0.1'])

/** What a bundle holds, if it is for this image. Signature, certificate and log are still to be checked. @throws SignatureProblem */
export function readBundle(bytes: Uint8Array, subject: Subject): SignedStatement {
  const bundle = parseJson(bytes, 'it')
  if (typeof bundle.mediaType !== 'string' || !isBundleType(bundle.mediaType))
    throw new SignatureProblem('it is no bundle of a known version')
  const material = objectAt(bundle, 'verificationMaterial')
  return {
    ...(isObject(bundle.dsseEnvelope) ? readEnvelope(bundle.dsseEnvelope, subject) : readMessage(bundle, subject)),
    ...readMaterial(material)
  }
}

/** DSSE: what is signed is the payload with its type. */
function readEnvelope(envelope: JsonObject, subject: Subject): Pick<SignedStatement, 'data' | 'signature' | 'form'> {
  const { payloadType } = envelope
  if (payloadType !== statementMediaType) throw new SignatureProblem('its payload is no in-toto statement')
  const payload = base64At(envelope, 'payload')
  const signatures = listAt(envelope, 'signatures')
  const [signature] = signatures
  if (signature === undefined || signatures.length !== 1) throw new SignatureProblem('its envelope has not one signature')
  checkStatement(parseJson(payload, 'its payload'), subject)
  return { data: preAuthenticationEncoding(payload), signature: base64At(signature, 'sig'), form: { kind: 'envelope', payload } }
}

function checkStatement(statement: JsonObject, { digest }: Subject): void {
  if (!statementTypes.has(statement._type)) throw new SignatureProblem('its payload is no in-toto statement')
  const { predicateType } = statement
  if (predicateType !== signaturePredicate) {
    throw new SignatureProblem(`it is no signature but an attestation: ${String(predicateType).slice(0, 100)}`)
  }
  const colon = digest.indexOf(':')
  const isNamed = listAt(statement, 'subject').some(item => objectAt(item, 'digest')[digest.slice(0, colon)] === digest.slice(colon + 1))
  if (!isNamed) throw new SignatureProblem('it is for another digest')
}

/** What is signed is the index or manifest itself. */
function readMessage(bundle: JsonObject, { bytes }: Subject): Pick<SignedStatement, 'data' | 'signature' | 'form'> {
  if (!isObject(bundle.messageSignature)) throw new SignatureProblem('it holds no signature of a known kind')
  const signature = base64At(bundle.messageSignature, 'signature')
  const { algorithm, digest } = objectAt(bundle.messageSignature, 'messageDigest')
  if (algorithm !== undefined && algorithm !== 'SHA2_256')
    throw new SignatureProblem(`it has a hash that is not taken: ${String(algorithm).slice(0, 40)}`)
  // Only a hint; the signature is over the bytes.
  if (digest !== undefined && digest !== createHash('sha256').update(bytes).digest('base64'))
    throw new SignatureProblem('it is for another digest')
  return { data: bytes, signature, form: { kind: 'message' } }
}

function readMaterial(material: JsonObject): Omit<SignedStatement, 'data' | 'signature' | 'form'> {
  const chain = isObject(material.certificate) ? [material.certificate] : listAt(objectAt(material, 'x509CertificateChain'), 'certificates')
  const [certificate, ...intermediates] = chain.map(item => base64At(item, 'rawBytes'))
  const timestamps = listAt(objectAt(material, 'timestampVerificationData'), 'rfc3161Timestamps')
  return {
    ...(certificate !== undefined && { certificate }),
    intermediates,
    logEntries: listAt(material, 'tlogEntries').slice(0, maximumEntries).map(readEntry),
    timestamps: timestamps.slice(0, maximumEntries).map(item => base64At(item, 'signedTimestamp'))
  }
}

/** As many log entries, and timestamps, as are looked at. */
const maximumEntries = 16

function readEntry(entry: JsonObject): LogEntry {
  const promise = isObject(entry.inclusionPromise) ? base64At(entry.inclusionPromise, 'signedEntryTimestamp') : undefined
  return {
    body: base64At(entry, 'canonicalizedBody'),
    logId: base64At(objectAt(entry, 'logId'), 'keyId').toString('hex'),
    logIndex: countAt({ logIndex: 0, ...entry }, 'logIndex'),
    integratedTime: countAt({ integratedTime: 0, ...entry }, 'integratedTime'),
    ...(promise && { promise }),
    ...(isObject(entry.inclusionProof) && { proof: readProof(entry.inclusionProof) })
  }
}

function readProof(proof: JsonObject): InclusionProof {
  const { envelope } = objectAt(proof, 'checkpoint')
  if (typeof envelope !== 'string') throw new SignatureProblem('its log entry has no checkpoint')
  const hashes = Array.isArray(proof.hashes) ? proof.hashes.slice(0, 64) : []
  return {
    // Protocol buffers leave out what is 0.
    leafIndex: countAt({ logIndex: 0, ...proof }, 'logIndex'),
    treeSize: countAt(proof, 'treeSize'),
    hashes: hashes.map((hash: unknown) => base64At({ hash }, 'hash')),
    rootHash: base64At(proof, 'rootHash'),
    checkpoint: envelope
  }
}
