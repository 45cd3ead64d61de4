import { createHash, verify } from 'node:crypto'
import { type Certificate, isFor, oids, parseCertificate } from './certificate.js'
import { checkChain, checkValidity } from './certificate-chain.js'
import { childAt, childrenOf, type DerValue, derTags, readDer, readGeneralizedTime, readOid } from './der.js'
import { SignatureProblem } from './signature.js'

const signedData = '1.2.840.113549.1.7.2'
const timestampInfo = '1.2.840.113549.1.9.16.1.4'
const contentType = '1.2.840.113549.1.9.3'
const messageDigest = '1.2.840.113549.1.9.4'

const hashes: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512'
}

/** Signature algorithms, all with the hash that stands beside them: RSA PKCS #1 v1.5 and ECDSA. */
const signatureAlgorithms: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.1',
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.2.1',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4'
])

/** The context-specific tags of CMS: RFC 5652. */
const [explicit0, implicit0] = [0xa0, 0xa0]

/**
 * When a timestamp authority saw some data: RFC 3161, in the form of RFC 5652.
 *
 * @param response - TimeStampResp, as DER
 * @param authorities - Certificates that it has to come from
 * @throws SignatureProblem
 */
export function verifyTimestamp(response: Uint8Array, data: Uint8Array, authorities: readonly Certificate[]): Date {
  const { info, infoBytes, embedded, signer } = parseToken(response)
  const { digest, hash, time } = parseInfo(info)
  if (!createHash(hash).update(data).digest().equals(digest)) throw new SignatureProblem('its timestamp is for something else')
  const certificate = [...authorities, ...embedded].find(
    ({ issuer, serial }) => issuer.equals(signer.issuer) && serial.equals(signer.serial)
  )
  if (certificate === undefined) throw new SignatureProblem('its timestamp is of an authority that is not known')
  if (authorities.includes(certificate)) checkValidity(certificate, time)
  else checkChain(certificate, { anchors: authorities, intermediates: embedded, at: time })
  if (!isFor(certificate, oids.timeStamping)) throw new SignatureProblem("its timestamp's certificate is not for timestamps")
  if (!attributesHold(signer, infoBytes) || !verifies(signer, certificate))
    throw new SignatureProblem('its timestamp has a wrong signature')
  return time
}

interface Signer {
  readonly issuer: Buffer
  readonly serial: Buffer
  readonly hash: string
  /** SET OF, as it was signed. */
  readonly attributes: Buffer
  readonly signature: Buffer
}

function parseToken(response: Uint8Array) {
  const [, token] = childrenOf(readDer(response, derTags.sequence))
  if (token === undefined) throw new SignatureProblem('its timestamp was refused by the authority')
  const content = childrenOf(token)
  if (readOid(childAt(content, 0, derTags.oid)) !== signedData) throw new SignatureProblem('its timestamp is not signed')
  const parts = childrenOf(childAt(childrenOf(childAt(content, 1, explicit0)), 0, derTags.sequence))
  const inner = childrenOf(childAt(parts, 2, derTags.sequence))
  if (readOid(childAt(inner, 0, derTags.oid)) !== timestampInfo) throw new SignatureProblem('what is signed is no timestamp')
  const infoBytes = childAt(childrenOf(childAt(inner, 1, explicit0)), 0, derTags.octetString).content
  const certificates = parts.slice(3).find(({ tag }) => tag === implicit0)
  const signers = childrenOf(childAt(parts, parts.length - 1, derTags.set))
  if (signers.length !== 1) throw new SignatureProblem('its timestamp has not one signer')
  return {
    info: readDer(infoBytes, derTags.sequence),
    infoBytes,
    embedded: certificates === undefined ? [] : childrenOf(certificates).map(({ bytes }) => parseCertificate(bytes)),
    signer: parseSigner(childAt(signers, 0, derTags.sequence))
  }
}

function parseSigner(value: DerValue): Signer {
  const fields = childrenOf(value)
  const name = childrenOf(childAt(fields, 1, derTags.sequence))
  const attributes = childAt(fields, 3, implicit0)
  const algorithm = readOid(childAt(childrenOf(childAt(fields, 4, derTags.sequence)), 0, derTags.oid))
  if (!signatureAlgorithms.has(algorithm))
    throw new SignatureProblem(`its timestamp is signed in a way that is not known here: ${algorithm}`)
  // What is signed is the SET that the implicit tag stands for.
  const signed = Buffer.from(attributes.bytes)
  signed[0] = derTags.set
  return {
    issuer: childAt(name, 0, derTags.sequence).bytes,
    serial: childAt(name, 1, derTags.integer).bytes,
    hash: hashOf(childAt(fields, 2, derTags.sequence)),
    attributes: signed,
    signature: childAt(fields, 5, derTags.octetString).content
  }
}

function parseInfo(info: DerValue) {
  const fields = childrenOf(info)
  const imprint = childrenOf(childAt(fields, 2, derTags.sequence))
  return {
    hash: hashOf(childAt(imprint, 0, derTags.sequence)),
    digest: childAt(imprint, 1, derTags.octetString).content,
    time: readGeneralizedTime(childAt(fields, 4, derTags.generalizedTime))
  }
}

function hashOf(algorithm: DerValue): string {
  const oid = readOid(childAt(childrenOf(algorithm), 0, derTags.oid))
  const hash = hashes[oid]
  if (hash === undefined) throw new SignatureProblem(`its timestamp has a hash that is not taken: ${oid}`)
  return hash
}

/** The signed attributes have to say what was signed: RFC 5652, section 5.3. */
function attributesHold({ attributes, hash }: Signer, infoBytes: Buffer): boolean {
  const values = new Map<string, DerValue>()
  for (const attribute of childrenOf(readDer(attributes, derTags.set))) {
    const parts = childrenOf(attribute)
    const [first, ...more] = childrenOf(childAt(parts, 1, derTags.set))
    if (first !== undefined && more.length === 0) values.set(readOid(childAt(parts, 0, derTags.oid)), first)
  }
  const type = values.get(contentType)
  const digest = values.get(messageDigest)
  if (type === undefined || digest === undefined || readOid(type) !== timestampInfo) return false
  return createHash(hash).update(infoBytes).digest().equals(digest.content)
}

function verifies({ hash, attributes, signature }: Signer, { x509 }: Certificate): boolean {
  try {
    return verify(hash, attributes, x509.publicKey, signature)
  } catch {
    return false
  }
}
