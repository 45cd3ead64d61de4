import { X509Certificate } from 'node:crypto'
import { EngineError } from '../../src/errors/index.js'
import { childAt, childrenOf, type DerValue, derTags, readDer, readOid } from './der.js'
import { pemBlocks } from './pem.js'
import { SignatureProblem } from './signature.js'

/** An X.509 certificate, with what Node does not tell of one. */
export interface Certificate {
  readonly x509: X509Certificate
  /** As it is in the certificate, for comparisons. */
  readonly issuer: Buffer
  readonly serial: Buffer
  /** By object identifier. */
  readonly extensions: ReadonlyMap<string, Extension>
}

export interface Extension {
  readonly critical: boolean
  readonly value: Buffer
}

/** Object identifiers of extensions, and of purposes. */
export const oids = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  /** Fulcio's: who knows the signer, as plain text; as UTF8String. */
  issuerText: '1.3.6.1.4.1.57264.1.1',
  issuer: '1.3.6.1.4.1.57264.1.8',
  /** Fulcio's: a name that is neither a mail address nor a URI. */
  otherName: '1.3.6.1.4.1.57264.1.7'
} as const

/** @throws SignatureProblem for what is no certificate */
export function parseCertificate(der: Uint8Array): Certificate {
  let x509: X509Certificate
  try {
    x509 = new X509Certificate(der)
  } catch {
    throw new SignatureProblem('its certificate cannot be read')
  }
  const fields = childrenOf(childAt(childrenOf(readDer(x509.raw, derTags.sequence)), 0, derTags.sequence))
  // A version, [0], stands before the serial number in all that have extensions.
  const at = fields[0]?.tag === 0xa0 ? 1 : 0
  const extensions = fields.find(({ tag }) => tag === 0xa3)
  return {
    x509,
    serial: childAt(fields, at, derTags.integer).bytes,
    issuer: childAt(fields, at + 2, derTags.sequence).bytes,
    extensions: extensions === undefined ? new Map() : readExtensions(extensions)
  }
}

/** The certificates of a PEM text. @param path - its name in messages @throws EngineError `invalid_argument` */
export function parseCertificates(path: string, pem: string): readonly Certificate[] {
  const blocks = pemBlocks(pem)
  if (blocks.length === 0) throw new EngineError('invalid_argument', `${path}: there is no PEM text in it (-----BEGIN CERTIFICATE-----)`)
  return blocks.map(({ label, text }) => {
    if (label !== 'CERTIFICATE') throw new EngineError('invalid_argument', `${path}: expected CERTIFICATE in its PEM text, got ${label}`)
    try {
      return parseCertificate(new X509Certificate(text).raw)
    } catch (cause) {
      throw new EngineError('invalid_argument', `${path}: there is a certificate in it that cannot be read`, { cause })
    }
  })
}

/** Whether a certificate may be used for something: an extended key usage has to say so. */
export function isFor({ extensions }: Certificate, purpose: string): boolean {
  const usage = extensions.get(oids.extendedKeyUsage)
  return usage !== undefined && childrenOf(readDer(usage.value, derTags.sequence)).some(item => readOid(item) === purpose)
}

/** Whether a certificate is an authority's, and how many authorities may stand below it. */
export function authorityOf({ extensions }: Certificate): { readonly longest: number } | undefined {
  const constraints = extensions.get(oids.basicConstraints)
  if (constraints === undefined || !mayUseKey(extensions, keyCertSign)) return undefined
  const [isAuthority, length] = childrenOf(readDer(constraints.value, derTags.sequence))
  if (isAuthority?.tag !== derTags.boolean || isAuthority.content[0] !== 0xff) return undefined
  return { longest: length === undefined ? Number.POSITIVE_INFINITY : length.content.readUIntBE(0, Math.min(length.content.length, 4)) }
}

/** Whether a certificate's key may sign something else than certificates. */
export function maySign({ extensions }: Certificate): boolean {
  return mayUseKey(extensions, digitalSignature)
}

/** Who the signer is: mail addresses, URIs and Fulcio's other names. */
export function namesOf({ extensions }: Certificate): readonly string[] {
  const names = extensions.get(oids.subjectAltName)
  return names === undefined ? [] : childrenOf(readDer(names.value, derTags.sequence)).flatMap(nameOf)
}

/** Who knows the signer, by Fulcio's extensions. */
export function issuerOf({ extensions }: Certificate): string | undefined {
  const issuer = extensions.get(oids.issuer)
  if (issuer !== undefined) return readDer(issuer.value, derTags.utf8String).content.toString('utf8')
  return extensions.get(oids.issuerText)?.value.toString('utf8')
}

/** Masks in the first octet of a key usage: RFC 5280, section 4.2.1.3. */
const digitalSignature = 0x80
const keyCertSign = 0x04

/** Without the extension a key may be used for everything. */
function mayUseKey(extensions: Certificate['extensions'], mask: number): boolean {
  const usage = extensions.get(oids.keyUsage)
  if (usage === undefined) return true
  return ((readDer(usage.value, derTags.bitString).content[1] ?? 0) & mask) !== 0
}

/** GeneralName: RFC 5280, section 4.2.1.6. */
function nameOf(name: DerValue): readonly string[] {
  const [mailAddress, uri, other] = [0x81, 0x86, 0xa0]
  if (name.tag === mailAddress || name.tag === uri) return [name.content.toString('utf8')]
  if (name.tag !== other) return []
  const [type, value] = childrenOf(name)
  if (type === undefined || value === undefined || readOid(type) !== oids.otherName) return []
  return [childAt(childrenOf(value), 0, derTags.utf8String).content.toString('utf8')]
}

function readExtensions(field: DerValue): ReadonlyMap<string, Extension> {
  const list = childrenOf(childAt(childrenOf(field), 0, derTags.sequence))
  const extensions = new Map<string, Extension>()
  for (const item of list) {
    const [id, second, third] = childrenOf(item)
    const value = third ?? second
    if (id === undefined || value?.tag !== derTags.octetString) throw new SignatureProblem('its certificate has a malformed extension')
    const oid = readOid(id)
    if (extensions.has(oid)) throw new SignatureProblem('its certificate has an extension twice')
    extensions.set(oid, { critical: third !== undefined && second?.content[0] === 0xff, value: value.content })
  }
  return extensions
}
