import { X509Certificate } from 'node:crypto'
import { isDigest } from '../registry/digest.js'
import type { Descriptor } from '../registry/manifest.js'
import { base64At, countAt, isObject, type JsonObject, listAt, objectAt, parseJson } from './json.js'
import { pemBlocks } from './pem.js'
import { type LogEntry, SignatureProblem, type SignedStatement } from './signature.js'

/** Annotations of a layer that is a signature: cosign's SIGNATURE_SPEC. */
export const annotations = {
  signature: 'dev.cosignproject.cosign/signature',
  certificate: 'dev.sigstore.cosign/certificate',
  chain: 'dev.sigstore.cosign/chain',
  logEntry: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp'
} as const

/** A layer of a signature's manifest. */
export interface SignatureLayer {
  readonly descriptor: Descriptor
  readonly annotations: JsonObject
}

/** The layers of a manifest that signatures are kept in. @throws SignatureProblem */
export function signatureLayers(manifest: Uint8Array): readonly SignatureLayer[] {
  return listAt(parseJson(manifest, 'its manifest'), 'layers').map(layer => {
    const { digest, mediaType } = layer
    if (typeof digest !== 'string' || !isDigest(digest) || typeof mediaType !== 'string')
      throw new SignatureProblem('its manifest is malformed')
    return { descriptor: { digest, mediaType, size: countAt(layer, 'size') }, annotations: objectAt(layer, 'annotations') }
  })
}

/** A signature of cosign's first kind: the layer is what was signed, the rest is in its annotations. @throws SignatureProblem */
export function readSignatureLayer(payload: Uint8Array, given: JsonObject): SignedStatement {
  const [certificate] = certificatesAt(given, annotations.certificate)
  return {
    data: payload,
    signature: base64At(given, annotations.signature),
    form: { kind: 'message' },
    ...(certificate && { certificate }),
    intermediates: certificatesAt(given, annotations.chain),
    logEntries: jsonAt(given, annotations.logEntry).map(readEntry),
    timestamps: jsonAt(given, annotations.timestamp).map(timestamp => base64At(timestamp, 'SignedRFC3161Timestamp'))
  }
}

/** What Rekor said to the upload: the entry, and its promise for it. */
function readEntry(bundle: JsonObject): LogEntry {
  const payload = objectAt(bundle, 'Payload')
  return {
    body: base64At(payload, 'body'),
    logId: String(payload.logID),
    logIndex: countAt(payload, 'logIndex'),
    integratedTime: countAt(payload, 'integratedTime'),
    promise: base64At(bundle, 'SignedEntryTimestamp')
  }
}

function jsonAt(given: JsonObject, name: string): readonly JsonObject[] {
  const text = given[name]
  if (typeof text !== 'string') return []
  const value = parseJson(Buffer.from(text), `its annotation ${name}`)
  return isObject(value) ? [value] : []
}

function certificatesAt(given: JsonObject, name: string): readonly Uint8Array[] {
  const text = given[name]
  if (typeof text !== 'string' || text === '') return []
  try {
    return pemBlocks(text).map(block => new X509Certificate(block.text).raw)
  } catch {
    throw new SignatureProblem(`its annotation ${name} is no certificate`)
  }
}
